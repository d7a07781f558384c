"""Accounts, tokens, repositories, discussions and settings: one SQLite file that several processes may use at once."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hfver.local_hub.sqlite_files import create_once, format_of
from hfver.local_hub.store_errors import DamagedStoreError, damaged_database, newer_store, of_sqlite, told_by_sqlite

TABLE = "hub.sqlite"  # the file's name in a store
SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, fullname TEXT NOT NULL, email TEXT NOT NULL);
CREATE TABLE tokens (
    digest TEXT PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('read', 'write')), label TEXT NOT NULL, created TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE repos (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, namespace TEXT NOT NULL COLLATE NOCASE, name TEXT NOT NULL COLLATE NOCASE,
    owner INTEGER NOT NULL REFERENCES accounts (id), visibility TEXT NOT NULL, gated TEXT, sdk TEXT,
    created TEXT NOT NULL, updated TEXT NOT NULL, UNIQUE (kind, namespace, name)) WITHOUT ROWID;
CREATE TABLE redirects (
    kind TEXT NOT NULL, namespace TEXT NOT NULL COLLATE NOCASE, name TEXT NOT NULL COLLATE NOCASE,
    repo TEXT NOT NULL REFERENCES repos (id) ON DELETE CASCADE, PRIMARY KEY (kind, namespace, name)) WITHOUT ROWID;
CREATE TABLE discussions (
    repo TEXT NOT NULL REFERENCES repos (id) ON DELETE CASCADE, num INTEGER NOT NULL, title TEXT NOT NULL,
    status TEXT NOT NULL, author TEXT NOT NULL, created TEXT NOT NULL, base TEXT, merge_commit TEXT,
    PRIMARY KEY (repo, num)) WITHOUT ROWID;
CREATE TABLE events (
    id TEXT PRIMARY KEY, repo TEXT NOT NULL, num INTEGER NOT NULL, position INTEGER NOT NULL, kind TEXT NOT NULL,
    author TEXT NOT NULL, created TEXT NOT NULL, data TEXT NOT NULL,
    FOREIGN KEY (repo, num) REFERENCES discussions (repo, num) ON DELETE CASCADE,
    UNIQUE (repo, num, position)) WITHOUT ROWID;
"""


class Database:
    """A pool of connections. SQLite's write lock, waited for up to half a minute, is what keeps processes apart."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._root = path.parent
        self._idle: list[sqlite3.Connection] = []
        self._mutex = threading.Lock()
        self._closed = False
        with told_by_sqlite(self._root, path):
            create_once(path, make_tables)
        try:
            self._check_format()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        connection = None
        try:
            connection = self._take()
            yield connection
        except sqlite3.Error as error:
            told = of_sqlite(self._root, self.path, error)
            if told is None:
                raise
            raise told from error
        finally:
            if connection is not None:
                self._give_back(connection)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of the block, or none of it when it raises."""
        with self.read() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.commit()
            except BaseException:
                connection.rollback()
                raise

    def setting(self, key: str) -> str | None:
        with self.read() as connection:
            row = connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row["value"])

    def set(self, key: str, value: str) -> None:
        with self.write() as connection:
            connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, value))

    def damaged(self, problem: str) -> DamagedStoreError:
        """For who finds in a row what cannot have been written there."""
        return damaged_database(self._root, self.path, problem)

    def close(self) -> None:
        with self._mutex:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _check_format(self) -> None:
        with self.read() as connection:
            version = format_of(connection)
        if version > SCHEMA_VERSION:
            raise newer_store(self.path, version, SCHEMA_VERSION)
        if version < SCHEMA_VERSION:
            raise self.damaged("it has no format")

    def _take(self) -> sqlite3.Connection:
        with self._mutex:
            if self._idle:
                return self._idle.pop()
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._mutex:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()


def make_tables(connection: sqlite3.Connection) -> None:
    for statement in SCHEMA.split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
