"""The SQLite file of the content store: schema, connections, transactions, store id and generation.

Rows are written only after the files they name are on disk, and deleted before those files are: a crash leaves files
without rows (swept later), never rows without files.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue

from hfver.local_hub.content_errors import StoreError
from hfver.local_hub.sqlite_files import create_once, format_of

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
        create_once(path, _make)
        with self._guarded(), self.read() as db:
            version = format_of(db)
        if version != SCHEMA_VERSION:
            self.close()
            raise StoreError(f"{self._path} has schema {version}; this version of the hub reads {SCHEMA_VERSION}")
        self.store_id: str = self._meta("store_id")

    @property
    def generation(self) -> int:
        return int(self._meta("generation"))

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.get_nowait()
        except Empty:
            connection = self._connect()
        try:
            yield connection
        finally:
            if self._closed:
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
        with self._guarded(), self.read() as db:
            problems = [row[0] for row in db.execute("PRAGMA quick_check(5)")]
        if problems != ["ok"]:
            raise StoreError(f"{self._path} is damaged ({problems[0]}); {_REBUILD}")

    def close(self) -> None:
        self._closed = True
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _meta(self, key: str) -> str:
        with self.read() as db:
            row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise StoreError(f"{self._path} is not an index of a content store")
        return str(row[0])

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as exc:
            if isinstance(exc, sqlite3.OperationalError):
                raise
            raise StoreError(f"{self._path} is damaged ({exc}); {_REBUILD}") from exc


def _make(db: sqlite3.Connection) -> None:
    for statement in _SCHEMA.split(";\n"):
        db.execute(statement)
    values = [("store_id", secrets.token_hex(8)), ("generation", "1"), ("complete", "0")]
    db.executemany("INSERT INTO meta VALUES (?, ?)", values)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


_REBUILD = "move it away and start the hub again: it is rebuilt from the stored files"


def bump_generation(db: sqlite3.Connection) -> None:
    """Clients remember what they uploaded per address; a new generation is a new address."""
    db.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'generation'")
