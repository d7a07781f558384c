"""Outputs of pipeline stages: what ``dvc.yaml`` defines and ``dvc.lock`` recorded.

The lock has the expanded paths and the md5s, but neither the working directory nor the flags of an output, and it keeps
stages that are no longer defined. So both files are read: an output counts when its stage and its path still stand in
dvc.yaml. Templates (``${…}``) are matched, not expanded; only a template in ``wdir`` needs DVC itself.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hfver.errors import StateError
from hfver.model import OutputPointer
from hfver.outputs.pointers import as_list, join_path, load_mapping, make_pointer

_TEMPLATE = re.compile(r"\$\{[^}]*\}")
# Scalars that DVC writes in a stage's name other than they stand in the file: `0.10` as 0.1, `True` as true.
_RESPELT = re.compile(r"[-+.]?[0-9].*[._eExo:].*|0[0-9]+|[-+.][0-9]+|~|null|true|false|[-+]?\.(inf|nan)", re.IGNORECASE)
_OUTPUT_KEYS = ("outs", "metrics", "plots")


class TemplatedWdirError(StateError):
    """Where a stage's outputs are can only be said by DVC, which expands the template in its ``wdir``."""

    def __init__(self, pointer_file: str, stage: str) -> None:
        super().__init__(f"{pointer_file}: the working directory of stage {stage!r} is a template")
        self.pointer_file = pointer_file
        self.stage = stage


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What one directory's ``dvc.yaml`` and ``dvc.lock`` say together."""

    outputs: tuple[OutputPointer, ...]
    templated: tuple[str, ...]  # stages whose outputs DVC itself has to name


def parse_pipeline(
    definition: bytes, lock: bytes | None, path: str, *, dvc_root: str = "", origin: str = ""
) -> Pipeline:
    """``path`` is that of dvc.yaml, relative to the top of the git work tree."""
    lock_path = posixpath.join(posixpath.dirname(path), "dvc.lock")
    defined = _mapping(load_mapping(definition, path, origin).get("stages"))
    recorded = _recorded_stages(load_mapping(lock or b"", lock_path, f"{origin} (dvc.lock)" if origin else ""))
    outputs: list[OutputPointer] = []
    templated: list[str] = []
    for name in sorted({*recorded, *_plain_stages(defined)}):
        body = _definition_of(name, defined)
        if body is None:
            continue
        wdir = str(body.get("wdir") or ".")
        if _TEMPLATE.search(wdir):
            templated.append(name)
            continue
        base = join_path(posixpath.dirname(path), wdir)
        if base is not None:
            outputs += _stage_outputs(name, body, _mapping(recorded.get(name)), base, lock_path, dvc_root)
    return Pipeline(tuple(outputs), tuple(templated))


def _stage_outputs(
    name: str, body: Mapping[str, Any], record: Mapping[str, Any], base: str, lock_path: str, dvc_root: str
) -> Iterator[OutputPointer]:
    flags = dict(_defined_outputs(body))
    entries = {
        entry["path"]: entry
        for entry in as_list(record.get("outs"))
        if isinstance(entry, Mapping) and isinstance(entry.get("path"), str)
    }
    waiting: dict[str, Mapping[str, Any]] = {
        path: {} for path in flags if not _TEMPLATE.search(path) and path not in entries
    }
    for path, entry in {**entries, **waiting}.items():
        found = flags.get(path)
        if found is None:
            found = next((value for pattern, value in flags.items() if _matches(pattern, path)), None)
        place = join_path(base, path)
        if found is not None and place is not None:
            yield make_pointer(place, entry, found, lock_path, dvc_root=dvc_root, stage=name)


def _defined_outputs(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for item in itertools.chain.from_iterable(as_list(body.get(key)) for key in _OUTPUT_KEYS):
        if isinstance(item, Mapping):
            yield from ((path, _mapping(flags)) for path, flags in item.items())
        else:
            yield str(item), {}


def _recorded_stages(lock: Mapping[str, Any]) -> Mapping[str, Any]:
    # Before schema 2.0 the stages stood at the top of the file.
    return _mapping(lock.get("stages")) if "schema" in lock else lock


def _plain_stages(defined: Mapping[str, Any]) -> Iterable[str]:
    return (name for name, body in defined.items() if not {"foreach", "matrix"} & set(_mapping(body)))


def _definition_of(name: str, defined: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The definition a recorded stage was made from; None for one that is no longer there."""
    if name in defined:
        body = _mapping(defined[name])
        return None if {"foreach", "matrix"} & set(body) else body
    group, _, key = name.rpartition("@")
    body = _mapping(defined.get(group))
    keys = _generated_keys(body)
    if not group or (keys is not None and key not in keys):
        return None
    return _mapping(body.get("do")) if "foreach" in body else body


def _generated_keys(body: Mapping[str, Any]) -> set[str] | None:
    """The ``@key`` of each stage a foreach or matrix makes; None when that cannot be told for sure."""
    if "foreach" in body:
        return _item_keys(body["foreach"])
    if "matrix" not in body:
        return set()
    columns = [_item_keys(values, prefix=name) for name, values in _mapping(body["matrix"]).items()]
    if any(column is None for column in columns):
        return None
    return {"-".join(combination) for combination in itertools.product(*(column or () for column in columns))}


def _item_keys(items: object, *, prefix: str = "") -> set[str] | None:
    if isinstance(items, Mapping):
        return set(items)
    if not isinstance(items, list) or any(isinstance(item, str) and _is_uncertain(item) for item in items):
        return None
    if prefix:  # a matrix numbers only the composite ones of its values
        return {f"{prefix}{at}" if isinstance(item, Mapping | list) else str(item) for at, item in enumerate(items)}
    if any(isinstance(item, Mapping | list) for item in items):
        return {str(number) for number in range(len(items))}
    return set(map(str, items))


def _is_uncertain(item: str) -> bool:
    return _TEMPLATE.search(item) is not None or _RESPELT.fullmatch(item) is not None


def _matches(pattern: str, path: str) -> bool:
    if not _TEMPLATE.search(pattern):
        return posixpath.normpath(pattern) == posixpath.normpath(path)
    return re.fullmatch(".+".join(map(re.escape, _TEMPLATE.split(pattern))), path) is not None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
