"""Discussions and pull requests. A pull request's commits live on ``refs/pr/<number>`` of its repository."""

from __future__ import annotations

import json
import secrets
import sqlite3
from dataclasses import astuple, dataclass
from typing import Any

from hfver.local_hub.clock import now
from hfver.local_hub.database import Database
from hfver.local_hub.errors import HubError
from hfver.local_hub.git.ref_names import PULLS
from hfver.local_hub.repos import Repo

COLUMNS = "num, title, status, author, created, base, merge_commit"


@dataclass(frozen=True, slots=True)
class Discussion:
    """`base` is the branch a pull request is meant for; None makes it a discussion without changes."""

    num: int
    title: str
    status: str
    author: str
    created: str
    base: str | None
    merge_commit: str | None

    @property
    def is_pull_request(self) -> bool:
        return self.base is not None

    @property
    def ref(self) -> str:
        return f"{PULLS}{self.num}"


@dataclass(frozen=True, slots=True)
class Event:
    id: str
    kind: str
    author: str
    created: str
    data: dict[str, Any]


class Discussions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def next_number(self, repo: Repo) -> int:
        """The caller holds the repository's lock until `add` has used the number."""
        with self._database.read() as connection:
            row = connection.execute("SELECT max(num) FROM discussions WHERE repo = ?", (repo.id,)).fetchone()
        return int(row[0] or 0) + 1

    def add(self, repo: Repo, discussion: Discussion, description: str) -> None:
        with self._database.write() as connection:
            connection.execute(
                f"INSERT INTO discussions (repo, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (repo.id, *astuple(discussion)),
            )
            data = {"latest": {"raw": description}, "edited": False, "hidden": False}
            _add_event(connection, repo, discussion.num, "comment", discussion.author, data)

    def get(self, repo: Repo, num: int) -> Discussion:
        found = self.find(repo, num)
        if found is None:
            raise HubError(404, "EntryNotFound", f"There is no discussion {num} in {repo.full_name}.")
        return found

    def find(self, repo: Repo, num: int) -> Discussion | None:
        with self._database.read() as connection:
            row = connection.execute(
                f"SELECT {COLUMNS} FROM discussions WHERE repo = ? AND num = ?", (repo.id, num)
            ).fetchone()
        return None if row is None else Discussion(*row)

    def all(self, repo: Repo) -> list[Discussion]:
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM discussions WHERE repo = ? ORDER BY num DESC", (repo.id,)
            ).fetchall()
        return [Discussion(*row) for row in rows]

    def events(self, repo: Repo, num: int) -> list[Event]:
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT id, kind, author, created, data FROM events WHERE repo = ? AND num = ? ORDER BY position",
                (repo.id, num),
            ).fetchall()
        return [Event(row["id"], row["kind"], row["author"], row["created"], self._data(row)) for row in rows]

    def add_event(self, repo: Repo, num: int, kind: str, author: str, data: dict[str, Any]) -> Event:
        with self._database.write() as connection:
            return _add_event(connection, repo, num, kind, author, data)

    def _data(self, row: sqlite3.Row) -> dict[str, Any]:
        try:
            data = json.loads(row["data"])
        except (ValueError, TypeError, RecursionError):
            data = None
        if not isinstance(data, dict):
            raise self._database.damaged(f"event {row['id']} of a discussion says nothing")
        return data

    def change(self, repo: Repo, num: int, column: str, value: str) -> None:
        assert column in ("title", "status", "merge_commit")
        with self._database.write() as connection:
            connection.execute(
                f"UPDATE discussions SET {column} = ? WHERE repo = ? AND num = ?",
                (value, repo.id, num),
            )


def _add_event(
    connection: sqlite3.Connection, repo: Repo, num: int, kind: str, author: str, data: dict[str, Any]
) -> Event:
    event = Event(secrets.token_hex(12), kind, author, now(), data)
    connection.execute(
        "INSERT INTO events (id, repo, num, position, kind, author, created, data) VALUES (?, ?, ?, "
        "(SELECT count(*) FROM events WHERE repo = ? AND num = ?), ?, ?, ?, ?)",
        (event.id, repo.id, num, repo.id, num, kind, author, event.created, json.dumps(data)),
    )
    return event
