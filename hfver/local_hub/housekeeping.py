"""Collection of what nobody needs, and the search for bytes that have changed on disk."""

from __future__ import annotations

import errno
import functools
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

from hfver.local_hub.checked_files import CheckedFile
from hfver.local_hub.content_database import ContentDatabase, bump_generation
from hfver.local_hub.content_errors import ContentError, DamagedContentError, MissingContentError
from hfver.local_hub.hashes import to_text
from hfver.local_hub.stored_files import StoredFiles
from hfver.local_hub.stored_xorbs import StoredXorbs
from hfver.local_hub.whole_files import WholeFiles
from hfver.local_hub.workspace import Workspace, tag_of


@dataclass(frozen=True, slots=True)
class Damage:
    """A stored file whose bytes changed. The files made of it have to be uploaded again."""

    kind: Literal["xorb", "file"]
    name: str
    problem: str
    sha256s: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GcReport:
    files: int
    xorbs: int
    freed_bytes: int
    generation: int


class Housekeeping:
    def __init__(
        self,
        root: Path,
        database: ContentDatabase,
        workspace: Workspace,
        xorbs: StoredXorbs,
        files: StoredFiles,
        wholes: WholeFiles,
        shards: Path,
    ) -> None:
        self._quarantine = root / "damaged"
        self._database = database
        self._workspace = workspace
        self._xorbs = xorbs
        self._files = files
        self._wholes = wholes
        self._shards = shards

    def gc(self, live: Collection[str], *, cutoff: float, dry_run: bool) -> GcReport:
        """Rows first, in one transaction; then the files they named. A dry run is the same transaction, undone."""
        with self._database.write(dry_run=dry_run) as db:
            doomed = _Doomed(db, live, cutoff)
            paths = [*map(self._xorbs.path, doomed.xorbs), *map(self._wholes.path, doomed.wholes)]
            paths += [self._shards / name for name in doomed.shards]
            freed = sum(path.stat().st_size for path in paths if path.exists())
            if doomed.xorbs:
                bump_generation(db)
        for path in () if dry_run else paths:
            path.unlink(missing_ok=True)
        return GcReport(doomed.files + len(doomed.wholes), len(doomed.xorbs), freed, self._database.generation)

    def scrub(self) -> list[Damage]:
        """Read everything. What is damaged leaves the index, so that uploading it again stores it again."""
        self.check_index()
        return [*self._scrub_xorbs(), *self._scrub_wholes()]

    def check_index(self) -> None:
        """DamagedStoreError when the index contradicts itself: each hash is that of the list it stands for."""
        self._database.check()
        assert self._database.generation >= 0  # which looks at it
        problem = next(chain(self._xorbs.contradictions(), self._files.contradictions()), None)
        if problem is not None:
            raise self._database.damaged(problem)

    def sweep(self) -> None:
        """Remove what processes that ended in the middle of something left behind."""
        self._workspace.sweep()
        abandoned = self._abandoned()
        with self._database.read() as db:
            names = "SELECT name FROM xorbs UNION ALL SELECT name FROM wholes UNION ALL SELECT name FROM uploads"
            known = {row[0] for row in db.execute(names)}
        for path in abandoned:
            if path.name not in known:
                path.unlink(missing_ok=True)

    def report(self, damage: DamagedContentError) -> list[Damage]:
        """A reader met damage: what `scrub` would do about that one file."""
        with self._database.read() as db:
            xorb = db.execute("SELECT id FROM xorbs WHERE name = ?", (damage.name,)).fetchone()
            whole = db.execute("SELECT sha256 FROM wholes WHERE name = ?", (damage.name,)).fetchone()
        if xorb is not None:
            return self._lose_xorb(xorb[0], damage.problem)
        return self._lose_whole(whole[0], self._wholes.path(damage.name), damage.problem) if whole else []

    def _scrub_xorbs(self) -> Iterator[Damage]:
        for xorb in self._xorbs.each():
            problem = _problem(xorb.file)
            if problem:
                yield from self._lose_xorb(xorb.id, problem)

    def _scrub_wholes(self) -> Iterator[Damage]:
        for sha256, file in self._wholes.each():
            problem = _problem(file)
            if problem:
                yield from self._lose_whole(sha256, file.path, problem)

    def _lose_xorb(self, xorb_id: int, problem: str) -> list[Damage]:
        with self._database.read() as db:
            xorb = self._xorbs.load(db, xorb_id)
            sha256s = self._files.of_xorb(db, xorb_id)
        if xorb is None or not self._xorbs.lose(xorb) or _proves(self._xorbs.adopt, xorb.file.path):
            return []
        self._set_aside(xorb.file.path)
        return [Damage("xorb", to_text(xorb.hash), problem, sha256s)]

    def _lose_whole(self, sha256: bytes, path: Path, problem: str) -> list[Damage]:
        if not self._wholes.lose(sha256, path.name) or _proves(self._wholes.adopt, path):
            return []
        self._set_aside(path)
        return [Damage("file", sha256.hex(), problem, (sha256.hex(),))]

    def _set_aside(self, path: Path) -> None:
        """Kept for whoever wants to know what happened to the disk."""
        self._quarantine.mkdir(exist_ok=True)
        if path.exists():
            path.rename(self._quarantine / path.name)

    def _abandoned(self) -> list[Path]:
        """Published files of stores that are closed. Listed before their rows are looked for."""
        paths = [*self._xorbs.directory.glob("*/*"), *self._wholes.directory.glob("*/*"), *self._shards.glob("*")]
        is_abandoned = functools.cache(self._workspace.is_abandoned)
        return [path for path in paths if is_abandoned(tag_of(path.name))]


