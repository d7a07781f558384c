"""Where a running store writes what is not finished yet, so that others can tell leftovers from work in progress.

Each open store holds a lock on `tmp/<tag>.lock` and writes below `tmp/<tag>/`; the tag is also part of every file name
it publishes. The lock dies with the process, however it ends: a tag whose lock can be taken belongs to nobody.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import secrets
import shutil
from pathlib import Path

from hfver.local_hub.checked_files import PendingFile

_SUFFIX = ".lock"


class Workspace:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._counter = itertools.count()
        root.mkdir(parents=True, exist_ok=True)
        while True:
            self.tag = secrets.token_hex(6)
            lock = _take(root / f"{self.tag}{_SUFFIX}")
            if lock is not None:
                break
        self._lock = lock
        self._directory = root / self.tag
        self._directory.mkdir()

    def pending(self) -> PendingFile:
        return PendingFile(self.pending_path())

    def pending_path(self) -> Path:
        return self._directory / str(next(self._counter))

    def unique_name(self, stem: str) -> str:
        return f"{stem}.{self.tag}-{next(self._counter)}"

    def is_abandoned(self, tag: str) -> bool:
        """Whether the store with this tag is no longer open anywhere."""
        if tag == self.tag:
            return False
        lock_file = self._root / f"{tag}{_SUFFIX}"
        if not lock_file.exists():
            return True
        handle = _take(lock_file)
        if handle is None:
            return False
        os.close(handle)
        return True

    def sweep(self) -> None:
        """Remove what dead processes left. The lock is held meanwhile, and its file goes last."""
        for lock_file in self._root.glob(f"*{_SUFFIX}"):
            handle = _take(lock_file)
            if handle is None:
                continue
            shutil.rmtree(lock_file.with_suffix(""), ignore_errors=True)
            lock_file.unlink(missing_ok=True)
            os.close(handle)

    def close(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)
        (self._root / f"{self.tag}{_SUFFIX}").unlink(missing_ok=True)
        os.close(self._lock)


def tag_of(published_name: str) -> str:
    return published_name.rpartition(".")[2].partition("-")[0]


def _take(lock_file: Path) -> int | None:
    """An exclusive lock on the file, or None when it is held. Also None when the file was removed while we waited."""
    handle = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_ino == lock_file.stat().st_ino:
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(handle)
    return None
