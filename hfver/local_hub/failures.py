"""Troubles of the machine, told to the client in words it passes on."""

from __future__ import annotations

import errno
import sqlite3

import pygit2

from hfver.local_hub.errors import HubError

FULL = 507  # a status that clients of the Hub's own routes do not try again


def refusal_of(error: Exception) -> HubError | None:
    """What to answer to an error that is nobody's mistake; None for one that is ours."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _full()
    if isinstance(error, sqlite3.OperationalError):
        if "full" in str(error):
            return _full()
        if "locked" in str(error):
            return HubError(503, None, "The embedded hub's database is busy.", headers={"Retry-After": "1"})
    if isinstance(error, (pygit2.GitError, sqlite3.DatabaseError)):
        return damaged()
    return None


def damaged() -> HubError:
    return HubError(500, None, "The embedded hub's data is damaged: `hfver hub scrub` says where.")


def _full() -> HubError:
    return HubError(FULL, None, "There is no room left on the embedded hub's disk.")
