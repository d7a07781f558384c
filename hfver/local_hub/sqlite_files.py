"""Making an SQLite file so that whoever finds it finds it whole, however many processes start at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from hfver.local_hub.durable import sync
from hfver.local_hub.locks import file_lock

SIDE_FILES = ("-wal", "-shm")


def create_once(path: Path, make: Callable[[sqlite3.Connection], None]) -> None:
    """SQLite does not wait for others while it changes the journal mode: they would see "database is locked"."""
    if _is_made(path):
        return
    with file_lock(path.with_name(f"{path.name}.lock")):
        if _is_made(path):
            return
        draft = path.with_name(f"{path.name}.new")
        # What is left of a draft, and of a file that was lost without them: SQLite would play it into the new one.
        for leftover in (str(draft), *(f"{name}{side}" for name in (draft, path) for side in SIDE_FILES)):
            Path(leftover).unlink(missing_ok=True)
        connection = sqlite3.connect(draft, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN")
            make(connection)
            connection.execute("COMMIT")
        finally:
            connection.close()
        draft.rename(path)
        sync(path.parent)


def _is_made(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def format_of(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
