"""Files that are either the old or the new content after a crash, and locks between processes.

Standard library only: hooks use it.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from hfver.errors import StateError
from hfver.leftovers import SUFFIX, own_name, sweep_once

_POLL_SECONDS = 0.05


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


class LockBusyError(StateError):
    """Another process holds the lock and did not give it up in time."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"another hfver process is at work here and holds {path}",
            hints=["wait for it to end, or look for it with `ps` if it should not be there"],
        )
        self.path = path


class FileLock:
    """An advisory lock between processes, given up by the system when its holder dies.

    The file stays when the lock is released: removing it would let two processes lock two different files of the same
    name. ``timeout`` None waits for ever, 0 does not wait; `LockBusyError` says that it was not to be had. A lock is
    not reentrant: a second instance on the same path waits, in the same process too.
    """

    def __init__(self, path: Path, *, timeout: float | None = None) -> None:
        self.path = path
        self.timeout = timeout
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def try_acquire(self) -> bool:
        """Take the lock if it is free now."""
        assert self._descriptor is None, "a FileLock is not reentrant"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        if not _lock(descriptor):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def acquire(self) -> None:
        """Take the lock, waiting for it as long as ``timeout`` allows."""
        deadline = None if self.timeout is None else time.monotonic() + self.timeout
        while not self.try_acquire():
            if deadline is not None and time.monotonic() >= deadline:
                raise LockBusyError(self.path)
            time.sleep(_POLL_SECONDS)

    def release(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            _unlock(descriptor)
            os.close(descriptor)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
