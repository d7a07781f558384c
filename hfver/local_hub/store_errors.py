"""What can be wrong with the store's own files. Each error names the file and what mends it, whoever meets it.

``code`` goes over HTTP, as ``X-Error-Code``: a client must not take a damaged file here for a Hub that is busy or away,
and ask again for ever.
"""

from __future__ import annotations

import errno
import os
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from hfver.local_hub.place import hub_command

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
# Of these the store's disk or its owner is to blame; of others, such as too many open files, this process.
_OF_THE_DISK = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOENT})
_OF_ANOTHER_KIND = {
    errno.EISDIR: "a directory stands where a file belongs",
    errno.ENOTDIR: "a file stands where a directory belongs",
    errno.EEXIST: "a file stands where a directory belongs",
    errno.ELOOP: "a link that leads nowhere stands there",
}


class StoreError(Exception):
    """``path`` is the file, ``problem`` what is wrong with it, ``mend`` a command or a piece of advice."""

    code: ClassVar[str] = "StoreUnusable"

    def __init__(self, path: Path, problem: str, *, mend: str) -> None:
        super().__init__(f"the embedded hub cannot use {path}: {problem}")
        self.path = path
        self.problem = problem
        self.mend = mend

    @property
    def in_full(self) -> str:
        """With the way out: for a client, and for a log."""
        return f"{self}; the way out: {self.mend}"


class DamagedStoreError(StoreError):
    """What is in the file is not what was written, or the file is gone."""

    code = "StoreDamaged"


class FullStoreError(StoreError):
    """There is no room left."""

    code = "StoreFull"


class BusyStoreError(StoreError):
    """Another process has had it for longer than anybody should wait."""

    code = "StoreBusy"


class NewerStoreError(StoreError):
    """It was made by a newer hfver."""


def damaged_database(root: Path, path: Path, problem: str) -> DamagedStoreError:
    return DamagedStoreError(path, f"it is damaged ({problem})", mend=hub_command(root, "repair"))


def newer_store(path: Path, found: int, known: int) -> NewerStoreError:
    problem = f"it has format {found}, and this hfver knows format {known}"
    return NewerStoreError(path, problem, mend="pip install --upgrade hfver")


@contextmanager
def told_by_sqlite(root: Path, path: Path) -> Iterator[None]:
    """What SQLite says about the file, as an error that names it; what it says about a statement passes."""
    try:
        yield
    except sqlite3.Error as error:
        told = of_sqlite(root, path, error)
        if told is None:
            raise
        raise told from error


def of_sqlite(root: Path, path: Path, error: sqlite3.Error) -> StoreError | None:
    """None for what is not the file's fault, or not for long.

    See https://www.sqlite.org/rescode.html: the low byte says what kind of error it is.
    """
    kind = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
    if kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT):
        return damaged_database(root, path, str(error))
    # The statements are ours and known to be right; so a table or a column is missing, or a text is none.
    if isinstance(error, sqlite3.OperationalError) and str(error).startswith(("no such", "Could not decode")):
        return damaged_database(root, path, str(error))
    if kind == sqlite3.SQLITE_FULL:
        return full(path)
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL):
        return BusyStoreError(path, "another process has kept it busy for too long", mend="try again")
    if kind in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR):
        if path.is_dir():
            return damaged_database(root, path, _OF_ANOTHER_KIND[errno.EISDIR])
        return StoreError(path, str(error), mend=_look_at(path))
    return None


@contextmanager
def told_by_system(root: Path) -> Iterator[None]:
    """What the operating system says about files of the store, as an error that names the file."""
    try:
        yield
    except OSError as error:
        told = of_system(root, error)
        if told is None:
            raise
        raise told from error


def of_system(root: Path, error: OSError) -> StoreError | None:
    """None for what has nothing to do with the store."""
    if error.errno in _FULL:
        return full(root)
    named = error.filename2 or error.filename  # of a rename the target: what is moved was made just now
    if not isinstance(named, str | bytes | os.PathLike):
        return None
    path = Path(os.fsdecode(named))
    if path != root and root not in path.parents:
        return None
    if error.errno in _OF_ANOTHER_KIND:
        path = next((parent for parent in reversed(path.parents) if parent.is_file()), path)
        aside = f"mv {_quoted(path)} {_quoted(path)}.aside"
        return DamagedStoreError(
            path, _OF_ANOTHER_KIND[error.errno], mend=aside if path == root else hub_command(root, "repair")
        )
    return StoreError(path, error.strerror or str(error), mend=_look_at(path)) if error.errno in _OF_THE_DISK else None


def full(path: Path) -> FullStoreError:
    return FullStoreError(path, "there is no room left on its disk", mend=f"df -h {_quoted(path.parent)}")


def _look_at(path: Path) -> str:
    there = path if path.exists() else path.parent
    return f"ls -ld {_quoted(there)}"


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
