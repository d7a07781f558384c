"""``<git common dir>/hfver/state.db``: what hfver remembers so that nothing is hashed or asked twice.

Everything in it is either about content (a digest of bytes does not change) or about Hub commits (a commit never
changes), so a row is never stale. Deleting the file costs time, never correctness.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hfver.errors import StateError
from hfver.hub_state import HubCommit

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS content (md5 TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
    PRIMARY KEY (md5, size)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS verified_object (path TEXT PRIMARY KEY, ino INTEGER NOT NULL, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hub_commit (repo TEXT NOT NULL, sha TEXT NOT NULL, parent TEXT, title TEXT NOT NULL,
    description TEXT NOT NULL, date TEXT NOT NULL, PRIMARY KEY (repo, sha)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS receipt (repo TEXT NOT NULL, revision TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (repo, revision)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hub_refs (repo TEXT PRIMARY KEY, body TEXT NOT NULL, asked TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Content:
    """One content under the names DVC and the Hub have for it; ``size`` in bytes."""

    md5: str
    size: int
    sha256: str


class State:
    """An open state database. Several processes may use it at once."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = _open(path)
        except sqlite3.OperationalError as error:
            raise StateError(f"{path}: cannot be opened: {error}") from error
        except sqlite3.DatabaseError:
            # It is a memory, not a record: a damaged one is put aside and built again.
            path.replace(path.with_suffix(".damaged"))
            self._db = _open(path)

    def close(self) -> None:
        self._db.close()

    # -- content --------------------------------------------------------------------------------------------------

    def remember_content(self, contents: Iterable[Content]) -> None:
        rows = [(content.md5, content.size, content.sha256) for content in contents]
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO content VALUES (?, ?, ?)", rows)

    def learn_content(self, contents: Iterable[Content]) -> None:
        """What a receipt says; where bytes were hashed here, that stands."""
        rows = [(content.md5, content.size, content.sha256) for content in contents]
        with self._db:
            self._db.executemany("INSERT OR IGNORE INTO content VALUES (?, ?, ?)", rows)

    def known_content(self, md5s: Iterable[str]) -> dict[str, Content]:
        """What is known of these contents, by md5."""
        wanted = set(md5s)
        if len(wanted) > 500:
            rows = self._db.execute("SELECT md5, size, sha256 FROM content")
            return {md5: Content(md5, size, sha256) for md5, size, sha256 in rows if md5 in wanted}
        found = {}
        for md5 in wanted:
            for size, sha256 in self._db.execute("SELECT size, sha256 FROM content WHERE md5 = ?", (md5,)):
                found[md5] = Content(md5, size, sha256)
        return found

    # -- objects in DVC's cache -----------------------------------------------------------------------------------

    def remember_verified(self, objects: Iterable[tuple[str, int, int, int]]) -> None:
        """Cache objects (path, inode, size, mtime in ns) whose bytes were found to be what their name says."""
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO verified_object VALUES (?, ?, ?, ?)", objects)

    def verified(self, paths: Sequence[str]) -> set[tuple[str, int, int, int]]:
        """What is remembered of these cache objects; one that has changed since differs in inode, size or mtime."""
        found: set[tuple[str, int, int, int]] = set()
        for at in range(0, len(paths), 500):
            chunk = paths[at : at + 500]
            query = f"SELECT * FROM verified_object WHERE path IN ({', '.join('?' * len(chunk))})"  # noqa: S608
            found.update(self._db.execute(query, chunk))
        return found

    # -- Hub commits ----------------------------------------------------------------------------------------------

    def remember_line(self, repo: str, line: Sequence[HubCommit]) -> None:
        """Remember a whole history, newest first down to the repository's first commit."""
        parents = [*(commit.sha for commit in line[1:]), None]
        rows = [(repo, commit.sha, parent, *_text_of(commit)) for commit, parent in zip(line, parents, strict=True)]
        with self._db:
            self._db.executemany("INSERT OR IGNORE INTO hub_commit VALUES (?, ?, ?, ?, ?, ?)", rows)

    def knows_commit(self, repo: str, sha: str) -> bool:
        """Whether the history below this commit is known."""
        row = self._db.execute("SELECT 1 FROM hub_commit WHERE repo = ? AND sha = ?", (repo, sha)).fetchone()
        return row is not None

    def known_line(self, repo: str, head: str) -> tuple[HubCommit, ...] | None:
        """The history below ``head``, newest first, or None when it is not known down to the first commit."""
        rows = self._db.execute(
            """WITH RECURSIVE line(sha, parent, title, description, date, depth) AS (
                 SELECT sha, parent, title, description, date, 0 FROM hub_commit WHERE repo = ?1 AND sha = ?2
                 UNION ALL
                 SELECT c.sha, c.parent, c.title, c.description, c.date, line.depth + 1
                 FROM hub_commit c JOIN line ON c.sha = line.parent WHERE c.repo = ?1)
               SELECT sha, parent, title, description, date FROM line ORDER BY depth""",
            (repo, head),
        ).fetchall()
        if not rows or rows[-1][1] is not None:
            return None
        return tuple(HubCommit(sha, title, description, date) for sha, _, title, description, date in rows)

    # -- receipts -------------------------------------------------------------------------------------------------

    def remember_receipt(self, repo: str, revision: str, body: bytes) -> None:
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO receipt VALUES (?, ?, ?)", (repo, revision, body))

    def known_receipt(self, repo: str, revision: str) -> bytes | None:
        row = self._db.execute("SELECT body FROM receipt WHERE repo = ? AND revision = ?", (repo, revision)).fetchone()
        return None if row is None else bytes(row[0])

    # -- refs, as last seen ---------------------------------------------------------------------------------------

    def remember_refs(self, repo: str, body: str, asked: str) -> None:
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO hub_refs VALUES (?, ?, ?)", (repo, body, asked))

    def known_refs(self, repo: str) -> tuple[str, str] | None:
        """The refs as they were when the Hub was last asked, and when that was."""
        row = self._db.execute("SELECT body, asked FROM hub_refs WHERE repo = ?", (repo,)).fetchone()
        return None if row is None else (str(row[0]), str(row[1]))


@contextmanager
def open_state(common_dir: Path) -> Iterator[State]:
    state = State(common_dir / "hfver" / "state.db")
    try:
        yield state
    finally:
        state.close()


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=30)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version not in (0, _SCHEMA_VERSION):
            raise sqlite3.DatabaseError(f"state.db has schema {version}")
        db.executescript(_SCHEMA)
        db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db


def _text_of(commit: HubCommit) -> tuple[str, str, str]:
    return commit.title, commit.description, commit.date
