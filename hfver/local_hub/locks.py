"""Locks between processes and threads: flock on files that are never deleted, so that all lock the same inode.

Whoever waits for a process that stands still (Ctrl-Z) is told so; nothing it could do would help.

store.lock                     shared by every open hub; exclusive while a store is repaired
repos/locks/<id>               one repository, while a ref moves
content/tmp/<tag>.lock         one open content store (see workspace)
hub.sqlite.lock, content/content.db.lock, content/rebuild.lock
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hfver.local_hub.errors import HubError
from hfver.local_hub.store_errors import BusyStoreError

LOCKED = 423  # a status that clients do not try again
_LONGEST = 60.0  # seconds; what is done under these locks takes no second
_STOPPED = 5.0  # less than clients wait for an answer
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.001, 0.05
_LOOK = 1.0


@contextmanager
def file_lock(path: Path, longest: float | None = _LONGEST) -> Iterator[None]:
    """Wait for the lock, HubError when it is not to be had; ``longest`` None waits for whoever is at work.

    Each call opens the file anew, which keeps threads of one process apart too.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _is_taken(descriptor):
            _wait(descriptor, path, longest)
        yield
    finally:
        os.close(descriptor)


def _is_taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(descriptor: int, path: Path, longest: float | None) -> None:
    begun = looked = time.monotonic()
    pause, holder, stopped_since = _SHORTEST_PAUSE, None, None
    while not _is_taken(descriptor):
        now = time.monotonic()
        if now - looked >= _LOOK:
            looked, holder = now, _holder(path)
            stopped_since = (stopped_since or now) if holder is not None and _is_stopped(holder) else None
        if stopped_since is not None and now - stopped_since >= _STOPPED:
            ways = f"`kill -CONT {holder}` lets it go on, `kill -KILL {holder}` ends it"
            raise HubError(LOCKED, None, f"Process {holder} holds the embedded hub's {path} and stands still: {ways}.")
        if longest is not None and now - begun >= longest:
            who = f"Process {holder}" if holder is not None else "Another process"
            raise HubError(LOCKED, None, f"{who} holds the embedded hub's {path} and does not give it up.")
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _holder(path: Path) -> int | None:
    """proc(5): ``1: FLOCK  ADVISORY  WRITE 4711 08:01:523 0 EOF``; with ``->`` behind the number for one that waits."""
    try:
        inode = str(path.stat().st_ino)
        lines = [line.split() for line in Path("/proc/locks").read_text(encoding="ascii").splitlines()]
        return next(int(words[4]) for words in lines if words[1] == "FLOCK" and words[5].rpartition(":")[2] == inode)
    except (OSError, ValueError, IndexError, StopIteration):
        return None


def _is_stopped(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] in ("T", "t")


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
