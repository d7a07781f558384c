"""Keep what people wrote into a card on the Hub when the next release generates a new one.

Three texts: what the last release generated, what this one generates, what the Hub has now. The metadata is merged key
by key, the rest line by line. Where both sides changed the same place the human text stays, and a warning says where.
"""

from __future__ import annotations

import difflib
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_YAML_BLOCK = re.compile(r"\A\s*---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_ABSENT = object()
# The matcher takes the cube of what repeats itself: 1,000 lines that alternate took 17 seconds.
_MOST_PAIRS = 150_000
_MOST_CONFLICTS = 20


@dataclass(frozen=True, slots=True)
class MergedCard:
    text: str
    warnings: tuple[str, ...] = ()


def merge_cards(base: str, new: str, current: str) -> MergedCard:
    """``base`` is what was generated last, ``new`` what is generated now, ``current`` what stands on the Hub."""
    base, new, current = (text.replace("\r\n", "\n") for text in (base, new, current))
    if current in (base, new):
        return MergedCard(new)
    (base_yaml, base_body), (new_yaml, new_body), (yaml_text, body) = map(_split, (base, new, current))
    warnings: list[str] = []
    metadata = _merge_metadata(base_yaml, new_yaml, yaml_text, warnings)
    lines = _merge_lines(base_body.splitlines(), new_body.splitlines(), body.splitlines(), warnings)
    text = "\n".join(lines) + "\n"
    return MergedCard(f"---\n{metadata}\n---\n{text}" if metadata else text, tuple(warnings))


def _split(card: str) -> tuple[str, str]:
    match = _YAML_BLOCK.match(card)
    return (match[1], card[match.end() :]) if match else ("", card)


def _merge_metadata(base: str, new: str, current: str, warnings: list[str]) -> str:
    if current == base:
        return new
    parsed = [_parse(text) for text in (base, new, current)]
    if parsed[2] is None:
        warnings.append("the card's metadata on the Hub is not YAML; it was generated again")
        return new
    base_data, new_data, data = (value or {} for value in parsed)
    if data == base_data:
        return new
    merged: dict[str, Any] = {}
    for key in dict.fromkeys((*data, *new_data)):
        ours, theirs, old = (source.get(key, _ABSENT) for source in (data, new_data, base_data))
        if ours in (old, theirs):
            chosen = theirs
        else:
            chosen = ours
            if theirs != old:
                warnings.append(f"the card's {key} was changed on the Hub and here; the Hub's was kept")
        if chosen is not _ABSENT:
            merged[key] = chosen
    if merged == data:
        return current
    import yaml

    return str(yaml.safe_dump(merged, sort_keys=False, allow_unicode=True, default_flow_style=False)).strip()


def _parse(text: str) -> Mapping[str, Any] | None:
    """The metadata, or None if it is no mapping. It comes from the Hub: refuse what could grow without bound."""
    from hfver.config.marks import parse_yaml

    document, problems = parse_yaml(text.encode(), "README.md")
    if any(not problem.message.startswith("a token") for problem in problems) or not isinstance(document.data, dict):
        return None
    return document.data


def _merge_lines(base: Sequence[str], new: Sequence[str], current: Sequence[str], warnings: list[str]) -> list[str]:
    """A three-way merge: stretches where all agree anchor it; between them, the side that changed wins."""
    merged: list[str] = []
    conflicts: list[str] = []  # the headings they stand below
    at_base = at_new = at_current = seen = 0
    heading = "the introduction"
    for base_line, new_line, current_line in (*_anchors(base, new, current), (len(base), len(new), len(current))):
        old = list(base[at_base:base_line])
        theirs = list(new[at_new:new_line])
        ours = list(current[at_current:current_line])
        if ours in (old, theirs):
            merged += theirs
        elif old and ours[: len(old)] == old:  # people only added something below
            merged += theirs + ours[len(old) :]
        elif old and ours[-len(old) :] == old:  # or above
            merged += ours[: -len(old)] + theirs
        else:
            merged += ours
            if theirs != old:
                conflicts.append(heading)
        if base_line < len(base):
            merged.append(base[base_line])
        for line in merged[seen:]:
            heading = f'"{line.lstrip("# ")}"' if line.startswith("#") else heading
        seen = len(merged)
        at_base, at_new, at_current = base_line + 1, new_line + 1, current_line + 1
    warnings += [
        f"the card's text was changed on the Hub and here ({place}); the Hub's was kept"
        for place in conflicts[:_MOST_CONFLICTS]
    ]
    if len(conflicts) > _MOST_CONFLICTS:
        warnings.append(f"and so it was in {len(conflicts) - _MOST_CONFLICTS} more places")
    return merged


def _anchors(base: Sequence[str], new: Sequence[str], current: Sequence[str]) -> list[tuple[int, int, int]]:
    """Lines of the base that both others still have, in order."""
    in_new = _kept(base, new)
    in_current = _kept(base, current)
    return [(line, in_new[line], in_current[line]) for line in sorted(in_new.keys() & in_current.keys())]


def _kept(base: Sequence[str], other: Sequence[str]) -> dict[int, int]:
    """Which line of the base is which of the other, in order."""
    shorter = min(len(base), len(other))
    start = next((at for at in range(shorter) if base[at] != other[at]), shorter)
    end = next((at for at in range(shorter - start) if base[-1 - at] != other[-1 - at]), shorter - start)
    kept = {at: at for at in range(start)}
    kept |= {len(base) - end + at: len(other) - end + at for at in range(end)}
    middle, others = base[start : len(base) - end], other[start : len(other) - end]
    found = _matching(middle, others) if len(middle) * len(others) <= _MOST_PAIRS else _unique(middle, others)
    return kept | {start + at: start + there for at, there in found.items()}


def _matching(base: Sequence[str], other: Sequence[str]) -> dict[int, int]:
    matcher = difflib.SequenceMatcher(None, base, other, autojunk=False)
    return {
        block.a + offset: block.b + offset for block in matcher.get_matching_blocks() for offset in range(block.size)
    }


def _unique(base: Sequence[str], other: Sequence[str]) -> dict[int, int]:
    """Only lines that stand once in both: the longest series of them that is in order on both sides."""
    counts = Counter(base), Counter(other)
    places = {line: at for at, line in enumerate(other) if counts[0][line] == counts[1][line] == 1}
    pairs = [(at, places[line]) for at, line in enumerate(base) if line in places]
    ends: list[int] = []  # of the best series of each length: where it ends in the other, and which pair that is
    last: list[int] = []
    before: list[int] = []
    for number, (_, there) in enumerate(pairs):
        length = bisect_left(ends, there)
        ends[length : length + 1] = [there]
        last[length : length + 1] = [number]
        before.append(last[length - 1] if length else -1)
    kept: dict[int, int] = {}
    number = last[-1] if last else -1
    while number >= 0:
        kept[pairs[number][0]] = pairs[number][1]
        number = before[number]
    return kept
