"""Path patterns as people write them: ``*`` within a name, ``**`` across directories, a directory for all below it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


def matches(path: str, patterns: Iterable[str]) -> bool:
    return any(_compiled(pattern).fullmatch(path) for pattern in patterns)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    pattern = pattern.removeprefix("./")
    if pattern.endswith("/"):
        pattern += "**"
    parts = [_part(token) for token in re.split(r"(\*\*/|\*\*|\*|\?)", pattern) if token]
    return re.compile("".join(parts))


def _part(token: str) -> str:
    known = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return known.get(token) or re.escape(token)
