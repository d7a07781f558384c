"""Environment variables and options that win over the files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# Later ones win: HFVER_ENDPOINT is for hfver alone, HF_ENDPOINT for every Hub client.
VARIABLES: tuple[tuple[str, str, type], ...] = (
    ("HF_ENDPOINT", "huggingface.endpoint", str),
    ("HFVER_ENDPOINT", "huggingface.endpoint", str),
    ("HFVER_ENABLED", "huggingface.enabled", bool),
    ("HFVER_AUTO_SYNC", "huggingface.auto_sync", bool),
    ("HFVER_HOOKS_PUBLISH", "hooks.publish", str),
    ("HFVER_TAG_GUARD", "hooks.tag_guard", bool),
    ("HFVER_MAX_RETRIES", "settings.upload.max_retries", int),
    ("HFVER_RETRY_DELAY", "settings.upload.retry_delay", float),
    ("HFVER_CHUNK_SIZE", "settings.upload.chunk_size", int),
    ("HFVER_CACHE_DIR", "settings.download.cache_dir", str),
    ("HFVER_WEBHOOK_URL", "notifications.webhook_url", str),
)
CONFIG_VARIABLE = "HFVER_CONFIG"

_TRUTH = {
    "1": True, "true": True, "yes": True, "on": True,
    "0": False, "false": False, "no": False, "off": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Override:
    """A value from outside the files, and what to call its place: ``environment HF_ENDPOINT``, ``command line``."""

    path: tuple[str, ...]
    value: Any
    source: str


def overrides(environ: Mapping[str, str], options: Mapping[str, Any] | None = None) -> dict[tuple[str, ...], Override]:
    """What wins over the files, by path. ``options`` maps dotted keys to values given on the command line."""
    found: dict[tuple[str, ...], Override] = {}
    for variable, key, kind in VARIABLES:
        text = environ.get(variable, "")
        if text:
            path = tuple(key.split("."))
            found[path] = Override(path, _typed(text, kind), f"environment {variable}")
    for key, value in (options or {}).items():
        path = tuple(key.split("."))
        found[path] = Override(path, value, "command line")
    return found


def apply(data: Any, chosen: Iterable[Override]) -> Any:
    """A copy of the data with the values put in; sections that are not mappings are left for the schema to refuse."""
    for override in chosen:
        data = _with_value(data, override.path, override.value)
    return data


def _with_value(data: Any, path: tuple[str, ...], value: Any) -> Any:
    if not path:
        return value
    if data is None:
        data = {}
    if not isinstance(data, dict):
        return data
    return {**data, path[0]: _with_value(data.get(path[0]), path[1:], value)}


def _typed(text: str, kind: type) -> Any:
    """The text as the type of its key; what cannot be read stays text, and the schema says so."""
    if kind is bool:
        return _TRUTH.get(text.strip().lower(), text)
    try:
        return kind(text)
    except ValueError:
        return text
