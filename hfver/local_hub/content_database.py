"""The SQLite file of the content store: schema, connections, transactions, store id and generation.

Rows are written only after the files they name are on disk, and deleted before those files are: a crash leaves files
without rows (swept later), never rows without files.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue

from hfver.local_hub.sqlite_files import create_once, file_problem, format_of
from hfver.local_hub.store_errors import DamagedStoreError, damaged_database, newer_store, of_sqlite, told_by_sqlite

SCHEMA_VERSION = 1
_BUSY_SECONDS = 60.0

# A lost xorb keeps its row with name NULL: its files become readable again when the same xorb is uploaded again.
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE uploads (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, stored_at REAL NOT NULL);
CREATE TABLE xorbs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, name TEXT, size INTEGER NOT NULL,
    upload_id INTEGER, stored_at REAL NOT NULL,
    checks BLOB NOT NULL, offsets BLOB NOT NULL, raw BLOB NOT NULL, hashes BLOB NOT NULL);
CREATE INDEX xorbs_of_upload ON xorbs (upload_id);
CREATE TABLE files (
    id INTEGER PRIMARY KEY AUTOINCREMENT, xet_hash BLOB NOT NULL UNIQUE, sha256 BLOB NOT NULL, size INTEGER NOT NULL,
    upload_id INTEGER NOT NULL, stored_at REAL NOT NULL);
CREATE INDEX files_of_sha256 ON files (sha256);
CREATE INDEX files_of_upload ON files (upload_id);
CREATE TABLE segments (
    file_id INTEGER NOT NULL, seq INTEGER NOT NULL, xorb_id INTEGER NOT NULL,
    chunk_start INTEGER NOT NULL, chunk_end INTEGER NOT NULL, unpacked INTEGER NOT NULL,
    PRIMARY KEY (file_id, seq)) WITHOUT ROWID;
CREATE INDEX segments_of_xorb ON segments (xorb_id);
CREATE TABLE dedup (hash BLOB PRIMARY KEY, xorb_id INTEGER NOT NULL, upload_id INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX dedup_of_xorb ON dedup (xorb_id);
CREATE TABLE wholes (
    sha256 BLOB PRIMARY KEY, name TEXT NOT NULL, size INTEGER NOT NULL, checks BLOB NOT NULL,
    stored_at REAL NOT NULL) WITHOUT ROWID;
"""


class ContentDatabase:
    """Safe for threads (a connection each while they need one) and for several processes (WAL, busy timeout)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: LifoQueue[sqlite3.Connection] = LifoQueue()
        self._writing = threading.Lock()
        self._closed = False
        self.damage: DamagedStoreError | None = None  # once it was met: nothing that comes later can be right
        self._root = path.parent.parent
        with told_by_sqlite(self._root, path):
            create_once(path, _make)
        try:
            self._check_format()
            self.store_id: str = self._meta("store_id")
        except BaseException:
            self.close()
            raise

    @property
    def generation(self) -> int:
        text = self._meta("generation")
        if not (text.isascii() and text.isdigit()):
            raise self.damaged(f"its generation is {text!r}")
        return int(text)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        connection = None
        try:
            connection = self._take()
            yield connection
        except sqlite3.Error as error:
            told = of_sqlite(self._root, self._path, error)
            if told is None:
                raise
            if isinstance(told, DamagedStoreError):
                self.damage = told
            raise told from error
        finally:
            if connection is None:
                pass
            elif self._closed:
                connection.close()
            else:
                self._idle.put(connection)

    @contextmanager
    def write(self, *, dry_run: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction, on disk when the block ends; undone when it raises, or when it is only a trial."""
        with self._writing, self.read() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("ROLLBACK" if dry_run else "COMMIT")
            except BaseException:
                # SQLite may have undone it already, and a full disk can show as late as in the commit.
                db.rollback()
                raise

    def is_complete(self) -> bool:
        """A new database is not, until what was on disk before it has been taken in."""
        return self._meta("complete") == "1"

    def mark_complete(self) -> None:
        with self.write() as db:
            db.execute("UPDATE meta SET value = '1' WHERE key = 'complete'")

    def check(self) -> None:
        """Every page of the file; DamagedStoreError when one is not as SQLite wrote it."""
        with self.read() as db:
            problem = file_problem(db, _make)
        if problem is not None:
            raise self.damaged(problem)

    def damaged(self, problem: str) -> DamagedStoreError:
        """For who finds in a row what cannot have been written there."""
        self.damage = damaged_database(self._root, self._path, problem)
        return self.damage

    def close(self) -> None:
        self._closed = True
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    def _check_format(self) -> None:
        with self.read() as db:
            version = format_of(db)
        if version > SCHEMA_VERSION:
            raise newer_store(self._path, version, SCHEMA_VERSION)
        if version < SCHEMA_VERSION:
            raise self.damaged("it has no format")

    def _take(self) -> sqlite3.Connection:
        try:
            return self._idle.get_nowait()
        except Empty:
            connection = sqlite3.connect(
                self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=64
            )
        try:
            connection.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _meta(self, key: str) -> str:
        with self.read() as db:
            row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise self.damaged(f"it does not say its {key}")
        return str(row[0])


def _make(db: sqlite3.Connection) -> None:
    for statement in _SCHEMA.split(";\n"):
        db.execute(statement)
    values = [("store_id", secrets.token_hex(8)), ("generation", "1"), ("complete", "0")]
    db.executemany("INSERT INTO meta VALUES (?, ?)", values)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def bump_generation(db: sqlite3.Connection) -> None:
    """Clients remember what they uploaded per address; a new generation is a new address."""
    # Not just one more: a store that was restored from a backup would come by generations that clients remember.
    now = int(time.time())
    db.execute("UPDATE meta SET value = max(CAST(value AS INTEGER) + 1, ?) WHERE key = 'generation'", (now,))
