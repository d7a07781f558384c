"""Files that are either there in full after a power cut or not there at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_file(path: Path, data: bytes, *, temporary: Path, mode: int = 0o644) -> None:
    """Write `temporary` (which must not exist), sync it and give it its name. The folder still has to be synced."""
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sync(path: Path) -> None:
    """A file's bytes, or a folder's names."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
