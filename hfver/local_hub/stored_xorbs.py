"""Xorbs in the database and on disk: adding, finding, losing them."""

from __future__ import annotations

import sqlite3
import threading
import time
from array import array
from collections import OrderedDict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hfver.local_hub import hashes
from hfver.local_hub.checked_files import BLOCK_BYTES, STEP_BYTES, BlockChecks, CheckedFile, PendingFile
from hfver.local_hub.content_database import ContentDatabase, bump_generation
from hfver.local_hub.content_errors import FormatError
from hfver.local_hub.workspace import Workspace
from hfver.local_hub.xorbs import ChunkTable, scan

_CACHED_XORBS = 64
_COLUMNS = "id, hash, name, size, checks, offsets, raw, hashes"


@dataclass(frozen=True, slots=True)
class StoredXorb:
    id: int
    hash: bytes
    file: CheckedFile
    table: ChunkTable


class StoredXorbs:
    def __init__(self, directory: Path, database: ContentDatabase, workspace: Workspace) -> None:
        self.directory = directory
        self._database = database
        self._workspace = workspace
        self._cache: OrderedDict[int, StoredXorb] = OrderedDict()
        self._cache_lock = threading.Lock()

    def path(self, name: str) -> Path:
        return self.directory / name[:2] / name

    def add(self, claimed: bytes, body: PendingFile) -> bool:
        """Prove the hash, then store. False when it was there already; the pending file is the caller's to discard."""
        checks = body.seal()
        with body.path.open("rb", buffering=0) as stream:
            table = _proven(claimed, stream)
        name = self._workspace.unique_name(hashes.to_text(claimed))
        body.publish(self.path(name))
        added = False
        try:
            added = self._insert(claimed, name, body.size, checks, table)
        finally:
            if not added:
                self.path(name).unlink()
        return added

    def adopt(self, path: Path) -> bool:
        """A published file whose row was lost. FormatError when it does not prove its name."""
        claimed, checks = hashes.from_text(path.name.partition(".")[0]), BlockChecks()
        with path.open("rb", buffering=0) as body:
            while block := body.read(STEP_BYTES):
                checks.update(block)
            body.seek(0)
            table = _proven(claimed, body)
        return self._insert(claimed, path.name, path.stat().st_size, checks.finish(), table)

    def touch(self, wanted: bytes) -> bool:
        """Whether the xorb is there; keeps it from collection for another grace period."""
        with self._database.write() as db:
            found = self.find(db, [wanted]).get(wanted)
            if found is None:
                return False
            db.execute("UPDATE xorbs SET stored_at = ? WHERE id = ?", (time.time(), found.id))
        return True

    def find(self, db: sqlite3.Connection, wanted: Collection[bytes]) -> dict[bytes, StoredXorb]:
        """Those whose file is on disk."""
        found = {}
        for raw in wanted:
            row = db.execute("SELECT id, name FROM xorbs WHERE hash = ?", (raw,)).fetchone()
            if row is not None and row[1] is not None:
                xorb = self.load(db, row[0])
                if xorb is not None and xorb.file.is_present():
                    found[raw] = xorb
        return found

    def is_present(self, db: sqlite3.Connection, xorb_id: int) -> bool:
        row = db.execute("SELECT name, size FROM xorbs WHERE id = ?", (xorb_id,)).fetchone()
        return row is not None and row[0] is not None and CheckedFile(self.path(row[0]), row[1], b"").is_present()

    def load(self, db: sqlite3.Connection, xorb_id: int) -> StoredXorb | None:
        with self._cache_lock:
            cached = self._cache.get(xorb_id)
            if cached is not None:
                self._cache.move_to_end(xorb_id)
        if cached is not None and self._is_current(db, cached):
            return cached
        row = db.execute(f"SELECT {_COLUMNS} FROM xorbs WHERE id = ?", (xorb_id,)).fetchone()
        if row is None or row[2] is None:
            return None
        xorb = self._from_row(row)
        with self._cache_lock:
            self._cache[xorb_id] = xorb
            if len(self._cache) > _CACHED_XORBS:
                self._cache.popitem(last=False)
        return xorb

    def each(self) -> Iterator[StoredXorb]:
        with self._database.read() as db:
            ids = [row[0] for row in db.execute("SELECT id FROM xorbs WHERE name IS NOT NULL ORDER BY id")]
        for xorb_id in ids:
            with self._database.read() as db:
                xorb = self.load(db, xorb_id)
            if xorb is not None:
                yield xorb

    def contradictions(self) -> Iterator[str]:
        """Rows that cannot be as they were written: their chunk list hashes to something else."""
        for xorb in self.each():
            table, file = xorb.table, xorb.file
            is_whole = len(table.hashes) == hashes.HASH_BYTES * len(table) and len(table.raw) == len(table.offsets)
            has_checks = len(file.checks) == 4 * -(-file.size // BLOCK_BYTES)
            if not (is_whole and has_checks and table.offsets[-1] == file.size and table.xorb_hash() == xorb.hash):
                yield f"the chunk list of xorb {hashes.to_text(xorb.hash)} is not what it was"

    def lose(self, xorb: StoredXorb) -> bool:
        """Take a damaged or vanished xorb out of the index, so that uploading it again heals. False if it was gone."""
        with self._database.write() as db:
            changed = db.execute(
                "UPDATE xorbs SET name = NULL WHERE id = ? AND name = ?", (xorb.id, xorb.file.path.name)
            ).rowcount
            if changed:
                db.execute("DELETE FROM dedup WHERE xorb_id = ?", (xorb.id,))
                bump_generation(db)
        with self._cache_lock:
            self._cache.pop(xorb.id, None)
        return bool(changed)

    def _insert(self, raw_hash: bytes, name: str, size: int, checks: bytes, table: ChunkTable) -> bool:
        now = time.time()
        with self._database.write() as db:
            if self.find(db, [raw_hash]):
                return False
            values = (name, size, now, checks, table.offsets.tobytes(), table.raw.tobytes(), table.hashes)
            db.execute(
                "INSERT INTO xorbs (hash, name, size, stored_at, checks, offsets, raw, hashes)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO UPDATE SET name = excluded.name,"
                " size = excluded.size, stored_at = excluded.stored_at, checks = excluded.checks,"
                " offsets = excluded.offsets, raw = excluded.raw, hashes = excluded.hashes",
                (raw_hash, *values),
            )
        return True

    def _is_current(self, db: sqlite3.Connection, cached: StoredXorb) -> bool:
        row = db.execute("SELECT name FROM xorbs WHERE id = ?", (cached.id,)).fetchone()
        return row is not None and row[0] == cached.file.path.name

    def _from_row(self, row: tuple[int, bytes, str, int, bytes, bytes, bytes, bytes]) -> StoredXorb:
        xorb_id, raw_hash, name, size, checks, offsets, raw, chunk_hashes = row
        try:
            table = ChunkTable(array("I", offsets), array("I", raw), bytes(chunk_hashes))
        except (ValueError, TypeError):
            raise self._database.damaged(f"the chunk list of xorb {name} is none") from None
        return StoredXorb(xorb_id, raw_hash, CheckedFile(self.path(name), size, checks), table)


def _proven(claimed: bytes, stream: BinaryIO) -> ChunkTable:
    table = scan(stream)
    if table.xorb_hash() != claimed:
        raise FormatError(f"xorb {hashes.to_text(claimed)}: the chunks hash to something else")
    return table
