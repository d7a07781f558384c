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
    if is_made(path):
        return
    with file_lock(path.with_name(f"{path.name}.lock")):
        if is_made(path):
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


def is_made(path: Path) -> bool:
    """An empty file is none yet: SQLite leaves one that it was killed over."""
    return path.exists() and path.stat().st_size > 0


def file_problem(connection: sqlite3.Connection, make: Callable[[sqlite3.Connection], None]) -> str | None:
    """The first page that is not as SQLite wrote it, or the first table that is not as ``make`` makes it."""
    found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(1)")]
    if found != ["ok"]:
        return " ".join(found[0].split())
    fresh = sqlite3.connect(":memory:")
    try:
        make(fresh)
        for (table,) in fresh.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            if columns_of(connection, table) != columns_of(fresh, table):
                return f"its table {table} is not as it was made"
    finally:
        fresh.close()
    return None


def columns_of(connection: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    """Number, name, type, whether it may be null, default and place in the primary key of each."""
    return [tuple(row) for row in connection.execute(f"PRAGMA table_info({table})")]


def format_of(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
