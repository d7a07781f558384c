"""Locks between processes and threads: flock on files that are never deleted, so that all lock the same inode.

store.lock                     shared by every open hub; exclusive while a store is repaired
repos/locks/<id>               one repository, while a ref moves
content/tmp/<tag>.lock         one open content store (see workspace)
hub.sqlite.lock, content/content.db.lock, content/rebuild.lock
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hfver.local_hub.store_errors import BusyStoreError


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Wait for the lock. Each call opens the file anew, which keeps threads of one process apart too."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class StoreLock:
    """Whether a store is in use, or in repair; given up by the system when the process ends."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._descriptor: int | None = None

    def share(self) -> None:
        """For using the store. BusyStoreError while it is repaired."""
        self._take(fcntl.LOCK_SH, "it is being repaired by another process", "try again when that has ended")

    def own(self) -> None:
        """For repairing it. BusyStoreError while anybody uses it."""
        self._take(
            fcntl.LOCK_EX, "another process uses it", "stop `hfver hub serve`, wait for running commands, and try again"
        )

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _take(self, kind: int, problem: str, advice: str) -> None:
        descriptor = os.open(self._root / "store.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise BusyStoreError(self._root, problem, mend=advice) from None
        self._descriptor = descriptor
