"""Files of a clone that are read whole: never more of them than they may have, and never what is no file.

A symbolic link may lead anywhere, so a ``params.yaml`` can be a device without an end or a pipe nobody writes to.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from hfver.errors import StateError

_BLOCK = 1024 * 1024
LARGEST = 16 * 1024 * 1024  # bytes, where nobody says otherwise


class UnreadError(StateError):
    """A file of a clone that is not read."""


class TooLargeError(UnreadError):
    """A file is larger than anything of its kind needs to be, so it is not read."""

    def __init__(self, name: str, size: int, largest: int) -> None:
        super().__init__(f"{name} is {size:,} bytes; at most {largest:,} are read")
        self.size, self.largest = size, largest


def read_small(path: Path, largest: int = LARGEST, *, name: str = "") -> bytes:
    """The bytes of a file. ``OSError`` as from open(), UnreadError.

    ``name`` is what to call it in errors.
    """
    data, size = _read(path, largest)
    if size > largest:
        raise TooLargeError(name or str(path), size, largest)
    return data


def read_start(path: Path, size: int) -> bytes | None:
    """At most the first ``size`` bytes; None when there is nothing to be read."""
    try:
        return _read(path, size)[0]
    except (OSError, UnreadError):
        return None


def _read(path: Path, most: int) -> tuple[bytes, int]:
    """As many bytes as allowed, and how many there are."""
    # Without O_NONBLOCK opening a pipe waits for somebody to write.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        info = os.fstat(descriptor)
        if stat.S_ISDIR(info.st_mode):
            raise IsADirectoryError(path)
        if not stat.S_ISREG(info.st_mode):
            raise UnreadError(f"{path} is a device or a pipe, not a file", hints=[f"ls -lL {path}"])
        data = bytearray()
        while len(data) <= most and (piece := os.read(descriptor, min(_BLOCK, most + 1 - len(data)))):
            data += piece
        return bytes(data[:most]), max(info.st_size, len(data))
    finally:
        os.close(descriptor)
