"""The version a sync gets when none is given."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hfver.errors import UsageError
from hfver.versions import (
    Scheme,
    Version,
    experiment_slug,
    next_experiment,
    next_version,
    parse,
    timestamp_version,
)

if TYPE_CHECKING:
    from hfver.config.settings import Config, ModelConfig
    from hfver.model import Tag


def auto_version(
    config: Config,
    model: ModelConfig,
    tags: tuple[Tag, ...],
    reachable: frozenset[str],
    experiment: str,
    now: datetime,
) -> Version:
    """By ``tag_format`` with ``auto_tag``, else the next semantic one; ``auto_versioning: false`` refuses.

    ``reachable`` are the commits below the one that will be tagged: the next version follows those.
    """
    if not config.settings.auto_versioning:
        raise UsageError(
            "no version was given, and settings.auto_versioning is false", hints=["give one: --version-tag v1.0.0"]
        )
    scheme = config.auto_scheme if config.auto_tag else Scheme.SEMANTIC
    if scheme is Scheme.SEMANTIC and config.formats.semantic is None:
        scheme = Scheme.TIMESTAMP
    formats, prefix = config.formats, model.tag_prefix
    names = frozenset(tag.name for tag in tags)
    versions = [(tag, version) for tag in tags if (version := parse(tag.name, formats, prefix)) is not None]
    if scheme is Scheme.EXPERIMENT:
        everywhere = [version for _, version in versions]
        return next_experiment(everywhere, experiment_slug(experiment), formats=formats, prefix=prefix)
    if scheme is Scheme.SEMANTIC:
        here = [version for tag, version in versions if tag.commit in reachable]
        level = config.versioning.auto_increment
        return next_version(here, level, formats=formats, prefix=prefix, taken=names)
    for seconds in range(60):
        made = timestamp_version(now + timedelta(seconds=seconds), formats=formats, prefix=prefix)
        if made.tag not in names:
            return made
    raise UsageError(f"{made.tag} exists already", hints=["give a version: --version-tag v1.0.0"])
