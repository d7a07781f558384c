"""The few settings hooks need, read leniently and fast.

The schema (hfver.config.schema) takes longer to import than a tag that is no version may cost, so hooks read these
keys by hand: what is missing or of a wrong kind counts as its default here, and the one full check of the configuration
happens where something is about to be released, pushed or refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, Protocol

from hfver.hooks.repo import HookRepo
from hfver.small_files import read_start
from hfver.tag_template import TemplateError
from hfver.versions import TagFormats, Version, default_formats, parse
from hfver.yaml_bounds import SETTINGS, find_excess

CONFIG_FILE = "config.yaml"
DETAILS_FILE = "configs/huggingface_config.yaml"

# What cannot be loaded still tells whether it is meant for hfver: then the full check has to say what is wrong with it.
_SECTION = re.compile(rb"^\s*[{\s]*[\"']?huggingface[\"']?\s*:", re.MULTILINE)
_ENOUGH = SETTINGS.bytes + 1  # bytes that tell a file that is too large

ReadFile = Callable[[str], bytes | None]
"""Content of a file of the repository by its path from the top, None when there is none; the start of a large one."""


class BlobStarts(Protocol):
    """``adapters.git_objects.ObjectReader``, as far as it is needed here."""

    def start_of(self, name: str, size: int) -> bytes | None: ...


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


def settings_at(repo: HookRepo, commit: str, reader: BlobStarts | None = None) -> HookSettings:
    """The settings recorded in a commit; those of the work tree where the commit has no configuration yet.

    Whoever asks for many commits brings a ``reader`` that starts no process each time.
    """
    start_of = repo.start_of_blob if reader is None else reader.start_of

    def read(path: str) -> bytes | None:
        return start_of(f"{commit}:{path}", _ENOUGH)

    if read(CONFIG_FILE) is not None:
        return read_settings(read)
    return work_tree_settings(repo)


def work_tree_settings(repo: HookRepo) -> HookSettings:
    return HookSettings() if repo.bare else read_settings(lambda path: read_start(repo.top / path, _ENOUGH))


def read_settings(read: ReadFile) -> HookSettings:
    main = read(CONFIG_FILE)
    loaded = _load(main)
    section = _mapping(loaded or {}, "huggingface")
    named = section.get("config_file")
    details_file = named if isinstance(named, str) else DETAILS_FILE
    details = _load(read(details_file)) or {}
    versioning, hooks, mirror = (_mapping(details, name) for name in ("versioning", "hooks", "mirror"))
    defaults = HookSettings()
    auto_sync = _flag(section, "auto_sync", default=defaults.auto_sync)
    return HookSettings(
        configured=bool(section) or (loaded is None and _SECTION.search(main or b"") is not None),
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
def _load(data: bytes | None) -> Mapping[str, Any] | None:
    """What the file says; nothing for one that says something else, None for one that cannot be loaded."""
    if not data:
        return {}
    if find_excess(data, SETTINGS) is not None:
        return None
    from yaml import YAMLError

    from hfver.yaml_loading import SettingsLoader, load

    try:
        value = load(data, SettingsLoader)
    except YAMLError:
        return None
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
