"""Whether YAML that somebody else wrote may be loaded: its size, how deep it is, what its aliases stand for.

libyaml's loaders recurse, and would end the process. A loaded document shares what its aliases name, but whoever walks,
compares, copies or writes it does not: a few hundred bytes can stand for billions of values ("billion laughs"). Merge
keys (``<<: *defaults``) are aliases, too.

Nearly all files are told by a look at their bytes; of the others the parser's events are counted, which come in a loop.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a kind of file may have."""

    bytes: int
    levels: int  # collections in one another, once aliases are replaced by what they name


SETTINGS = Bounds(1024 * 1024, 40)  # configurations and parameters, which are walked, merged and written again
POINTERS = Bounds(16 * 1024 * 1024, 100)  # dvc.yaml, dvc.lock, .dvc: they may list a file on each line
MOST_ALIASED = 100_000  # values that aliases add to those that are written out

# The parser asks each %TAG line whether one of those before it is the same: 10,000 of them take seconds.
_MOST_DIRECTIVES = 20
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")

# Each level of block style begins further to the right than the one around it, or (a list in a mapping) at its column:
# with fewer than 12 columns there are at most 24. A bracket opens two at most, a list and `[key: value]` in it, so
# fewer than 8 give 14 more. A bracket of a template (`${item}`) opens none.
_FAR_RIGHT = re.compile(rb"[ \t?:-]{12}")
_MOST_BRACKETS = 8
_ANCHOR, _ALIAS = re.compile(rb"&[0-9A-Za-z_-]"), re.compile(rb"\*[0-9A-Za-z_-]")


@dataclass(frozen=True, slots=True)
class Excess:
    """What there is too much of: the end of a sentence that begins with the file's name."""

    reason: str
    line: int = 0  # 0: the file as a whole

    def __str__(self) -> str:
        return self.reason


def find_excess(raw: bytes, bounds: Bounds) -> Excess | None:
    """Why this must not be loaded; None when it may. Errors of syntax are the loader's, which says them better."""
    if len(raw) > bounds.bytes:
        return Excess(f"is {len(raw):,} bytes; at most {bounds.bytes:,} are read")
    if raw.startswith(_UTF_16):
        return Excess("is UTF-16; save the file as UTF-8")
    if raw.count(b"%TAG") > _MOST_DIRECTIVES:
        return Excess(f"has more than {_MOST_DIRECTIVES} %TAG directives")
    brackets = raw.count(b"[") + raw.count(b"{") - raw.count(b"${")
    flat = brackets < _MOST_BRACKETS and _FAR_RIGHT.search(raw) is None
    if flat and (_ALIAS.search(raw) is None or _ANCHOR.search(raw) is None):
        return None
    return _count(raw, bounds.levels)


class _Node:
    """A value being read: how many values it is and how many levels it has, once its aliases are replaced."""

    __slots__ = ("levels", "open", "values")

    def __init__(self, values: int, levels: int, *, is_open: bool) -> None:
        self.values, self.levels, self.open = values, levels, is_open


def _count(raw: bytes, deepest: int) -> Excess | None:
    import yaml

    written = 0
    anchors: dict[str | None, _Node] = {}
    around = [_Node(0, 0, is_open=True)]  # the stream, then every collection that is open
    try:
        for event in yaml.parse(raw, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
            if isinstance(event, yaml.CollectionEndEvent):
                node = around.pop()
                node.open = False
                written -= 1  # counted when it began
            elif isinstance(event, yaml.CollectionStartEvent):
                node = _Node(1, 1, is_open=True)
            elif isinstance(event, yaml.ScalarEvent):
                node = _Node(1, 0, is_open=False)
            elif isinstance(event, yaml.AliasEvent):
                named = anchors.get(event.anchor)
                if named is None:
                    continue  # the loader says so
                if named.open:
                    return _aliased(event)
                node = named
                written -= 1
            else:
                continue
            written += 1
            if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.anchor is not None:
                anchors[event.anchor] = node
            if len(around) - 1 + node.levels > deepest:
                return Excess(f"is nested more than {deepest} levels deep", _line(event))
            if node.open:
                around.append(node)
                continue
            parent = around[-1]
            parent.values += node.values
            parent.levels = max(parent.levels, node.levels + 1)
            if parent.values > written + MOST_ALIASED:
                return _aliased(event)
    except (yaml.YAMLError, ValueError):
        pass
    return None


def _aliased(event: Any) -> Excess:
    reason = f"has aliases that stand for more than {MOST_ALIASED:,} values, or for themselves; write the values out"
    return Excess(reason, _line(event))


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1 if event.start_mark is not None else 0
