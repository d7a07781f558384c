from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest

from hfver.local_hub.failures import refusal_of
from hfver.local_hub.store_errors import BusyStoreError, DamagedStoreError, FullStoreError, of_sqlite

ROOT = Path("/srv/hub")


@pytest.mark.parametrize(
    ("error", "status", "code", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 507, "StoreFull", "no room"),
        (FullStoreError(ROOT, "there is no room left", mend="df -h"), 507, "StoreFull", "the way out: df -h"),
        (BusyStoreError(ROOT, "another process has it", mend="try again"), 503, "StoreBusy", "try again"),
        (DamagedStoreError(ROOT / "hub.sqlite", "it is damaged", mend="x"), 424, "StoreDamaged", "/srv/hub/hub.sqlite"),
        (PermissionError(errno.EACCES, "Permission denied", "/srv/hub/token"), 424, "StoreUnusable", "/srv/hub/token"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "/srv/hub/token"), 424, "StoreDamaged", "hub repair"),
    ],
)
def test_troubles_of_the_machine_are_told(error: Exception, status: int, code: str, words: str) -> None:
    refusal = refusal_of(error, ROOT)
    assert refusal is not None
    assert (refusal.status, refusal.code, words in refusal.message) == (status, code, True)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EACCES, "Permission denied"),
        PermissionError(errno.EACCES, "Permission denied", "/elsewhere/file"),
        OSError(errno.EMFILE, "Too many open files", "/srv/hub/token"),
        KeyError("x"),
        ZeroDivisionError(),
    ],
)
def test_our_own_mistakes_are_not_excused(error: Exception) -> None:
    assert refusal_of(error, ROOT) is None


def sqlite_error(*statements: str, path: Path) -> sqlite3.Error:
    db = sqlite3.connect(path)
    try:
        for statement in statements:
            db.execute(statement)
    except sqlite3.Error as error:
        return error
    finally:
        db.close()
    raise AssertionError("nothing went wrong")


def test_what_sqlite_says_of_the_file_names_the_file_and_the_command(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    path.write_bytes(b"noise" * 1000)
    told = of_sqlite(tmp_path, path, sqlite_error("SELECT * FROM sqlite_master", path=path))
    assert isinstance(told, DamagedStoreError)
    assert (told.path, told.mend) == (path, f"hfver hub repair --store {tmp_path}")
    whole = tmp_path / "whole"
    assert isinstance(of_sqlite(tmp_path, whole, sqlite_error("SELECT * FROM repos", path=whole)), DamagedStoreError)


def test_what_sqlite_says_of_a_statement_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    error = sqlite_error("CREATE TABLE t (a UNIQUE)", "INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1)", path=path)
    assert of_sqlite(tmp_path, path, error) is None
