"""Collects what ``status`` and ``log`` show: the versions of every model in git and on the Hub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hfver.alignment import Alignment, align
from hfver.hub_state import HubState, missing_repo
from hfver.hub_view import HubReader, read_hub_state, read_tags, recall_hub_state, recall_tags
from hfver.model import Tag
from hfver.versions import Version, parse

if TYPE_CHECKING:
    from hfver.config.settings import ModelConfig
    from hfver.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ModelSurvey:
    """One model's versions, newest first. ``asked`` is when the Hub was asked, None for just now."""

    name: str
    repo: str
    versions: tuple[Alignment, ...]
    hub: HubState
    asked: str | None = None


def survey(workspace: Workspace, hub: HubReader | None) -> list[ModelSurvey]:
    """Compare all versions; without a Hub, with what was known of it when it was last asked."""
    tags = workspace.repo.tags()
    owed = {entry.name for entry in workspace.outbox.entries().owed if entry.kind == "release"}
    return [_survey_model(workspace, model, tags, owed, hub) for model in workspace.config.models]


def _survey_model(
    workspace: Workspace, model: ModelConfig, tags: tuple[Tag, ...], owed: set[str], hub: HubReader | None
) -> ModelSurvey:
    asked, place = None, workspace.config.endpoint
    if hub is not None:
        state = read_hub_state(hub, model.repo, workspace.state)
    else:
        recalled = recall_hub_state(place, model.repo, workspace.state)
        state, asked = recalled if recalled is not None else (missing_repo(model.repo), "never")
    versions: dict[str, Version] = {}
    for name in {*(tag.name for tag in tags), *state.refs.tags}:
        owner = workspace.config.version_of(name)
        if owner is not None and owner[0] == model:
            versions[name] = owner[1]
    ordered = sorted(
        (tag for tag in tags if tag.name in versions), key=lambda tag: _order(versions[tag.name]), reverse=True
    )
    mirrored = None
    if any(release.trailers.configs_revision is not None for release in state.releases()):
        configs = (model.config_repo, workspace.config.config_repo_type, workspace.state)
        mirrored = recall_tags(place, *configs) if hub is None else read_tags(hub, *configs)
    found = align(ordered, state, owed, is_version=versions.keys(), mirrored=mirrored)
    return ModelSurvey(model.name, model.repo, tuple(found), state, asked)


def _order(version: Version) -> tuple[str, Version]:
    return str(version.scheme), version


def versions_of(workspace: Workspace, model: ModelConfig, tags: tuple[Tag, ...]) -> list[tuple[Tag, Version]]:
    """The tags that are versions of a model, with their meaning."""
    config = workspace.config
    found = [(tag, parse(tag.name, config.formats, model.tag_prefix)) for tag in tags]
    return [(tag, version) for tag, version in found if version is not None]
