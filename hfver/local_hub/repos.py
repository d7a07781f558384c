"""Repositories by name. The git data lies under an id that never changes: moving one changes this table only."""

from __future__ import annotations

import re
import secrets
import sqlite3
from dataclasses import astuple, dataclass

from hfver.local_hub.accounts import Account, Accounts
from hfver.local_hub.clock import now
from hfver.local_hub.database import Database
from hfver.local_hub.errors import HubError, bad_request, conflict, forbidden, repo_not_found
from hfver.local_hub.kinds import RepoKind

NAME = re.compile(r"(?!.*(?:--|\.\.))[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?")
RESERVED = frozenset({"api", "assets", "cas", "datasets", "kernels", "models", "oauth", "settings", "spaces", "v1"})
VISIBILITIES = {
    RepoKind.MODEL: ("public", "private"),
    RepoKind.DATASET: ("public", "private"),
    RepoKind.SPACE: ("public", "private", "protected"),
}
COLUMNS = "id, kind, namespace, name, owner, visibility, gated, sdk, created, updated"


@dataclass(frozen=True, slots=True)
class Repo:
    id: str
    kind: RepoKind
    namespace: str
    name: str
    owner: int
    visibility: str
    gated: str | None
    sdk: str | None
    created: str
    updated: str

    @property
    def full_name(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def private(self) -> bool:
        return self.visibility == "private"

    @property
    def url_path(self) -> str:
        return f"{self.kind.prefix}{self.full_name}"


def new_id() -> str:
    return secrets.token_hex(12)


class Repos:
    def __init__(self, database: Database, accounts: Accounts) -> None:
        self._database = database
        self._accounts = accounts

    def find(self, kind: RepoKind, namespace: str, name: str) -> Repo | None:
        with self._database.read() as connection:
            return self._find(connection, kind, namespace, name)

    def by_id(self, repo_id: str) -> Repo | None:
        with self._database.read() as connection:
            return self._repo(connection.execute(f"SELECT {COLUMNS} FROM repos WHERE id = ?", (repo_id,)).fetchone())

    def moved_to(self, kind: RepoKind, namespace: str, name: str) -> Repo | None:
        """The repo that had this name before it was moved."""
        with self._database.read() as connection:
            row = connection.execute(
                f"SELECT {COLUMNS} FROM repos WHERE id = "
                "(SELECT repo FROM redirects WHERE kind = ? AND namespace = ? AND name = ?)",
                (kind, namespace, name),
            ).fetchone()
        return self._repo(row)

    def all(self, kind: RepoKind | None = None) -> list[Repo]:
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM repos WHERE ? IS NULL OR kind = ? ORDER BY created DESC, id", (kind, kind)
            ).fetchall()
        return [repo for row in rows if (repo := self._repo(row))]

    def check_name(self, caller: Account, namespace: str, name: str) -> None:
        """Refuse names the client could not address and namespaces that belong to somebody else."""
        if not NAME.fullmatch(namespace) or namespace.lower() in RESERVED:
            raise bad_request(f"{namespace!r} cannot be a namespace.")
        if not NAME.fullmatch(name) or name.endswith(".git"):
            raise bad_request(f"{name!r} cannot be the name of a repository.")
        owner = self._accounts.find(namespace)
        if owner is None and not caller.is_default:
            raise forbidden(f"{caller.name} has no right to create repositories under {namespace}.")
        if owner is not None and owner.id != caller.id:
            raise forbidden(f"The namespace {namespace} belongs to another user.")

    def add(self, repo: Repo) -> None:
        """Enter a repo whose git data is complete."""
        with self._database.write() as connection:
            if self._find(connection, repo.kind, repo.namespace, repo.name):
                raise conflict("You already created this model repo" if repo.kind == "model" else "Repo exists already")
            _drop_redirect(connection, repo.kind, repo.namespace, repo.name)
            connection.execute(
                f"INSERT INTO repos ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                astuple(repo),
            )

    def remove(self, repo: Repo) -> None:
        with self._database.write() as connection:
            connection.execute("DELETE FROM repos WHERE id = ?", (repo.id,))

    def move(self, repo: Repo, namespace: str, name: str) -> None:
        with self._database.write() as connection:
            taken = self._find(connection, repo.kind, namespace, name)
            if taken is not None and taken.id != repo.id:
                raise conflict(f"{namespace}/{name} exists already.")
            _drop_redirect(connection, repo.kind, namespace, name)
            connection.execute(
                "INSERT OR REPLACE INTO redirects VALUES (?, ?, ?, ?)", (repo.kind, repo.namespace, repo.name, repo.id)
            )
            connection.execute("UPDATE repos SET namespace = ?, name = ? WHERE id = ?", (namespace, name, repo.id))

    def set_visibility(self, repo: Repo, visibility: str) -> None:
        self._update(repo, "visibility", visibility)

    def set_gated(self, repo: Repo, gated: str | None) -> None:
        self._update(repo, "gated", gated)

    def touch(self, repo: Repo) -> None:
        self._update(repo, "updated", now())

    def _update(self, repo: Repo, column: str, value: str | None) -> None:
        with self._database.write() as connection:
            changed = connection.execute(f"UPDATE repos SET {column} = ? WHERE id = ?", (value, repo.id))
            if not changed.rowcount:
                raise repo_not_found(repo.full_name)

    def _find(self, connection: sqlite3.Connection, kind: RepoKind, namespace: str, name: str) -> Repo | None:
        row = connection.execute(
            f"SELECT {COLUMNS} FROM repos WHERE kind = ? AND namespace = ? AND name = ?", (kind, namespace, name)
        ).fetchone()
        return self._repo(row)

    def _repo(self, row: sqlite3.Row | None) -> Repo | None:
        if row is None:
            return None
        try:
            repo = Repo(row["id"], RepoKind(row["kind"]), *tuple(row)[2:])
        except ValueError:
            raise self._database.damaged(f"{row['id']} is a repository of no known kind: {row['kind']!r}") from None
        if not (isinstance(repo.namespace, str) and isinstance(repo.name, str)):
            raise self._database.damaged(f"{repo.id} is a repository without a name")
        if repo.visibility not in VISIBILITIES[repo.kind]:  # taken for public, it would be shown to everybody
            raise self._database.damaged(f"{repo.full_name} is neither public nor private: {repo.visibility!r}")
        return repo


def check_visibility(kind: RepoKind, visibility: str) -> None:
    if visibility not in VISIBILITIES[kind]:
        raise HubError(400, None, f"A {kind} can be {' or '.join(VISIBILITIES[kind])}, not {visibility!r}.")


def _drop_redirect(connection: sqlite3.Connection, kind: RepoKind, namespace: str, name: str) -> None:
    connection.execute("DELETE FROM redirects WHERE kind = ? AND namespace = ? AND name = ?", (kind, namespace, name))
