"""Making hub.sqlite anew: from what can still be read of it, and from the records beside the repositories.

The records decide what a repository is called and who may see it. Accounts, tokens, discussions and old names are in
hub.sqlite alone; what is left of them is taken over if it can have been written there.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfver.local_hub import accounts
from hfver.local_hub.accounts import DEFAULT_USER, token_digest
from hfver.local_hub.aside import set_aside
from hfver.local_hub.clock import now
from hfver.local_hub.database import SCHEMA_VERSION, TABLE, make_tables
from hfver.local_hub.durable import sync
from hfver.local_hub.git.marks import SUFFIX, UNLISTED, ids, listed_ids
from hfver.local_hub.kinds import RepoKind
from hfver.local_hub.records import Record, read_record
from hfver.local_hub.repos import NAME, VISIBILITIES
from hfver.local_hub.sqlite_files import SIDE_FILES, columns_of, file_problem, format_of, is_made
from hfver.local_hub.store_errors import DamagedStoreError, newer_store, of_sqlite

_ORDER = ("settings", "accounts", "tokens", "repos", "redirects", "discussions", "events")
_PORT = re.compile(r"port(_[0-9])?")
_DIGEST = re.compile(r"[0-9a-f]{64}")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many of each are in the new table; ``unnamed`` are repositories nobody knows the name of any more."""

    counts: Mapping[str, int]
    unnamed: tuple[Path, ...]
    old: Path | None  # where the damaged file is now


def table_problem(root: Path) -> str | None:
    """What is wrong with the table, None when it is whole and knows every repository.

    NewerStoreError for one that a newer hfver has made: what that may hold is not known here.
    """
    path = root / TABLE
    listed = listed_ids(root / "repos")
    if not is_made(path):
        return f"it is gone or empty, and {len(listed)} repositories lie beside it" if listed else None
    try:
        db = sqlite3.connect(path, timeout=30, isolation_level=None)
        try:
            return _problem(db, path, listed)
        finally:
            db.close()
    except sqlite3.Error as error:
        told = of_sqlite(root, path, error)
        if isinstance(told, DamagedStoreError) or told is None or error.sqlite_errorname.startswith("SQLITE_IOERR"):
            return str(error)
        raise told from error  # who may not read it cannot say that it is damaged


def rebuild_table(root: Path) -> Rebuilt:
    """Nobody else has the store open. The old file is put aside."""
    path, draft = root / TABLE, root / f"{TABLE}.new"
    left = _left(path)
    for leftover in (draft, *(Path(f"{draft}{side}") for side in SIDE_FILES)):
        leftover.unlink(missing_ok=True)
    db = sqlite3.connect(draft, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("BEGIN")
        make_tables(db)
        unnamed = _fill(db, root, left)
        counts = {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in _ORDER}
        db.execute("COMMIT")
    finally:
        db.close()
    old = set_aside(root, path) if os.path.lexists(path) else None
    for side in SIDE_FILES:  # SQLite would play them into the new one
        if Path(f"{path}{side}").exists():
            set_aside(root, Path(f"{path}{side}"))
    draft.rename(path)
    sync(root)
    return Rebuilt(counts, unnamed, old)


def _problem(db: sqlite3.Connection, path: Path, listed: set[str]) -> str | None:
    version = format_of(db)
    if version > SCHEMA_VERSION:
        raise newer_store(path, version, SCHEMA_VERSION)
    problem = file_problem(db, make_tables)
    if problem is not None or version < SCHEMA_VERSION:
        return problem or "it has no format"
    for table in _ORDER:
        db.execute(f"SELECT * FROM {table}").fetchall()  # an error when a text is none
    if db.execute("PRAGMA foreign_key_check").fetchone() is not None:
        return "it has rows that belong to nothing"
    owner = "SELECT 1 FROM accounts JOIN settings ON name = value WHERE key = 'default_user'"
    if db.execute(owner).fetchone() is None:
        return "it does not know whose hub it is"
    if unfit := [row for row in _rows(db, "repos") if not _is_repo(row)]:
        return f"it has {len(unfit)} repositories that are no repositories"
    known = {row[0] for row in db.execute("SELECT id FROM repos")}
    return f"it does not know {len(listed - known)} repositories that lie beside it" if listed - known else None


# -- what is left ------------------------------------------------------------------------------------------------------


def _left(path: Path) -> dict[str, list[Row]]:
    """The rows that can be read, by table. A copy is read: SQLite writes to what it opens."""
    left: dict[str, list[Row]] = {table: [] for table in _ORDER}
    if not path.is_file():
        return left
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="repair-") as folder:
        copy = Path(folder) / path.name
        for side in ("", *SIDE_FILES):
            if Path(f"{path}{side}").is_file():
                _copy(f"{path}{side}", f"{copy}{side}")
        db = sqlite3.connect(copy, isolation_level=None)
        db.text_factory = lambda raw: raw.decode("utf-8", "replace")
        try:
            for table in _ORDER:
                left[table] = _rows(db, table)
        finally:
            db.close()
    return left


