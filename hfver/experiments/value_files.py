"""Files of named values, written by anybody: parameters and metrics in YAML, JSON or TOML."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from hfver.nesting import is_deeper
from hfver.yaml_bounds import POINTERS, SETTINGS, Bounds, find_excess

LARGEST_JSON = 4 * 1024 * 1024  # bytes; a Trainer's log has a few hundred thousand
_LOCKS = Bounds(POINTERS.bytes, SETTINGS.levels)
_MOST_DIGITS = 300
_YAML = (".yaml", ".yml")
# `a.b.c = 1` and `[a.b.c]`: the parser takes the square of a key's length.
_LONG_KEY = re.compile(rb"(?:^|[{,])[ \t\[]*(?:[^.\n=,{]*\.){%d}" % SETTINGS.levels, re.MULTILINE)
_TOO_DEEP = f"is nested more than {SETTINGS.levels} levels deep"


class UnusableError(Exception):
    """Why the values of a file are not used; the end of a sentence that begins with its name."""


class TooMuchError(UnusableError):
    """It is more than anybody writes, and not to be given to anybody else either."""


def read_values(path: str, raw: bytes) -> Mapping[str, Any]:
    """What the file says, by its ending; nothing for a file of another kind, or one that is no mapping.

    UnusableError when it is more than anybody writes, or wrong. A key that is set twice is wrong, and so is a token.
    """
    if not path.endswith(_YAML):
        return load_values(path, raw)
    from hfver.config.marks import parse_yaml

    _refuse_excess(raw, SETTINGS)
    document, problems = parse_yaml(raw, "")
    if problems:
        first = problems[0]
        raise UnusableError(f"{first.message} (line {first.line})" if first.line else first.message)
    return document.data if isinstance(document.data, Mapping) else {}


def load_values(path: str, raw: bytes) -> Mapping[str, Any]:
    """The same of a file that may be a little wrong: as other programs read it."""
    if path.endswith(_YAML):
        return _yaml(raw, SETTINGS)
    read = {"json": _json, "toml": _toml}.get(path.rpartition(".")[2])
    data = read(raw) if read is not None else None
    return data if isinstance(data, Mapping) else {}


def read_dvc_values(raw: bytes) -> Mapping[str, Any]:
    """A dvc.yaml or dvc.lock with its numbers as numbers."""
    return _yaml(raw, _LOCKS)


def bounded_number(digits: str) -> float:
    """An int, unless no float could hold it: nobody measures that, and calculating with it fails."""
    return int(digits) if len(digits) < _MOST_DIGITS else float(digits)


def _json(raw: bytes) -> Any:
    _refuse_size(raw, LARGEST_JSON)
    try:
        data = json.loads(raw, parse_int=bounded_number)
    except RecursionError as exc:
        raise TooMuchError(_TOO_DEEP) from exc
    except ValueError as exc:
        raise UnusableError(f"is not JSON: {exc}") from exc
    return _not_deep(data)


def _toml(raw: bytes) -> Any:
    _refuse_size(raw, SETTINGS.bytes)
    if _LONG_KEY.search(raw):
        raise TooMuchError(_TOO_DEEP)
    try:
        data = tomllib.loads(raw.decode())
    except RecursionError as exc:
        raise TooMuchError(_TOO_DEEP) from exc
    except ValueError as exc:
        raise UnusableError(f"is not TOML: {exc}") from exc
    return _not_deep(data)


def _yaml(raw: bytes, bounds: Bounds) -> Mapping[str, Any]:
    _refuse_excess(raw, bounds)
    import yaml

    from hfver.yaml_loading import SettingsLoader, load

    try:
        data = load(raw, SettingsLoader)
    except yaml.YAMLError as exc:
        raise UnusableError("is not YAML") from exc
    return data if isinstance(data, Mapping) else {}


def _refuse_excess(raw: bytes, bounds: Bounds) -> None:
    excess = find_excess(raw, bounds)
    if excess is not None:
        raise TooMuchError(f"{excess} (line {excess.line})" if excess.line else excess.reason)


def _refuse_size(raw: bytes, largest: int) -> None:
    if len(raw) > largest:
        raise TooMuchError(f"is {len(raw):,} bytes; at most {largest:,} are read")


def _not_deep(data: Any) -> Any:
    if is_deeper(data, SETTINGS.levels):
        raise TooMuchError(_TOO_DEEP)
    return data
