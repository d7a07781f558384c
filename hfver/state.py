"""``<git common dir>/hfver/state.db``: what hfver remembers so that nothing is hashed or asked twice.

Everything in it is either about content (a digest of bytes does not change, nor does what a configuration of these
bytes means, nor whether a secret stands in them) or about Hub commits (a commit never changes), so a row is never
stale. Deleting the file costs time, never correctness.

Nor does damaging it: SQLite notices a broken page but not a flipped bit in a row, so every row carries a checksum, and
one that does not have the right one is as good as none. (Not those that say only that a key is known: wrong, they match
nothing.)
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from hfver.hub_state import HubCommit

log = logging.getLogger(__name__)
_SCHEMA_VERSION = 3
_KEPT_CONFIGS = 200  # some ten kilobytes each
_KEPT_CLEAN = 20_000  # a hundred bytes each
_SCHEMA = """
CREATE TABLE IF NOT EXISTS content (md5 TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
    proven INTEGER NOT NULL, shared INTEGER NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (md5, size)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS verified_object (path TEXT PRIMARY KEY, ino INTEGER NOT NULL, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hub_commit (repo TEXT NOT NULL, sha TEXT NOT NULL, parent TEXT, title TEXT NOT NULL,
    description TEXT NOT NULL, date TEXT NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (repo, sha)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS receipt (repo TEXT NOT NULL, revision TEXT NOT NULL, body BLOB NOT NULL,
    checksum INTEGER NOT NULL, PRIMARY KEY (repo, revision)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS config (main TEXT NOT NULL, details TEXT NOT NULL, details_file TEXT NOT NULL,
    body TEXT NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (main, details));
CREATE TABLE IF NOT EXISTS clean_file (key TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS hub_refs (repo TEXT PRIMARY KEY, body TEXT NOT NULL, asked TEXT NOT NULL,
    checksum INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS told (what TEXT PRIMARY KEY) WITHOUT ROWID;
"""
# What SQLite says when the file is sound and only now, or here, not to be used.
_PASSING = frozenset({
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_INTERRUPT,
})  # fmt: skip


# The two flags of a content change; they stand in its checksum too, in bits above the CRC.
_PROVEN, _SHARED = 1 << 32, 1 << 33


@dataclass(frozen=True, slots=True)
class Content:
    """One content under the names DVC and the Hub have for it; ``size`` in bytes."""

    md5: str
    size: int
    sha256: str


class State:
    """An open state database. Several processes may use it at once.

    It is a memory, not a record: one that is damaged is put aside and built again, and where nothing can be written
    (somebody else's clone, a full disk) the work goes on without remembering.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = _open(path)
        except OSError as error:
            self._db = self._forgetful(error)
        except sqlite3.DatabaseError as error:
            self._db = self._forgetful(error) if _is_passing(error) else self._built_again(error)

    def close(self) -> None:
        self._db.close()

    def _rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(query, parameters).fetchall()
        except sqlite3.DatabaseError as error:
            self._survive(error)
            return []

    def _write(self, query: str, rows: Iterable[Sequence[object]]) -> None:
        try:
            with self._db:
                self._db.executemany(query, rows)
        except sqlite3.DatabaseError as error:
            self._survive(error)

    def _survive(self, error: sqlite3.DatabaseError) -> None:
        if isinstance(error, sqlite3.ProgrammingError):  # hfver's own fault: the file is sound
            raise error
        if _is_passing(error):
            log.warning("%s: not remembered: %s", self._path, error)
            return
        self._db.close()
        self._db = self._built_again(error)

    def _built_again(self, error: sqlite3.DatabaseError) -> sqlite3.Connection:
        if not isinstance(error, _OtherFormatError):
            log.warning("%s is damaged and built again: %s", self._path, error)
        try:
            with suppress(FileNotFoundError):  # another process was faster
                self._path.replace(self._path.with_suffix(".damaged"))
            for suffix in ("-wal", "-shm"):  # left there, they would be taken for the new one's
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            return _open(self._path)
        except (sqlite3.DatabaseError, OSError) as failed:
            return self._forgetful(failed)

    def _forgetful(self, error: Exception) -> sqlite3.Connection:
        log.warning("%s cannot be used, so nothing is remembered: %s", self._path, error)
        return _open(":memory:")

    # -- content --------------------------------------------------------------------------------------------------

    # ``proven``: both digests were computed here, of the same bytes. ``shared``: a Hub was sent it, or has it.

    def remember_content(self, contents: Iterable[Content]) -> None:
        """Content that was hashed here on its way to a Hub or from one."""
        query = "INSERT OR REPLACE INTO content VALUES (?, ?, ?, 1, 1, ?)"
        self._write(query, _rows_of(contents, _PROVEN | _SHARED))

    def remember_tracked(self, contents: Iterable[Content]) -> None:
        """Content that was hashed here when DVC was given it: nobody else may have it yet."""
        query = """INSERT INTO content VALUES (?, ?, ?, 1, 0, ?)
                   ON CONFLICT (md5, size) DO UPDATE SET sha256 = excluded.sha256, proven = 1,
                   checksum = excluded.checksum | (shared << 33)"""
        self._write(query, _rows_of(contents, _PROVEN))

    def learn_content(self, contents: Iterable[Content]) -> None:
        """What a receipt says; where bytes were hashed here, that stands."""
        query = """INSERT INTO content VALUES (?, ?, ?, 0, 1, ?)
                   ON CONFLICT (md5, size) DO UPDATE SET shared = 1, checksum = checksum | (1 << 33)"""
        self._write(query, _rows_of(contents, _SHARED))

    def known_content(self, md5s: Iterable[str]) -> dict[str, Content]:
        """What is known of these contents, by md5, be it from a receipt."""
        return self._known_content("SELECT * FROM content WHERE md5 IN", md5s)

    def proven_content(self, md5s: Iterable[str]) -> dict[str, Content]:
        """What is known of these contents from their bytes alone, by md5."""
        return self._known_content("SELECT * FROM content WHERE proven AND md5 IN", md5s)

    def is_shared(self, md5: str) -> bool:
        """Whether content was sent to a Hub or came from one."""
        return bool(self._known_content("SELECT * FROM content WHERE shared AND md5 IN", [md5]))

    def _known_content(self, query: str, md5s: Iterable[str]) -> dict[str, Content]:
        return {
            md5: Content(md5, size, sha256)
            for md5, size, sha256, proven, shared, found in self._among(query, list(set(md5s)))
            if found == checksum(md5, size, sha256) | (proven == 1) * _PROVEN | (shared == 1) * _SHARED
        }

    # -- objects in DVC's cache -----------------------------------------------------------------------------------

    def remember_verified(self, objects: Iterable[tuple[str, int, int, int]]) -> None:
        """Cache objects (path, inode, size, mtime in ns) whose bytes were found to be what their name says."""
        self._write("INSERT OR REPLACE INTO verified_object VALUES (?, ?, ?, ?)", objects)

    def verified(self, paths: Sequence[str]) -> set[tuple[str, int, int, int]]:
        """What is remembered of these cache objects; one that has changed since differs in inode, size or mtime."""
        return {
            (path, ino, size, mtime)
            for path, ino, size, mtime in self._among("SELECT * FROM verified_object WHERE path IN", paths)
        }

    def _among(self, query: str, values: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        for at in range(0, len(values), 500):
            chunk = values[at : at + 500]
            yield from self._rows(f"{query} ({', '.join('?' * len(chunk))})", chunk)

    # -- Hub commits ----------------------------------------------------------------------------------------------

    def remember_line(self, repo: str, line: Sequence[HubCommit], *, fresh: int | None = None) -> None:
        """Remember a whole history, newest first down to the repository's first commit.

        ``fresh`` is how many of them, from the newest on, are not known yet.
        """
        parents = [*(commit.sha for commit in line[1:]), None]
        pairs = list(zip(line, parents, strict=True))[:fresh]
        rows = [(repo, commit.sha, parent, *_text_of(commit)) for commit, parent in pairs]
        self._write("INSERT OR REPLACE INTO hub_commit VALUES (?, ?, ?, ?, ?, ?, ?)", map(_checked, rows))

    def knows_commit(self, repo: str, sha: str) -> bool:
        """Whether the history below this commit is known."""
        return bool(_whole(self._rows("SELECT * FROM hub_commit WHERE repo = ? AND sha = ?", (repo, sha))))

    def known_line(self, repo: str, head: str) -> tuple[HubCommit, ...] | None:
        """The history below ``head``, newest first, or None when it is not known down to the first commit."""
        # The limit ends a line that a damaged row has made a circle.
        rows = self._rows(
            """WITH RECURSIVE line(sha, parent, title, description, date, checksum, depth) AS (
                 SELECT sha, parent, title, description, date, checksum, 0 FROM hub_commit WHERE repo = ?1 AND sha = ?2
                 UNION ALL
                 SELECT c.sha, c.parent, c.title, c.description, c.date, c.checksum, line.depth + 1
                 FROM hub_commit c JOIN line ON c.sha = line.parent WHERE c.repo = ?1
                 LIMIT (SELECT count(*) FROM hub_commit) + 1)
               SELECT ?1, sha, parent, title, description, date, checksum FROM line ORDER BY depth""",
            (repo, head),
        )
        if not rows or rows[-1][2] is not None or len(_whole(rows)) < len(rows):
            return None
        return tuple(HubCommit(sha, title, description, date) for _, sha, _, title, description, date, _ in rows)

    # -- receipts -------------------------------------------------------------------------------------------------

    def remember_receipt(self, repo: str, revision: str, body: bytes) -> None:
        self._write("INSERT OR REPLACE INTO receipt VALUES (?, ?, ?, ?)", [_checked((repo, revision, body))])

    def known_receipt(self, repo: str, revision: str) -> bytes | None:
        rows = _whole(self._rows("SELECT * FROM receipt WHERE repo = ? AND revision = ?", (repo, revision)))
        return bytes(rows[0][2]) if rows else None

    def forget_receipt(self, repo: str, revision: str) -> None:
        self._write("DELETE FROM receipt WHERE repo = ? AND revision = ?", [(repo, revision)])

    # -- configurations -------------------------------------------------------------------------------------------

    def known_details_files(self, main: str) -> list[str]:
        """See ``hfver.config.memory``."""
        rows = self._rows("SELECT DISTINCT details_file FROM config WHERE main = ?", (main,))
        return [name for (name,) in rows if isinstance(name, str)]

    def known_config(self, main: str, details: str) -> str | None:
        rows = _whole(self._rows("SELECT * FROM config WHERE main = ? AND details = ?", (main, details)))
        return str(rows[0][3]) if rows else None

    def remember_config(self, main: str, details: str, details_file: str, body: str) -> None:
        """Remember one; only the newest are kept."""
        row = _checked((main, details, details_file, body))
        self._write("INSERT OR REPLACE INTO config VALUES (?, ?, ?, ?, ?)", [row])
        self._write("DELETE FROM config WHERE rowid <= (SELECT max(rowid) FROM config) - ?", [(_KEPT_CONFIGS,)])

    # -- files in which no secret was found -------------------------------------------------------------------------

    def known_clean(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that are remembered; see ``hfver.mirror.secret_scan.clean_key``."""
        return {str(key) for (key,) in self._among("SELECT key FROM clean_file WHERE key IN", keys)}

    def remember_clean(self, keys: Iterable[str]) -> None:
        """Remember some; only the newest are kept."""
        self._write("INSERT OR IGNORE INTO clean_file VALUES (?)", [(key,) for key in keys])
        self._write("DELETE FROM clean_file WHERE rowid <= (SELECT max(rowid) FROM clean_file) - ?", [(_KEPT_CLEAN,)])

    # -- refs, as last seen ---------------------------------------------------------------------------------------

    def remember_refs(self, repo: str, body: str, asked: str) -> None:
        self._write("INSERT OR REPLACE INTO hub_refs VALUES (?, ?, ?, ?)", [_checked((repo, body, asked))])

    def known_refs(self, repo: str) -> tuple[str, str] | None:
        """The refs as they were when the Hub was last asked, and when that was."""
        rows = _whole(self._rows("SELECT * FROM hub_refs WHERE repo = ?", (repo,)))
        return (str(rows[0][1]), str(rows[0][2])) if rows else None

    # -- what people were told once -------------------------------------------------------------------------------

    def remember_told(self, what: str) -> None:
        self._write("INSERT OR IGNORE INTO told VALUES (?)", [(what,)])

    def was_told(self, what: str) -> bool:
        return bool(self._rows("SELECT 1 FROM told WHERE what = ?", (what,)))


@contextmanager
def open_state(common_dir: Path) -> Iterator[State]:
    state = State(common_dir / "hfver" / "state.db")
    try:
        yield state
    finally:
        state.close()


def _open(path: Path | str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=30)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version not in (0, _SCHEMA_VERSION):
            raise _OtherFormatError(f"state.db has schema {version}")
        db.executescript(_SCHEMA)
        db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db


class _OtherFormatError(sqlite3.DatabaseError):
    """Written by another version of hfver."""


def _is_passing(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF in _PASSING


def checksum(*values: object) -> int:
    """CRC-32 of the values of a row. One of bytes, a whole receipt, comes last."""
    if isinstance(values[-1], bytes):
        return crc32(values[-1], checksum(*values[:-1]))
    return crc32("\0".join(map(str, values)).encode("utf-8", "surrogatepass"))


def _checked(row: tuple[object, ...]) -> tuple[object, ...]:
    return (*row, checksum(*row))


def _whole(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows that are as they were written; their checksum is the last value."""
    return [row for row in rows if row[-1] == checksum(*row[:-1])]


def _rows_of(contents: Iterable[Content], flags: int) -> Iterator[tuple[object, ...]]:
    for content in contents:
        row = (content.md5, content.size, content.sha256)
        yield (*row, checksum(*row) | flags)


def _text_of(commit: HubCommit) -> tuple[str, str, str]:
    return commit.title, commit.description, commit.date
