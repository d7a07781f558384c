"""Temporary files and directories under names that say whose they are, so that the next run can remove what was left.

    <prefix><host>-<process>-<its start>.<random><suffix>        .config.yaml.1f0c5a2e-4711-90210.3fa1c9d2.hfver-tmp

A process that is killed removes nothing. What bears the name of a process that has ended is nobody's any more; what
another machine or container made is left alone until it is a day old: nobody here can tell whether it is in use.
Standard library only: hooks use it.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from pathlib import Path
from zlib import crc32

SUFFIX = ".hfver-tmp"  # of files; their prefix is a dot and the name they are to have

_AGE = 24 * 3600.0  # seconds
_OWNER = re.compile(r"(?P<host>[0-9a-f]{8})-(?P<process>[0-9]+)-(?P<start>[0-9]+)\.[0-9a-f]{8}")


def own_name(prefix: str = "", suffix: str = "") -> str:
    """A name nobody else has, for something of this process."""
    process = os.getpid()
    return f"{prefix}{_host()}-{process}-{_start_of(process) or 0}.{secrets.token_hex(4)}{suffix}"


@contextmanager
def scratch(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """An empty directory in ``parent`` (the system's for temporary files) that is gone afterwards, whatever happens.

    Those of the same prefix that ended processes left there go first.
    """
    place = Path(tempfile.gettempdir()) if parent is None else parent
    sweep(place, prefix)
    directory = place / own_name(prefix)
    directory.mkdir(mode=0o700)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def sweep(directory: Path, *prefixes: str) -> None:
    """Remove what ended processes left in a directory: files on their way to their names, and what has a prefix."""
    for path in leftovers(directory, *prefixes):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):  # gone already, or not ours to remove
                path.unlink()


@lru_cache(maxsize=256)
def sweep_once(directory: str) -> None:
    """The same, for who comes by often: once in the life of this process."""
    sweep(Path(directory))


def leftovers(directory: Path, *prefixes: str) -> list[Path]:
    """What ``sweep`` would remove."""
    found: list[Path] = []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                owner = _owner_in(entry.name, prefixes)
                if owner is not None and _is_left(owner, entry):
                    found.append(Path(entry.path))
    except OSError:  # there is no such directory, or it is not ours to look into
        return []
    return found


def _owner_in(name: str, prefixes: tuple[str, ...]) -> re.Match[str] | None:
    if name.endswith(SUFFIX) and name.startswith("."):
        middle = name[: -len(SUFFIX)]
        return _OWNER.fullmatch(middle, middle.rfind(".", 0, max(middle.rfind("."), 0)) + 1)
    prefix = next((prefix for prefix in prefixes if name.startswith(prefix)), None)
    return None if prefix is None else _OWNER.fullmatch(name, len(prefix))


def _is_left(owner: re.Match[str], entry: os.DirEntry[str]) -> bool:
    info = entry.stat(follow_symlinks=False)
    if sys.platform != "win32" and info.st_uid != os.geteuid():
        return False
    old = time.time() - info.st_mtime > _AGE
    if owner["host"] != _host():
        return old
    start = _start_of(int(owner["process"]))
    if start is None or owner["start"] == "0":  # nothing is known but whether there is a process of that number
        return old or not _is_alive(int(owner["process"]))
    return start != int(owner["start"])


def _is_alive(process: int) -> bool:
    if sys.platform == "win32":  # where signal 0 would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


@cache
def _host() -> str:
    """This machine, or this container of it: numbers of processes mean something in one place only."""
    name = os.uname().nodename if sys.platform != "win32" else os.environ.get("COMPUTERNAME", "")
    with suppress(OSError):
        name += str(Path("/proc/self/ns/pid").readlink())
    return f"{crc32(name.encode('utf-8', 'surrogateescape')):08x}"


def _start_of(process: int) -> int | None:
    """When a process began, in clock ticks since the machine did; None where that cannot be known, or there is none."""
    try:
        status = Path(f"/proc/{process}/stat").read_bytes()
        return int(status.rpartition(b")")[2].split()[19])  # its name, in parentheses, may hold anything
    except (OSError, ValueError, IndexError):
        return None
