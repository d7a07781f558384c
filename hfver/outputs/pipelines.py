"""Outputs of pipeline stages: what ``dvc.yaml`` defines and ``dvc.lock`` recorded.

The lock has the expanded paths and the md5s, but neither the working directory nor the flags of an output, and it keeps
stages that are no longer defined. So both files are read: an output counts when its stage and its path still stand in
dvc.yaml. Templates (``${…}``) are matched, not expanded; only a template in ``wdir`` needs DVC itself.
"""

from __future__ import annotations

import itertools
import math
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hfver.errors import StateError
from hfver.model import OutputPointer
from hfver.outputs.pointers import as_list, join_path, load_mapping, make_pointer

# Scalars that DVC writes in a stage's name other than they stand in the file: `0.10` as 0.1, `True` as true.
_RESPELT = re.compile(
    r"[-+.]?[0-9].*[._eExo:].*|0[0-9]+|[-+.][0-9]+|~|null|true|false|[-+]?\.(inf|nan)", re.IGNORECASE | re.DOTALL
)
# DVC itself takes minutes for so many. Both are of all stages of a file together.
_MOST_STAGES = 100_000
_LONGEST_NAMES = 50_000_000  # characters
_MOST_COMPARISONS = 1_000_000  # of recorded paths with templates
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
    stages = _Stages(defined, origin or path)
    outputs: list[OutputPointer] = []
    templated: list[str] = []
    for name in sorted({*recorded, *_plain_stages(defined)}):
        body = stages.definition_of(name)
        if body is None:
            continue
        wdir = str(body.get("wdir") or ".")
        if len(around_templates(wdir)) > 1:
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
    plain: dict[str, Mapping[str, Any]] = {}
    patterns: list[tuple[Sequence[str], Mapping[str, Any]]] = []
    waiting: dict[str, Mapping[str, Any]] = {}
    for path, value in flags.items():
        pieces = around_templates(path)
        if len(pieces) > 1:
            patterns.append((pieces, value))
            continue
        plain.setdefault(posixpath.normpath(path), value)
        if path not in entries:
            waiting[path] = {}
    if len(patterns) * len(entries) > _MOST_COMPARISONS:
        raise StateError(
            f"{lock_path}: stage {name!r} has {len(entries)} outputs and {len(patterns)} templates for them"
        )
    for path, entry in {**entries, **waiting}.items():
        found = flags.get(path, plain.get(posixpath.normpath(path)))
        if found is None:
            found = next((value for pieces, value in patterns if _fits(pieces, path)), None)
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


class _Stages:
    """The stages a dvc.yaml defines, with those that its foreach and matrix make."""

    def __init__(self, defined: Mapping[str, Any], origin: str) -> None:
        self._defined = defined
        self._keys: dict[str, frozenset[str] | None] = {}
        columns = {name: _columns(_mapping(body)) for name, body in defined.items()}
        self._columns = {name: found for name, found in columns.items() if found is not None}
        made = [_extent(found) for found in self._columns.values()]
        if sum(count for count, _ in made) > _MOST_STAGES or sum(length for _, length in made) > _LONGEST_NAMES:
            raise StateError(f"{origin} makes more stages than can be told: over {_MOST_STAGES:,}")

    def definition_of(self, name: str) -> Mapping[str, Any] | None:
        """The definition a recorded stage was made from; None for one that is no longer there."""
        if name in self._defined:
            body = _mapping(self._defined[name])
            return None if {"foreach", "matrix"} & set(body) else body
        group, _, key = name.rpartition("@")
        body = _mapping(self._defined.get(group))
        if not group or not {"foreach", "matrix"} & set(body):
            return None
        keys = self._generated(group)
        if keys is not None and key not in keys:
            return None
        return _mapping(body.get("do")) if "foreach" in body else body

    def _generated(self, group: str) -> frozenset[str] | None:
        """The ``@key`` of each stage a foreach or matrix makes; None when that cannot be told for sure."""
        if group not in self._keys:
            columns = self._columns.get(group)
            self._keys[group] = None if columns is None else frozenset(map("-".join, itertools.product(*columns)))
        return self._keys[group]


def _columns(body: Mapping[str, Any]) -> Sequence[Collection[str]] | None:
    """The values of each variable of a foreach or matrix as they stand in names; None when they cannot be told."""
    if "foreach" in body:
        keys = _item_keys(body["foreach"])
        return None if keys is None else (keys,)
    if "matrix" not in body:
        return None
    columns = [_item_keys(values, prefix=name) for name, values in _mapping(body["matrix"]).items()]
    known = [column for column in columns if column is not None]
    return known if len(known) == len(columns) else None


def _extent(columns: Sequence[Collection[str]]) -> tuple[int, int]:
    """How many names there are, and about how long they are together."""
    count = math.prod(map(len, columns))
    return count, count * sum(max(map(len, column), default=0) + 1 for column in columns)


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
    return len(around_templates(item)) > 1 or _RESPELT.fullmatch(item) is not None


def around_templates(text: str) -> list[str]:
    """The pieces of a text around its templates (``${…}``); one piece when it has none."""
    pieces, at = [], 0
    for start, end in _templates(text):
        pieces.append(text[at:start])
        at = end + 1
    return [*pieces, text[at:]]


def templates_in(text: str) -> list[str]:
    """What the templates of a text name."""
    return [text[start + 2 : end].strip() for start, end in _templates(text)]


def _templates(text: str) -> Iterator[tuple[int, int]]:
    """Where each begins and where its brace is closed."""
    end = -1
    while (start := text.find("${", end + 1)) >= 0 and (end := text.find("}", start)) >= 0:
        yield start, end


def _fits(pieces: Sequence[str], path: str) -> bool:
    """Whether a path consists of these pieces with something between each two. Each is taken where it first stands."""
    at = len(pieces[0])
    if not path.startswith(pieces[0]):
        return False
    for piece in pieces[1:-1]:
        found = path.find(piece, at + 1)
        if found < 0:
            return False
        at = found + len(piece)
    return len(path) - len(pieces[-1]) > at and path.endswith(pieces[-1])


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
