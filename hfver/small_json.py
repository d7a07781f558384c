"""Small JSON files that may hold anything by now: cut short, garbled, or put there by somebody else.

The standard parser ends in a RecursionError on a text of a hundred thousand brackets, and what it accepts may still be
too deep for whoever walks through it. Opening a pipe would wait for ever, reading a device would fill the memory. Here
all of that is a ValueError, which says what is wrong. Standard library only: hooks use it.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

LARGEST = 1 << 20  # bytes
DEEPEST = 50  # levels


def read_json(path: Path, *, largest: int = LARGEST, deepest: int = DEEPEST) -> Any:
    """The value in a regular file of at most ``largest`` bytes, with at most ``deepest`` levels of lists and objects.

    FileNotFoundError and other OSErrors pass; ValueError for what is no such file.
    """
    return parse_json(read_small(path, largest=largest), deepest=deepest)


def read_small(path: Path, *, largest: int = LARGEST) -> bytes:
    """The bytes of a regular file; ValueError when it is none, or has more than ``largest``."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(largest + 1)
    finally:
        os.close(descriptor)
    if len(data) > largest:
        raise ValueError(f"it has more than {largest} bytes")
    return data


def parse_json(data: bytes | str, *, deepest: int = DEEPEST) -> Any:
    """The value; ValueError for what is not JSON, or has more than ``deepest`` levels of lists and objects."""
    try:
        value = json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return require_shallow(value, deepest=deepest)


def require_shallow(value: Any, *, deepest: int = DEEPEST) -> Any:
    """The value itself, which has been parsed; ValueError when it has more levels than that."""
    level = [value]
    for _ in range(deepest):
        level = [child for parent in level for child in _children(parent) if isinstance(child, dict | list)]
        if not level:
            return value
    raise ValueError(f"it has more than {deepest} levels")


def _children(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
