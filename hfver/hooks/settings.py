"""The few settings hooks need, read leniently and fast.

The schema (hfver.config.schema) takes longer to import than a tag that is no version may cost, so hooks read these
keys by hand: what is missing or of a wrong kind counts as its default here, and the one full check of the configuration
happens where something is about to be released, pushed or refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from hfver.hooks.repo import HookRepo
from hfver.tag_template import TemplateError
from hfver.versions import TagFormats, Version, default_formats, parse
from hfver.yaml_depth import is_too_deep

CONFIG_FILE = "config.yaml"
DETAILS_FILE = "configs/huggingface_config.yaml"

ReadFile = Callable[[str], bytes | None]
"""Content of a file of the repository by its path from the top, None when there is none."""


@dataclass(frozen=True, slots=True)
class HookSettings:
    configured: bool = False  # whether the project has a huggingface: section at all
    enabled: bool = True
    auto_sync: bool = True
    publish: Literal["foreground", "background"] = "foreground"
    tag_guard: bool = True
    require_published: bool = True
    formats: TagFormats = field(default_factory=TagFormats)
    prefixes: tuple[str, ...] = ("",)
    mirror_branches: tuple[str, ...] = ("main", "master")
    details_file: str = DETAILS_FILE

    def version(self, tag: str) -> Version | None:
        """What the tag means for any of the project's models."""
        found = (parse(tag, self.formats, prefix) for prefix in self.prefixes)
        return next((version for version in found if version is not None), None)

    @property
    def publishes(self) -> bool:
        """Whether a version tag is to be released without being asked."""
        return self.configured and self.enabled and self.auto_sync


def settings_at(repo: HookRepo, commit: str, read_object: ReadFile | None = None) -> HookSettings:
    """The settings recorded in a commit; those of the work tree where the commit has no configuration yet.

    ``read_object`` reads ``commit:path``; whoever asks for many commits brings one that starts no process each time.
    """

    def read(path: str) -> bytes | None:
        if read_object is not None:
            return read_object(f"{commit}:{path}")
        result = repo.git("cat-file", "blob", f"{commit}:{path}")
        return result.stdout if result.code == 0 else None

    if read(CONFIG_FILE) is not None:
        return read_settings(read)
    return work_tree_settings(repo)


def work_tree_settings(repo: HookRepo) -> HookSettings:
    return HookSettings() if repo.bare else read_settings(lambda path: _read_file(repo.top / path))


def read_settings(read: ReadFile) -> HookSettings:
    section = _mapping(_load(read(CONFIG_FILE)), "huggingface")
    named = section.get("config_file")
    details_file = named if isinstance(named, str) else DETAILS_FILE
    details = _load(read(details_file))
    versioning, hooks, mirror = (_mapping(details, name) for name in ("versioning", "hooks", "mirror"))
    defaults = HookSettings()
    auto_sync = _flag(section, "auto_sync", default=defaults.auto_sync)
    return HookSettings(
        configured=bool(section),
        enabled=_flag(section, "enabled", default=defaults.enabled),
        auto_sync=auto_sync,
        publish="background" if hooks.get("publish") == "background" else "foreground",
        tag_guard=_flag(hooks, "tag_guard", default=defaults.tag_guard),
        require_published=_flag(hooks, "require_published", default=auto_sync),
        formats=_formats(versioning),
        prefixes=_prefixes(section),
        mirror_branches=_texts(mirror["branches"]) if mirror.get("branches") is not None else defaults.mirror_branches,
        details_file=details_file,
    )


def _formats(versioning: Mapping[str, Any]) -> TagFormats:
    prefix = versioning.get("tag_prefix")
    base = default_formats(prefix) if isinstance(prefix, str) else TagFormats()
    given = _mapping(versioning, "formats")

    def template(name: str, default: str | None) -> str | None:
        value = given.get(name)
        return value if isinstance(value, str) else default

    semantic = versioning.get("semantic_versioning") is not False
    formats = TagFormats(
        semantic=template("semantic", base.semantic) if semantic else None,
        timestamp=template("timestamp", base.timestamp) or base.timestamp,
        experiment=template("experiment", base.experiment) or base.experiment,
    )
    try:
        _ = formats.templates
    except TemplateError:
        return base
    return formats


def _prefixes(section: Mapping[str, Any]) -> tuple[str, ...]:
    models = section.get("models")
    if not isinstance(models, list) or not models:
        return ("",)
    named = [model for model in models if isinstance(model, dict)]
    prefixes = (model.get("tag_prefix", f"{model.get('name', '')}-") for model in named)
    return tuple(prefix for prefix in prefixes if isinstance(prefix, str)) or ("",)


@lru_cache(maxsize=16)  # most commits of a push hold the same files
def _load(data: bytes | None) -> Mapping[str, Any]:
    import yaml

    if data is not None and is_too_deep(data):
        return {}
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        value = yaml.load(data or b"", Loader=loader)  # noqa: S506 - both are safe loaders
    except (yaml.YAMLError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _mapping(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _flag(value: Mapping[str, Any], key: str, *, default: bool) -> bool:
    found = value.get(key)
    return found if isinstance(found, bool) else default


def _texts(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    return tuple(item for item in items if isinstance(item, str))


def _read_file(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
