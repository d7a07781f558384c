"""What a tag releases: the model and the configuration, as they stand at the tag's commit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hfver.errors import UsageError
from hfver.model import Tag
from hfver.versions import Version

if TYPE_CHECKING:
    from hfver.config.settings import Config, ModelConfig
    from hfver.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Target:
    """One model a tag releases: what the configuration at the tag's commit says about it."""

    tag: Tag
    version: Version
    model: ModelConfig
    config: Config


def target_of(workspace: Workspace, tag_name: str) -> Target:
    """The model a tag releases; UsageError when the tag is no version of any."""
    tag = workspace.repo.tag(tag_name)
    config = config_at(workspace, tag.commit, tag_name)
    found = config.version_of(tag_name)
    if found is None:
        semantic, prefixes = config.formats.semantic, [model.tag_prefix for model in config.models]
        shapes = [shape for shape in (semantic, config.formats.timestamp, config.formats.experiment) if shape]
        known = ", ".join(f"{prefix}{shape}" for prefix in prefixes for shape in shapes)
        raise UsageError(f"{tag_name} is not a version: tags here look like {known}", hints=["hfver bump patch"])
    model, version = found
    return Target(tag, version, model_at(model, tag), config)


def model_at(model: ModelConfig, tag: Tag) -> ModelConfig:
    """The model as one version has it: a tag may say that its output stands elsewhere than configured."""
    return model if tag.model_path is None else replace(model, path=tag.model_path)


def config_at(workspace: Workspace, commit: str, label: str) -> Config:
    """The configuration at a commit; that of the workspace for commits older than the project's use of hfver."""
    from hfver.config.load import load_revision, main_file
    from hfver.config.problems import MissingConfigError

    with workspace.repo.reader() as reader:
        try:
            return load_revision(
                lambda path: reader.read(f"{commit}:{path}"),
                environ=workspace.environ,
                label=label,
                main=main_file(workspace.repo.top, workspace.environ, workspace.config_path),
                options=workspace.options,
                memory=workspace.state,
            )
        except MissingConfigError:
            return workspace.config
