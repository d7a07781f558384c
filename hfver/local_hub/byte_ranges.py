"""The one Range header form clients use: a single range of bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SINGLE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class UnsatisfiableRangeError(Exception):
    """The range starts behind the last byte: status 416."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Which bytes of a file are sent, and how that is said."""

    start: int
    end: int
    status: int
    headers: dict[str, str]


def extent_of(header: str | None, size: int) -> Extent:
    wanted = parse_range(header, size)
    start, end = wanted or (0, size)
    headers = {"Content-Length": str(end - start)}
    if wanted is None:
        return Extent(start, end, 200, headers)
    return Extent(start, end, 206, headers | {"Content-Range": f"bytes {start}-{end - 1}/{size}"})


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """[start, end) clipped to the size. None means everything: no header, or one a server may ignore."""
    match = _SINGLE.fullmatch(header.strip()) if header else None
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last) + 1, size) if first and last else size
    if first and last and int(last) < start:
        return None
    if start >= size:
        raise UnsatisfiableRangeError
    return start, end
