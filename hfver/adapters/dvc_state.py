"""DVC's memory of what it hashed, in its site cache (not in the repository).

    <site cache>/repo/<token>/hashes/local/cache.db    absolute path -> {"checksum", "size", "hash_info"}
    <site cache>/repo/<token>/links/cache.db           path of an output -> (inode, mtime token)

Rows are read directly: one we misread would only cost a rehash. They are written in the form DVC 3 writes them when
the tables look as we know them. They are written only for bytes that were verified, because a row that claims an md5
hides damage from ``dvc status``.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import pickle
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

from hfver.adapters.dvc_config import DvcSettings
from hfver.hashing import HashName

_DVC_MAJOR = 3
_TOKEN_SALT = 0
_ROW_VERSION = 1
_COLUMNS = [
    "rowid", "key", "raw", "store_time", "expire_time", "access_time", "access_count", "tag", "size", "mode",
    "filename", "value",
]  # fmt: skip
_UPSERT = """
    INSERT INTO Cache(key, raw, store_time, expire_time, access_time, tag, mode, filename, value)
    VALUES (?, 1, 0, null, 0, null, ?, null, ?)
    ON CONFLICT(key, raw) DO UPDATE SET value = excluded.value, mode = excluded.mode
"""
_MODE_RAW, _MODE_PICKLE = 1, 4


def row_checksum(info: os.stat_result) -> str:
    """What ties a row to one state of a file: DVC's digest of inode, mtime and size."""
    text = f"([{info.st_ino}, {info.st_mtime!r}, {info.st_size}],)"
    return str(int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest(), "big"))


def recorded_md5(row: str, info: os.stat_result, hash_name: HashName = "md5") -> str | None:
    """What a row says a file hashes to; None when it is about another state of the file."""
    checksum, md5 = row_checksum(info), row[-35:-3]
    if row == _row(checksum, info.st_size, hash_name, md5):  # without reading JSON tens of thousands of times
        return md5
    try:
        value = json.loads(row)
        current = value["version"] == _ROW_VERSION and value["checksum"] == checksum
        return str(value["hash_info"][hash_name]) if current else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None  # a form we do not know: then the file is hashed, which is slow and right


def _row(checksum: str, size: int, hash_name: HashName, md5: str) -> str:
    """As DVC writes it: JSON without spaces."""
    return f'{{"version":{_ROW_VERSION},"checksum":"{checksum}","size":{size},"hash_info":{{"{hash_name}":"{md5}"}}}}'


class DvcState:
    def __init__(self, root: Path, settings: DvcSettings) -> None:
        self._root = root
        self._settings = settings

    @property
    def directory(self) -> Path:
        """Where DVC keeps it for this clone: the path has a token in which the clone's place and birth are hashed."""
        born = self._root / ".dvc" / "tmp" / "btime"
        with suppress(FileExistsError):
            born.parent.mkdir(exist_ok=True)
            born.open("x").close()
        # str() of a tuple, as DVC writes it: root, subdir, birth, user, major version, salt.
        identity = (str(self._root), None, born.stat().st_mtime, getpass.getuser(), _DVC_MAJOR, _TOKEN_SALT)
        token = hashlib.md5(str(identity).encode(), usedforsecurity=False).hexdigest()
        return self._settings.site_cache_dir / "repo" / token

    def rows(self, path: str) -> Mapping[str, str]:
        """What DVC recorded about a file, or about every file below a directory, by absolute path."""
        database = self.directory / "hashes" / "local" / "cache.db"
        if not database.is_file():
            return {}
        query = "SELECT key, value FROM Cache WHERE raw = 1 AND (key = ? OR (key > ? AND key < ?))"
        try:
            with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
                return dict(connection.execute(query, (path, path + "/", path + "0")).fetchall())
        except sqlite3.Error:
            return {}  # a form we do not know: then everything is hashed, which is slow and right

    def save(
        self,
        output: str,
        rows: Iterable[tuple[str, str, os.stat_result]],
        mtimes: Mapping[str, float],
        hash_name: HashName = "md5",
    ) -> None:
        """Remember (path, md5, stat) of verified files, and the output as one that a checkout made.

        ``mtimes`` are those of all files of the output, by absolute path.
        """
        written = [
            (path, _MODE_RAW, _row(row_checksum(info), info.st_size, hash_name, md5)) for path, md5, info in rows
        ]
        if not written:
            return
        hashes, links = (self.directory / part / "cache.db" for part in ("hashes/local", "links"))
        if not (_is_known_form(hashes) and _is_known_form(links)):
            _create(self._root, self.directory)
        _write(hashes, written)
        link = pickle.dumps((os.lstat(output).st_ino, _mtime_token(output, mtimes)), protocol=4)
        _write(links, [(os.path.relpath(output, self._root), _MODE_PICKLE, link)])


def _mtime_token(output: str, mtimes: Mapping[str, float]) -> str:
    if output in mtimes:  # a single file
        return str(round(mtimes[output] * 1_000_000_000))
    return hashlib.md5(json.dumps(dict(mtimes), sort_keys=True).encode(), usedforsecurity=False).hexdigest()


def _is_known_form(database: Path) -> bool:
    if not database.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
            columns = [row[1] for row in connection.execute("PRAGMA table_info(Cache)")]
    except sqlite3.Error:
        return False
    return columns == _COLUMNS


def _create(root: Path, directory: Path) -> None:
    from dvc_data.hashfile.state import State

    directory.mkdir(parents=True, exist_ok=True)
    State(str(root), str(directory)).close()


def _write(database: Path, rows: Sequence[tuple[str, int, str | bytes]]) -> None:
    with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
        connection.executemany(_UPSERT, rows)