def _copy(source: str, target: str) -> None:
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        if error.errno != errno.EIO:  # then what came before the bad block may do
            raise


def _rows(db: sqlite3.Connection, table: str) -> list[Row]:
    """From both ends, as a damaged page in the middle stops SQLite."""
    found: dict[tuple[Any, ...], Row] = {}
    for direction in ("ASC", "DESC"):
        try:
            keys = [column[1] for column in columns_of(db, table) if column[5]]  # of the primary key
            order = ", ".join(f"{key} {direction}" for key in keys)
            cursor = db.execute(f"SELECT * FROM {table} ORDER BY {order}" if order else f"SELECT * FROM {table}")
            names = [column[0] for column in cursor.description]
            for values in cursor:
                found.setdefault(tuple(values), dict(zip(names, values, strict=True)))
        except sqlite3.Error:
            continue
    return list(found.values())


# -- the new table -----------------------------------------------------------------------------------------------------


def _fill(db: sqlite3.Connection, root: Path, left: Mapping[str, list[Row]]) -> tuple[Path, ...]:
    records = {repo_id: read_record(root / "repos" / f"{repo_id}{SUFFIX}") for repo_id in ids(root / "repos")}
    numbers = _fill_accounts(db, left, [record.owner for record in records.values() if record is not None])
    _fill_tokens(db, root, left, numbers)
    unnamed = _fill_repos(db, root, left, records, numbers)
    _fill_earlier_names(db, left, records)
    for row in left["discussions"]:
        _insert(db, "discussions", row)
    for row in left["events"]:
        if _is_object(row.get("data")):
            _insert(db, "events", row)
    return unnamed


def _fill_accounts(db: sqlite3.Connection, left: Mapping[str, list[Row]], owners: Iterable[str]) -> dict[str, int]:
    """By name in lower case, the numbers of all accounts."""
    for row in left["accounts"]:
        if isinstance(row.get("id"), int) and accounts.NAME.fullmatch(str(row.get("name"))):
            _insert(db, "accounts", row)
    settings = {row.get("key"): row.get("value") for row in left["settings"]}
    default = str(settings.get("default_user"))
    known = {str(row[0]).lower() for row in db.execute("SELECT name FROM accounts")}
    if default.lower() not in known:
        default = DEFAULT_USER
    for name in (default, *owners):
        if name.lower() not in known:
            known.add(name.lower())
            _insert(db, "accounts", {"name": name, "fullname": name, "email": f"{name}@localhost"})
    _insert(db, "settings", {"key": "default_user", "value": default})
    for key, value in settings.items():
        if _PORT.fullmatch(str(key)) and str(value).isdigit():
            _insert(db, "settings", {"key": key, "value": value})
    return {str(name).lower(): number for name, number in db.execute("SELECT name, id FROM accounts")}


