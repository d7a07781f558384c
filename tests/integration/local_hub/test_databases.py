"""The SQLite files under failure and under load by others."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hfver.local_hub.content_database import ContentDatabase
from hfver.local_hub.database import Database

ORPHAN = "INSERT INTO tokens VALUES ('d', 99, 'read', 'l', 'now')"


def test_a_commit_that_fails_leaves_no_transaction_behind(tmp_path: Path) -> None:
    database = Database(tmp_path / "hub.sqlite")
    with pytest.raises(sqlite3.IntegrityError), database.write() as connection:
        connection.execute("PRAGMA defer_foreign_keys = ON")
        connection.execute(ORPHAN)
    database.set("port", "1")
    assert database.setting("port") == "1"
    database.close()


def test_a_failed_commit_of_the_content_index_leaves_no_transaction_behind(tmp_path: Path) -> None:
    database = ContentDatabase(tmp_path / "content.db")
    with database.read() as db:
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("CREATE TABLE child (parent BLOB REFERENCES wholes (sha256) DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite3.IntegrityError), database.write() as db:
        db.execute("INSERT INTO child VALUES (x'00')")
    database.mark_complete()
    assert database.is_complete()
    database.close()


def test_an_error_that_ended_the_transaction_is_the_one_that_is_told(tmp_path: Path) -> None:
    database = ContentDatabase(tmp_path / "content.db")
    with pytest.raises(sqlite3.OperationalError, match="disk is full"), database.write() as db:
        db.execute("ROLLBACK")  # as SQLite itself does on some errors
        raise sqlite3.OperationalError("database or disk is full")
    database.close()


def test_opening_does_not_wait_for_somebody_who_writes(tmp_path: Path) -> None:
    Database(tmp_path / "hub.sqlite").close()
    ContentDatabase(tmp_path / "content.db").close()
    for kind, name in ((Database, "hub.sqlite"), (ContentDatabase, "content.db")):
        busy = sqlite3.connect(tmp_path / name, isolation_level=None)
        busy.execute("BEGIN IMMEDIATE")
        kind(tmp_path / name).close()
        busy.close()


def test_a_connection_given_back_after_closing_is_closed(tmp_path: Path) -> None:
    for database in (Database(tmp_path / "hub.sqlite"), ContentDatabase(tmp_path / "content.db")):
        with database.read() as connection:
            database.close()
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")
