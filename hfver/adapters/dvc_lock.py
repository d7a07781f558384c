"""DVC's locks, taken as DVC takes them.

``.dvc/tmp/lock`` guards a command. While the command of a pipeline stage runs it is free, and the paths in use are in
``.dvc/tmp/rwlock``: ``{"write": {path: {pid, cmd}}, "read": {path: [{pid, cmd}]}}``.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hfver.errors import StateError
from hfver.processes import called, command_of, flock_holder, look, ways_on
from hfver.small_files import read_start
from hfver.small_json import read_json

_RETRY_SECONDS = 0.1
_PATIENCE = 10.0
_LARGEST = 16 << 20  # bytes
_WAIT = "wait for it to end and try again"


@contextmanager
def dvc_lock(root: Path, *, hardlink_lock: bool = False) -> Iterator[None]:
    """Hold DVC's lock on a repository. Not across git commands that run hooks: DVC's own hooks would wait for us."""
    directory = root / ".dvc" / "tmp"
    directory.mkdir(exist_ok=True)
    if hardlink_lock:  # for file systems without flock
        with _slow_lock(directory):
            yield
        return
    with (directory / "lock").open("a+") as file:
        _acquire(file.fileno(), directory / "lock")
        file.seek(0)
        file.truncate()
        file.write(f" {os.getpid()}\n")
        file.flush()
        yield


def _acquire(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            if time.monotonic() > deadline:
                raise busy(path) from exc
            time.sleep(_RETRY_SECONDS)
        else:
            return


def busy(path: Path) -> StateError:
    """That DVC's lock is held, by whom as far as that can be told, and how to get on."""
    pid = flock_holder(path) or _noted(path)
    state = look(pid).state if pid is not None else "gone"
    if pid is None or state == "gone":
        return StateError(f"DVC is at work here: another process holds {path}", hints=[_WAIT])
    who = called(pid, command_of(pid))
    if state == "stopped":
        return StateError(
            f"DVC is at work here: {who} holds {path} and stands still: it was stopped, as Ctrl-Z does",
            hints=[*ways_on(pid), "then try again"],
        )
    return StateError(f"DVC is at work here: {who} holds {path}", hints=[_WAIT])


def _noted(path: Path) -> int | None:
    """The process that DVC's lock file names."""
    words = (read_start(path, 100) or b"").split()
    return int(words[0]) if words and words[0].isdigit() else None


@contextmanager
def _slow_lock(directory: Path) -> Iterator[None]:
    from dvc.lock import LockError, make_lock

    lock = make_lock(str(directory / "lock"), tmp_dir=str(directory), hardlink_lock=True)
    try:
        lock.lock()
    except LockError as exc:
        raise busy(directory / "lock") from exc
    try:
        yield
    finally:
        lock.unlock()


def refuse_if_in_use(root: Path, paths: Sequence[Path]) -> None:
    """Raise when a running pipeline stage reads or writes one of the paths."""
    for mode, verb in (("write", "written"), ("read", "read")):
        for used, pid, command in _users(root, mode):
            overlapping = next((path for path in paths if _overlap(used, path)), None)
            if overlapping is not None and look(pid).state != "gone":
                raise StateError(
                    f"{overlapping} is being {verb} by a pipeline stage (process {pid}: {command})", hints=[_WAIT]
                )


def _users(root: Path, mode: str) -> Iterator[tuple[Path, int, str]]:
    """Path, process and command of each use that is noted; what is no such note counts as none."""
    try:
        noted: Any = read_json(root / ".dvc" / "tmp" / "rwlock", largest=_LARGEST)
    except (FileNotFoundError, ValueError):
        return
    used = noted.get(mode) if isinstance(noted, dict) else None
    for path, holders in used.items() if isinstance(used, dict) else ():
        for holder in holders if isinstance(holders, list) else [holders]:
            if isinstance(holder, dict) and isinstance(holder.get("pid"), int):
                yield Path(path), holder["pid"], str(holder.get("cmd"))


def _overlap(one: Path, other: Path) -> bool:
    return one == other or one in other.parents or other in one.parents