def _fill_tokens(db: sqlite3.Connection, root: Path, left: Mapping[str, list[Row]], numbers: Mapping[str, int]) -> None:
    for row in left["tokens"]:
        if _DIGEST.fullmatch(str(row.get("digest"))):
            _insert(db, "tokens", row)
    kept = accounts.read_token(root)
    default = db.execute("SELECT value FROM settings WHERE key = 'default_user'").fetchone()[0]
    if kept:
        row = {"digest": token_digest(kept), "account": numbers[default.lower()], "role": "write", "label": "default"}
        _insert(db, "tokens", {**row, "created": now()})


def _fill_repos(
    db: sqlite3.Connection,
    root: Path,
    left: Mapping[str, list[Row]],
    records: Mapping[str, Record | None],
    numbers: Mapping[str, int],
) -> tuple[Path, ...]:
    rows = {row["id"]: row for row in left["repos"] if _is_repo(row)}
    unnamed = []
    # Those first that the old table knew: of two of one name, that is the one people have been using.
    for repo_id in sorted(records, key=lambda repo_id: (repo_id not in rows, repo_id)):
        row, git_dir = rows.get(repo_id), root / "repos" / f"{repo_id}{SUFFIX}"
        is_listed = not (git_dir / UNLISTED).exists()
        entry = _entry(repo_id, row, records[repo_id], numbers)
        if row is None and not is_listed:
            continue  # it was being made, or removed
        if entry is None or not _insert(db, "repos", entry):
            unnamed.append(git_dir)
    return tuple(unnamed)


def _entry(repo_id: str, row: Row | None, record: Record | None, numbers: Mapping[str, int]) -> Row | None:
    if record is None:
        return row
    entry = {
        "id": repo_id,
        "kind": record.kind,
        "namespace": record.namespace,
        "name": record.name,
        "owner": numbers[record.owner.lower()],
        "visibility": record.visibility,
        "gated": record.gated,
        "sdk": record.sdk,
        "created": record.created,
        "updated": row["updated"] if row is not None else record.created,
    }
    return entry if _is_repo(entry) else row


def _fill_earlier_names(
    db: sqlite3.Connection, left: Mapping[str, list[Row]], records: Mapping[str, Record | None]
) -> None:
    said = [
        {"kind": record.kind, "namespace": namespace, "name": name, "repo": repo_id}
        for repo_id, record in records.items()
        if record is not None
        for namespace, _, name in (earlier.partition("/") for earlier in record.earlier)
    ]
    for row in (*left["redirects"], *said):
        place = (row.get("kind"), row.get("namespace"), row.get("name"))
        taken = db.execute("SELECT 1 FROM repos WHERE kind = ? AND namespace = ? AND name = ?", place).fetchone()
        if taken is None:
            _insert(db, "redirects", row)


def _insert(db: sqlite3.Connection, table: str, row: Row) -> bool:
    """False for a row that is there already, or that the table's own rules refuse."""
    if not row.keys() <= {column[1] for column in columns_of(db, table)}:
        return False
    values = ", ".join("?" * len(row))
    try:
        done = db.execute(f"INSERT OR IGNORE INTO {table} ({', '.join(row)}) VALUES ({values})", tuple(row.values()))
    except sqlite3.IntegrityError:  # it belongs to something that is lost
        return False
    return done.rowcount > 0


def _is_repo(row: Row) -> bool:
    texts = ("id", "kind", "namespace", "name", "visibility", "created", "updated")
    if not all(isinstance(row.get(name), str) for name in texts) or not isinstance(row.get("owner"), int):
        return False
    if row["kind"] not in list(RepoKind) or not all(NAME.fullmatch(row[name]) for name in ("namespace", "name")):
        return False
    return row["visibility"] in VISIBILITIES[RepoKind(row["kind"])]


def _is_object(text: object) -> bool:
    try:
        return isinstance(text, str) and isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
