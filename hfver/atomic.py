"""Files that are either the old or the new content after a crash.

Standard library only: hooks use it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hfver.leftovers import SUFFIX, own_name, sweep_once


def write_atomic(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace ``path`` by ``data``: a reader, now or after a power cut, sees all of the old or all of the new."""
    _make_directory(path.parent)
    sweep_once(str(path.parent))
    # A part of the name, for who finds one left by a power cut; a name has at most 255 bytes.
    temporary = path.with_name(own_name(f".{path.name[:32]}.", SUFFIX))
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            temporary.chmod(mode)
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_directory(path.parent)


def _make_directory(path: Path) -> None:
    """Make it where it is missing, so that it is still there with what is in it after a power cut."""
    if not path.is_dir():
        _make_directory(path.parent)
        path.mkdir(exist_ok=True)
        fsync_directory(path.parent)


def fsync_directory(path: Path) -> None:
    """Make renames and removals in a directory durable. Windows has no such call: its renames are journalled."""
    if sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
