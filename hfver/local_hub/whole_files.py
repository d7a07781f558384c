"""Files stored as they are, by SHA-256: what clients without Xet upload."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from hfver.local_hub.checked_files import STEP_BYTES, BlockChecks, CheckedFile, PendingFile, Unpublished
from hfver.local_hub.content_database import ContentDatabase
from hfver.local_hub.content_errors import FormatError
from hfver.local_hub.stored_files import batches
from hfver.local_hub.workspace import Workspace


class WholeFiles:
    def __init__(self, directory: Path, database: ContentDatabase, workspace: Workspace) -> None:
        self.directory = directory
        self._database = database
        self._workspace = workspace

    def path(self, name: str) -> Path:
        return self.directory / name[:2] / name

    def find(self, db: sqlite3.Connection, wanted: Collection[bytes]) -> dict[bytes, CheckedFile]:
        """Those whose file is on disk."""
        found = {}
        for batch in batches(wanted):
            marks = ",".join("?" * len(batch))
            rows = db.execute(f"SELECT sha256, name, size, checks FROM wholes WHERE sha256 IN ({marks})", batch)
            for sha256, name, size, checks in rows:
                file = CheckedFile(self.path(name), size, checks)
                if file.is_present():
                    found[sha256] = file
        return found

    def each(self) -> Iterator[tuple[bytes, CheckedFile]]:
        with self._database.read() as db:
            rows = db.execute("SELECT sha256, name, size FROM wholes ORDER BY sha256").fetchall()
        for sha256, name, size in rows:
            with self._database.read() as db:
                row = db.execute("SELECT checks FROM wholes WHERE sha256 = ? AND name = ?", (sha256, name)).fetchone()
            if row is not None:
                yield sha256, CheckedFile(self.path(name), size, row[0])

    def add(self, sha256: bytes, body: Unpublished) -> None:
        """The caller has hashed the bytes while they were written."""
        checks = body.seal()
        name = self._workspace.unique_name(sha256.hex())
        body.publish(self.path(name))
        added = False
        try:
            added = self._insert(sha256, name, body.size, checks)
        finally:
            if not added:
                self.path(name).unlink()

    def adopt(self, path: Path) -> bool:
        """A published file whose row was lost; False when it does not prove its name."""
        checks, digest = BlockChecks(), hashlib.sha256()
        with path.open("rb", buffering=0) as body:
            while block := body.read(STEP_BYTES):
                checks.update(block)
                digest.update(block)
        if digest.hexdigest() != path.name.partition(".")[0]:
            return False
        values = (digest.digest(), path.name, path.stat().st_size, checks.finish(), time.time())
        with self._database.write() as db:
            db.execute("INSERT OR IGNORE INTO wholes VALUES (?, ?, ?, ?, ?)", values)
        return True

    def lose(self, sha256: bytes, name: str) -> bool:
        with self._database.write() as db:
            return bool(db.execute("DELETE FROM wholes WHERE sha256 = ? AND name = ?", (sha256, name)).rowcount)

    def _insert(self, sha256: bytes, name: str, size: int, checks: bytes) -> bool:
        with self._database.write() as db:
            if self.find(db, [sha256]):
                db.execute("UPDATE wholes SET stored_at = ? WHERE sha256 = ?", (time.time(), sha256))
                return False
            db.execute(
                "INSERT OR REPLACE INTO wholes VALUES (?, ?, ?, ?, ?)", (sha256, name, size, checks, time.time())
            )
        return True


class HashedFile:
    """A pending file whose SHA-256 is known when its last byte is written."""

    def __init__(self, body: PendingFile) -> None:
        self.body = body
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> bytes:
        return self._digest.digest()

    def write(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self._digest.update(piece)
            self.body.write((piece,))

    def require(self, sha256: bytes, size: int) -> None:
        if self.body.size != size:
            raise FormatError(f"{size} bytes were announced, {self.body.size} arrived")
        if self.sha256 != sha256:
            raise FormatError(f"the bytes have sha256 {self.sha256.hex()}, {sha256.hex()} was announced")
