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
from hfver.small_json import read_json

_RETRY_SECONDS = 0.1
_PATIENCE = 10.0
_LARGEST = 16 << 20  # bytes


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
                raise _busy(path, path.read_text().strip()) from exc
            time.sleep(_RETRY_SECONDS)
        else:
            return


def _busy(path: Path, holder: str) -> StateError:
    who = f"process {holder}" if holder else "another process"
    return StateError(f"DVC is at work here: {who} holds {path}", hints=["wait for it to end and try again"])


@contextmanager
def _slow_lock(directory: Path) -> Iterator[None]:
    from dvc.lock import LockError, make_lock

    lock = make_lock(str(directory / "lock"), tmp_dir=str(directory), hardlink_lock=True)
    try:
        lock.lock()
    except LockError as exc:
        raise _busy(directory / "lock", "") from exc
    try:
        yield
    finally:
        lock.unlock()


def refuse_if_in_use(root: Path, paths: Sequence[Path]) -> None:
    """Raise when a running pipeline stage reads or writes one of the paths."""
    try:
        held: dict[str, Any] = read_json(root / ".dvc" / "tmp" / "rwlock", largest=_LARGEST)
    except (FileNotFoundError, ValueError):
        return
    for mode in ("write", "read"):
        for used, holders in held.get(mode, {}).items():
            overlapping = next((path for path in paths if _overlap(Path(used), path)), None)
            for holder in holders if isinstance(holders, list) else [holders]:
                if overlapping is not None and _is_alive(int(holder["pid"])):
                    verb = "written" if mode == "write" else "read"
                    raise StateError(
                        f"{overlapping} is being {verb} by a pipeline stage (process {holder['pid']}: {holder['cmd']})",
                        hints=["wait for it to end and try again"],
                    )


def _overlap(one: Path, other: Path) -> bool:
    return one == other or one in other.parents or other in one.parents


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