class _Doomed:
    """Deletes the rows of what is neither live nor young; remembers the names of the files."""

    def __init__(self, db: sqlite3.Connection, live: Iterable[str], cutoff: float) -> None:
        db.execute("CREATE TEMP TABLE IF NOT EXISTS live (sha256 BLOB PRIMARY KEY) WITHOUT ROWID")
        db.execute("DELETE FROM temp.live")
        db.executemany("INSERT OR IGNORE INTO temp.live VALUES (?)", ((bytes.fromhex(sha),) for sha in live))
        dead = "sha256 NOT IN (SELECT sha256 FROM temp.live) AND stored_at <= ?"
        self.wholes = [row[0] for row in db.execute(f"DELETE FROM wholes WHERE {dead} RETURNING name", (cutoff,))]
        dead_files = db.execute(f"DELETE FROM files WHERE {dead} RETURNING id", (cutoff,)).fetchall()
        self.files = len(dead_files)
        db.executemany("DELETE FROM segments WHERE file_id = ?", dead_files)
        dead_xorbs = db.execute(
            "DELETE FROM xorbs WHERE stored_at <= ? AND id NOT IN (SELECT xorb_id FROM segments) RETURNING id, name",
            (cutoff,),
        ).fetchall()
        self.xorbs = [name for _, name in dead_xorbs if name is not None]
        db.executemany("DELETE FROM dedup WHERE xorb_id = ?", [(xorb_id,) for xorb_id, _ in dead_xorbs])
        self.shards = [
            row[0]
            for row in db.execute(
                "DELETE FROM uploads WHERE id NOT IN (SELECT upload_id FROM files)"
                " AND id NOT IN (SELECT upload_id FROM xorbs WHERE upload_id IS NOT NULL) RETURNING name"
            )
        ]


def _proves(adopt: Callable[[Path], bool], path: Path) -> bool:
    """Whether the bytes are right after all: then it was the checksums that the disk has damaged, and they are new."""
    try:
        return adopt(path)
    except (ContentError, OSError):
        return False


def _problem(file: CheckedFile) -> str | None:
    try:
        file.check()
    except DamagedContentError as exc:
        return exc.problem
    except MissingContentError as exc:
        return str(exc)
    except OSError as exc:
        # Anything else, too many open files for instance, says nothing about the bytes.
        if exc.errno != errno.EIO:
            raise
        return str(exc)
    return None
