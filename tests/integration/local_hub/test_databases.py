"""The SQLite files under failure and under load by others."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
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


AT_ONCE = """
import multiprocessing, sys
from pathlib import Path
from hfver.local_hub.content_database import ContentDatabase
from hfver.local_hub.database import Database

def start(root, together):
    together.wait()
    Database(root / "hub.sqlite").close()
    ContentDatabase(root / "content.db").close()

fork = multiprocessing.get_context("fork")
for trial in range(25):
    root = Path(sys.argv[1]) / str(trial)
    root.mkdir()
    together = fork.Barrier(6)
    processes = [fork.Process(target=start, args=(root, together)) for _ in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert not any(process.exitcode for process in processes), trial
"""


def test_many_processes_may_open_a_new_store_at_the_same_moment(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", AT_ONCE, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_a_lost_file_left_beside_it_does_not_get_into_the_new_one(tmp_path: Path) -> None:
    first = Database(tmp_path / "hub.sqlite")
    first.set("port", "1")
    kept = (tmp_path / "hub.sqlite-wal").read_bytes()
    assert kept
    first.close()
    (tmp_path / "hub.sqlite").unlink()
    (tmp_path / "hub.sqlite-wal").write_bytes(kept)
    second = Database(tmp_path / "hub.sqlite")
    assert second.setting("port") is None
    second.close()


def test_an_empty_file_that_a_crash_left_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "hub.sqlite").touch()
    Database(tmp_path / "hub.sqlite").close()


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
