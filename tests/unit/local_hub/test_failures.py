from __future__ import annotations

import errno
import sqlite3

import pygit2
import pytest

from hfver.local_hub.failures import refusal_of


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 507, "no room"),
        (sqlite3.OperationalError("database or disk is full"), 507, "no room"),
        (sqlite3.OperationalError("database is locked"), 503, "busy"),
        (sqlite3.DatabaseError("database disk image is malformed"), 500, "scrub"),
        (pygit2.GitError("object not found"), 500, "scrub"),
    ],
)
def test_troubles_of_the_machine_are_told(error: Exception, status: int, words: str) -> None:
    refusal = refusal_of(error)
    assert refusal is not None
    assert (refusal.status, words in refusal.message) == (status, True)


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "Permission denied"), KeyError("x"), ZeroDivisionError()])
def test_our_own_mistakes_are_not_excused(error: Exception) -> None:
    assert refusal_of(error) is None
