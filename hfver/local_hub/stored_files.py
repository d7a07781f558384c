"""Files made of xorb chunks, in the database."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from hfver.local_hub.content_database import ContentDatabase
from hfver.local_hub.content_errors import MissingContentError
from hfver.local_hub.hashes import Node, file_hash, to_text
from hfver.local_hub.stored_xorbs import StoredXorbs
from hfver.local_hub.unpacking import Span

_BATCH = 500
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class StoredFile:
    id: int
    xet_hash: bytes
    sha256: bytes
    size: int


class StoredFiles:
    def __init__(self, database: ContentDatabase, xorbs: StoredXorbs) -> None:
        self._database = database
        self._xorbs = xorbs

    def by_xet_hash(self, db: sqlite3.Connection, xet_hash: bytes) -> StoredFile | None:
        row = db.execute("SELECT id, xet_hash, sha256, size FROM files WHERE xet_hash = ?", (xet_hash,)).fetchone()
        return StoredFile(*row) if row else None

    def by_sha256(self, db: sqlite3.Connection, wanted: Collection[bytes]) -> dict[bytes, StoredFile]:
        """Readable ones only."""
        candidates: list[StoredFile] = []
        for batch in batches(wanted):
            marks = ",".join("?" * len(batch))
            rows = db.execute(
                f"SELECT id, xet_hash, sha256, size FROM files WHERE sha256 IN ({marks}) ORDER BY id", batch
            )
            candidates += [StoredFile(*row) for row in rows]
        lost = self.unreadable(db, [file.id for file in candidates])
        return {file.sha256: file for file in candidates if file.id not in lost}

    def unreadable(self, db: sqlite3.Connection, file_ids: Collection[int]) -> set[int]:
        """Those with a chunk in a xorb that is not, or no longer, on disk."""
        present: dict[int, bool] = {}
        lost = set()
        for batch in batches(file_ids):
            marks = ",".join("?" * len(batch))
            rows = db.execute(f"SELECT DISTINCT file_id, xorb_id FROM segments WHERE file_id IN ({marks})", batch)
            for file_id, xorb_id in rows.fetchall():
                if xorb_id not in present:
                    present[xorb_id] = self._xorbs.is_present(db, xorb_id)
                if not present[xorb_id]:
                    lost.add(file_id)
        return lost

    def spans(self, file: StoredFile, start: int, end: int) -> Iterator[tuple[int, Span]]:
        """(position in the file, chunks) of every segment that touches [start, end)."""
        with self._database.read() as db:
            rows = db.execute(
                "SELECT xorb_id, chunk_start, chunk_end, unpacked FROM segments WHERE file_id = ? ORDER BY seq",
                (file.id,),
            ).fetchall()
        if sum(row[3] for row in rows) != file.size:
            raise MissingContentError(f"file {to_text(file.xet_hash)} was removed or replaced just now")
        position = 0
        for xorb_id, chunk_start, chunk_end, unpacked in rows:
            if position >= end:
                return
            if position + unpacked > start:
                with self._database.read() as db:
                    xorb = self._xorbs.load(db, xorb_id)
                if xorb is None:
                    raise MissingContentError(f"file {to_text(file.xet_hash)} has lost some of its chunks")
                if not 0 <= chunk_start < chunk_end <= len(xorb.table):
                    raise self._database.damaged(f"a segment of file {to_text(file.xet_hash)} is outside its xorb")
                yield position, Span(xorb, chunk_start, chunk_end)
            position += unpacked

    def contradictions(self) -> Iterator[str]:
        """Files whose segments do not hash to their name; those that have lost chunks are left out."""
        with self._database.read() as db:
            files = [StoredFile(*row) for row in db.execute("SELECT id, xet_hash, sha256, size FROM files ORDER BY id")]
        for file in files:
            try:
                spans = [span for _, span in self.spans(file, 0, file.size)]
                is_right = len(file.sha256) == 32 and file_hash(nodes_of(spans)) == file.xet_hash
            except MissingContentError:
                with self._database.read() as db:
                    is_right = bool(self.unreadable(db, [file.id]))
            if not is_right:
                yield f"the segments of file {to_text(file.xet_hash)} are not what they were"

    def insert(
        self, db: sqlite3.Connection, xet_hash: bytes, sha256: bytes, spans: Iterable[Span], upload: int
    ) -> None:
        rows = [(span.xorb.id, span.start, span.end, span.size) for span in spans]
        size = sum(row[3] for row in rows)
        file_id = db.execute(
            "INSERT INTO files (xet_hash, sha256, size, upload_id, stored_at) VALUES (?, ?, ?, ?, ?)",
            (xet_hash, sha256, size, upload, time.time()),
        ).lastrowid
        numbered = [(file_id, seq, *row) for seq, row in enumerate(rows)]
        db.executemany("INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?)", numbered)

    def remove(self, db: sqlite3.Connection, file_ids: Collection[int]) -> None:
        ids = [(file_id,) for file_id in file_ids]
        db.executemany("DELETE FROM segments WHERE file_id = ?", ids)
        db.executemany("DELETE FROM files WHERE id = ?", ids)

    def of_xorb(self, db: sqlite3.Connection, xorb_id: int) -> tuple[str, ...]:
        rows = db.execute(
            "SELECT DISTINCT sha256 FROM files JOIN segments ON file_id = id WHERE xorb_id = ? ORDER BY sha256",
            (xorb_id,),
        )
        return tuple(row[0].hex() for row in rows)


def nodes_of(spans: Iterable[Span]) -> Iterator[Node]:
    for span in spans:
        yield from span.xorb.table.nodes(span.start, span.end)


def batches(items: Collection[_T]) -> Iterator[list[_T]]:
    listed = list(items)
    for at in range(0, len(listed), _BATCH):
        yield listed[at : at + _BATCH]
