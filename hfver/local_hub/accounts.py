"""Who may ask: accounts and their tokens. Of a token only its SHA-256 is kept."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from hfver.local_hub.clock import now
from hfver.local_hub.database import Database
from hfver.local_hub.errors import bad_request, conflict

DEFAULT_USER = "me"
TOKEN_FILE = "token"  # noqa: S105 (its name)
LONGEST_TOKEN = 1000  # bytes; ours have 46
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Account:
    id: int
    name: str
    fullname: str
    email: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class Caller:
    """An account together with what the token it came with allows."""

    account: Account
    role: str
    label: str

    @property
    def may_write(self) -> bool:
        return self.role == "write"


class Accounts:
    def __init__(self, database: Database, root: Path) -> None:
        self._database = database
        self._root = root
        self.default_user = self._ensure_default_user()

    def add(self, name: str, *, fullname: str = "") -> Account:
        if not NAME.fullmatch(name):
            raise bad_request(f"{name!r} cannot be a user name.")
        with self._database.write() as connection:
            if connection.execute("SELECT 1 FROM accounts WHERE name = ?", (name,)).fetchone():
                raise conflict(f"User {name} already exists.")
            connection.execute(
                "INSERT INTO accounts (name, fullname, email) VALUES (?, ?, ?)",
                (name, fullname or name, f"{name}@localhost"),
            )
        account = self.find(name)
        assert account is not None
        return account

    def find(self, name: str) -> Account | None:
        return self._one("name = ?", name)

    def by_id(self, number: int) -> Account:
        account = self._one("id = ?", number)
        if account is None:
            raise self._database.damaged(f"it does not know account {number}")
        return account

    def issue_token(self, account: Account, *, role: str = "write", label: str = "default") -> str:
        token = "hf_" + secrets.token_urlsafe(32).replace("-", "a").replace("_", "b")
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO tokens VALUES (?, ?, ?, ?, ?)", (token_digest(token), account.id, role, label, now())
            )
        return token

    def authenticate(self, token: str) -> Caller | None:
        digest = token_digest(token)
        with self._database.read() as connection:
            row = connection.execute("SELECT * FROM tokens WHERE digest = ?", (digest,)).fetchone()
        if row is None or not hmac.compare_digest(row["digest"], digest):
            return None
        return Caller(self.by_id(row["account"]), row["role"], row["label"])

    def default_token(self) -> str:
        """The default user's token, from a file only this user can read; made anew when the file is gone or damaged."""
        token = read_token(self._root)
        return token if token and self.authenticate(token) else self._new_default_token()

    def _new_default_token(self) -> str:
        account = self.find(self.default_user)
        if account is None:
            raise self._database.damaged(f"it does not know {self.default_user}, whose hub it is")
        token = self.issue_token(account)
        temporary = self._root / f"{TOKEN_FILE}.{secrets.token_hex(4)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(token + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            temporary.replace(self._root / TOKEN_FILE)
        except BaseException:
            temporary.unlink()
            raise
        return token

    def _ensure_default_user(self) -> str:
        name = self._database.setting("default_user")
        if name is not None:
            return name
        with self._database.write() as connection:
            connection.execute("INSERT OR IGNORE INTO settings VALUES ('default_user', ?)", (DEFAULT_USER,))
            connection.execute(
                "INSERT OR IGNORE INTO accounts (name, fullname, email) VALUES (?, ?, ?)",
                (DEFAULT_USER, DEFAULT_USER, f"{DEFAULT_USER}@localhost"),
            )
        return DEFAULT_USER

    def _one(self, condition: str, value: str | int) -> Account | None:
        with self._database.read() as connection:
            row = connection.execute(f"SELECT * FROM accounts WHERE {condition}", (value,)).fetchone()
        if row is None:
            return None
        is_default = row["name"] == getattr(self, "default_user", DEFAULT_USER)
        return Account(row["id"], row["name"], row["fullname"], row["email"], is_default)


def read_token(root: Path) -> str | None:
    """What the file of the default user's token says, whether that is a token of this hub or not."""
    try:
        with (root / TOKEN_FILE).open("rb") as file:
            return file.read(LONGEST_TOKEN).strip().decode("ascii")
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def token_digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
