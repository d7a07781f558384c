"""Locks between processes, and who holds one: whoever waits is told whom for, and can give up.

Standard library only: hooks use it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from hfver.errors import StateError
from hfver.processes import called, command_of, flock_holder, look, own_command, ways_on
from hfver.small_files import read_start

_POLL_SECONDS = 0.05
_LOOK_SECONDS = 1.0
_LONGEST_NOTE = 4096
# Where the byte is that Windows locks: nobody else can read a locked one, and the holder's note is to be read.
_LOCKED_BYTE = 0x7FFF0000

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for a lock, None for ever: for a holder that works, and for one that was stopped (Ctrl-Z)."""

    longest: float | None
    stopped: float | None
    unnoticed: float = 1.0  # of waiting nobody has to be told of
    again: float = 30.0  # between one time it is told and the next


NONE = Patience(0.0, 0.0)
ATTENDED = Patience(600.0, 10.0)  # somebody looks on
UNATTENDED = Patience(None, 3600.0, again=3600.0)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock; ``since`` as it has written down itself, ``run`` as in ``processes.Process``."""

    pid: int
    command: str
    since: datetime | None = None
    run: str | None = None

    def __str__(self) -> str:
        return called(self.pid, self.command, self.since)

    @property
    def is_stopped(self) -> bool:
        return look(self.pid).state == "stopped"


class LockBusyError(StateError):
    """Another process holds the lock and did not give it up in time; ``holder`` is None where it cannot be told."""

    def __init__(self, path: Path, holder: Holder | None, doing: str, waited: float, *, stopped: bool) -> None:
        who = str(holder) if holder is not None else "another hfver process"
        if stopped and holder is not None:
            message = f"{who} {doing} and stands still: it was stopped, as Ctrl-Z does"
            hints = ways_on(holder.pid)
        else:
            still = f"still {doing} after {_duration(waited)}" if waited >= 1 else doing
            message = f"{who} {still} and holds {path}"
            hints = [f"wait for it to end: ps -fp {holder.pid}" if holder is not None else "wait for it to end"]
        super().__init__(message, hints=hints)
        self.path = path
        self.holder = holder


class FileLock:
    """An advisory lock between processes, given up by the system when its holder dies.

    The file stays when the lock is released: removing it would let two processes lock two different files of the same
    name. Its content is a note of its holder, and says nothing when it is empty or names a process that is gone.
    ``LockBusyError`` says that the lock was not to be had within ``patience``. ``doing`` says in errors what the holder
    does, ``tell`` gets a sentence now and then while it is waited for. A lock is not reentrant: a second instance on
    the same path waits, in the same process too.
    """

    def __init__(
        self,
        path: Path,
        *,
        patience: Patience = UNATTENDED,
        doing: str = "is at work here",
        tell: Tell = lambda _sentence: None,
    ) -> None:
        self.path = path
        self._patience, self._doing, self._tell = patience, doing, tell
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
        with suppress(OSError):  # a full disk: then the lock is held all the same, and nobody can tell by whom
            _write_note(descriptor)
        return True

    def acquire(self) -> None:
        """Take the lock, waiting for it as long as it is worth."""
        if not self.try_acquire():
            self._wait()

    def _wait(self) -> None:
        patience, begun = self._patience, time.monotonic()
        looked = told = stopped_since = None
        while True:
            now = time.monotonic()
            waited = now - begun
            if looked is None or now - looked >= _LOOK_SECONDS:
                looked, holder = now, self.holder()
                stopped = holder is not None and holder.is_stopped
                stopped_since = (stopped_since or now) if stopped else None
            if stopped_since is not None and _is_over(now - stopped_since, patience.stopped):
                raise LockBusyError(self.path, holder, self._doing, waited, stopped=True)
            if _is_over(waited, patience.longest):
                raise LockBusyError(self.path, holder, self._doing, waited, stopped=stopped)
            if waited >= patience.unnoticed and (told is None or now - told >= patience.again):
                told = now
                self._tell(_waiting(holder, self._doing, stopped=stopped))
            time.sleep(_POLL_SECONDS)
            if self.try_acquire():
                return

    def holder(self) -> Holder | None:
        """Who holds the lock now; None when nobody does, or neither the holder's note nor the kernel tells."""
        noted = _parse_note(read_start(self.path, _LONGEST_NOTE) or b"")
        if noted is not None:
            return noted
        pid = flock_holder(self.path)
        return Holder(pid, command_of(pid)) if pid is not None else None

    def release(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            with suppress(OSError):
                os.ftruncate(descriptor, 0)
            _unlock(descriptor)
            os.close(descriptor)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _is_over(seconds: float, bound: float | None) -> bool:
    return bound is not None and seconds >= bound


def _waiting(holder: Holder | None, doing: str, *, stopped: bool) -> str:
    if holder is None:
        return f"waiting for another hfver process, which {doing}; Ctrl-C gives up, what is owed is kept"
    if stopped:
        on = f"`kill -CONT {holder.pid}` lets it go on, `kill -KILL {holder.pid}` ends it"
        return f"waiting for {holder}, which {doing} and stands still: it was stopped, as Ctrl-Z does; {on}"
    return f"waiting for {holder}, which {doing}; Ctrl-C gives up, what is owed is kept"


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"


def _write_note(descriptor: int) -> None:
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    note = {"pid": os.getpid(), "command": own_command(), "since": now, "run": look(os.getpid()).run}
    raw = json.dumps(note).encode("ascii") + b"\n"
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, raw)


def _parse_note(raw: bytes) -> Holder | None:
    """None for no note, half of one, and one of a process that is gone: its number may be another's by now."""
    try:
        note = json.loads(raw)
        pid, command, run = note["pid"], note["command"], note["run"]
        since = datetime.fromisoformat(note["since"]).astimezone()
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not (isinstance(pid, int) and isinstance(command, str) and isinstance(run, str | None)):
        return None
    found = look(pid)
    if found.state == "gone" or (run is not None and found.run is not None and found.run != run):
        return None
    return Holder(pid, command, since, run)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
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
