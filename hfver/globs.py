"""Path patterns as people write them: ``*`` within a name, ``**`` across directories, a directory for all below it.

Patterns come from a repository. As a regular expression one with a dozen stars takes years over a name it almost fits,
so those with more than two are followed sign by sign, along everything they may mean at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

LONGEST_PATTERN = 1000  # characters
_LONGEST_PATH = 4096
_MOST_STARS = 2
_TOKENS = re.compile(r"(\*\*/|\*\*|\*|\?)")
_EXPRESSIONS = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
_DIRECTORY, _IN_DIRECTORY = "**/", "in a directory"


def matches(path: str, patterns: Iterable[str]) -> bool:
    return len(path) <= _LONGEST_PATH and any(_fits(pattern, path) for pattern in patterns)


def _fits(pattern: str, path: str) -> bool:
    compiled = _compiled(pattern)
    if isinstance(compiled, re.Pattern):
        return compiled.fullmatch(path) is not None
    return _walk(compiled, path)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str] | tuple[str, ...]:
    """A regular expression, or the steps of a pattern that would be a slow one; without any for one too long."""
    if len(pattern) > LONGEST_PATTERN:
        return re.compile(r"(?!)")
    tokens = list(_tokens(pattern))
    if sum("*" in token and token in _EXPRESSIONS for token in tokens) <= _MOST_STARS:
        return re.compile("".join(_EXPRESSIONS.get(token) or re.escape(token) for token in tokens))
    steps: list[str] = []
    for token in tokens:
        steps += (_DIRECTORY, _IN_DIRECTORY) if token == _DIRECTORY else [token] if token in _EXPRESSIONS else token
    return tuple(steps)


def _tokens(pattern: str) -> Iterator[str]:
    pattern = pattern.removeprefix("./")
    if pattern.endswith("/"):
        pattern += "**"
    return filter(None, _TOKENS.split(pattern))


def _walk(steps: tuple[str, ...], path: str) -> bool:
    reached = _skipping(steps, {0})
    for sign in path:
        following: set[int] = set()
        for at in reached:
            step = steps[at] if at < len(steps) else ""
            if step == _DIRECTORY:
                following |= {at + 1} if sign != "/" else set()
            elif step == _IN_DIRECTORY:
                following.add(at if sign != "/" else at - 1)
            elif step == "**":
                following |= {at} if sign != "\n" else set()
            elif step == "*":
                following |= {at} if sign != "/" else set()
            elif step == sign or (step == "?" and sign != "/"):
                following.add(at + 1)
        reached = _skipping(steps, following)
        if not reached:
            return False
    return len(steps) in reached


def _skipping(steps: tuple[str, ...], reached: set[int]) -> set[int]:
    """With the steps one gets to by letting stars stand for nothing."""
    left = list(reached)
    while left:
        at = left.pop()
        step = steps[at] if at < len(steps) else ""
        behind = at + 2 if step == _DIRECTORY else at + 1 if step in ("*", "**") else None
        if behind is not None and behind not in reached:
            reached.add(behind)
            left.append(behind)
    return reached
