"""Ranges of semantic versions as people write them: ``^1.2``, ``~1.2``, ``>=1.2,<2``, ``1.x``, ``latest``.

A range matches pre-releases only where it names one of the same major.minor.patch, so ``^1.2`` never brings a release
candidate home.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hfver.errors import UsageError
from hfver.versions import Scheme, Version

if TYPE_CHECKING:
    import semver

LATEST = "latest"

_CLAUSE = re.compile(
    r"(?P<op>\^|~|>=|<=|==|=|!=|>|<)?\s*v?"
    r"(?P<major>0|[1-9]\d*|[xX*])"
    r"(?:\.(?P<minor>0|[1-9]\d*|[xX*]))?"
    r"(?:\.(?P<patch>0|[1-9]\d*|[xX*]))?"
    r"(?P<pre>-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
    r"(?:\+[0-9A-Za-z.-]+)?"
)
_RANGE_SIGNS = re.compile(r"[\^~<>=!*,]|\.[xX](?:\.|$)|^[xX]$|^v?\d+(?:\.\d+)?$")


@dataclass(frozen=True, slots=True)
class _Bound:
    op: str  # one of < <= > >= == !=
    version: semver.Version

    def admits(self, value: semver.Version) -> bool:
        order = value.compare(self.version)
        return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0, "==": order == 0, "!=": order != 0}[
            self.op
        ]


def is_range(text: str) -> bool:
    """Whether the text asks for a choice among versions and does not name a single tag."""
    return text == LATEST or bool(_RANGE_SIGNS.search(text))


def best_match(versions: Iterable[Version], text: str) -> Version | None:
    """The highest version in the range.

    ``latest`` is the highest final semantic version; without one the highest pre-release, else the newest timestamp.
    """
    candidates = list(versions)
    semantic = sorted(v for v in candidates if v.scheme is Scheme.SEMANTIC)
    if text == LATEST:
        final = [v for v in semantic if not v.is_prerelease]
        moments = sorted(v for v in candidates if v.scheme is Scheme.TIMESTAMP)
        return next((group[-1] for group in (final, semantic, moments) if group), None)
    bounds = _parse(text)
    return next((v for v in reversed(semantic) if _admitted(v.semantic, bounds)), None)


def _admitted(value: semver.Version, bounds: list[_Bound]) -> bool:
    if not all(bound.admits(value) for bound in bounds):
        return False
    if not value.prerelease:
        return True
    core = value.finalize_version()
    # "<2.0.0-0" closes a caret range; it does not ask for pre-releases of 2.0.0.
    return any(
        b.version.prerelease and b.version.prerelease != "0" and b.version.finalize_version() == core for b in bounds
    )


def _parse(text: str) -> list[_Bound]:
    clauses = [clause for clause in re.split(r"\s*,\s*|\s+(?=[\^~<>=!])", text.strip()) if clause]
    bounds: list[_Bound] = []
    for clause in clauses:
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            break
        bounds += _bounds(match)
    else:
        if clauses:
            return bounds
    raise UsageError(
        f"{text!r} is not a range of versions",
        hints=['for example "^1.2", "~1.2", ">=1.2,<2", "1.x" or latest'],
    )


def _bounds(match: re.Match[str]) -> list[_Bound]:
    import semver

    numbers = [match["major"], match["minor"], match["patch"]]
    given: list[int] = []
    for number in numbers:
        if number is None or not number.isdigit():
            break
        given.append(int(number))
    pre = (match["pre"] or "")[1:] or None
    major, minor, patch = [*given, 0, 0, 0][:3]
    low = semver.Version(major, minor, patch, pre if len(given) == 3 else None)
    op = match["op"] or "=="
    if op == "=":
        op = "=="
    if not given:
        return []
    if op == "^":
        return [_Bound(">=", low), _Bound("<", _ceiling(given, _caret_position(given)))]
    if op == "~":
        return [_Bound(">=", low), _Bound("<", _ceiling(given, min(len(given) - 1, 1)))]
    if len(given) == 3:
        return [_Bound(op, low)]
    return _partial(op, given, low)


def _partial(op: str, given: list[int], low: semver.Version) -> list[_Bound]:
    """``1.2`` stands for all of 1.2.*: ``<=1.2`` ends before 1.3, ``>1.2`` starts at 1.3."""
    above = _ceiling(given, len(given) - 1)
    if op == "==":
        return [_Bound(">=", low), _Bound("<", above)]
    if op == "<=":
        return [_Bound("<", above)]
    if op == ">":
        return [_Bound(">=", above.finalize_version())]
    if op == "<":
        return [_Bound("<", low.replace(prerelease="0"))]
    if op == "!=":
        raise UsageError("'!=' needs a whole version such as !=1.2.3")
    return [_Bound(op, low)]


def _caret_position(given: list[int]) -> int:
    """^ keeps the first number that is not zero: ^0.2.3 stays below 0.3."""
    for position, number in enumerate(given):
        if number:
            return position
    return len(given) - 1


def _ceiling(given: list[int], position: int) -> semver.Version:
    import semver

    major, minor, patch = [*given[:position], given[position] + 1, 0, 0][:3]
    return semver.Version(major, minor, patch, "0")
