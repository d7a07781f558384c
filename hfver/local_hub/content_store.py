"""The bytes of large files: deduplicated chunks in xorbs, and whole files, behind one address: the SHA-256.

content.db        which files there are and what they are made of   (see content_database)
xorbs/ab/…        chunks, immutable                                 (see stored_xorbs)
shards/…          as uploaded; xorbs and shards are all it takes to rebuild content.db
files/ab/…        whole files, immutable                            (see whole_files)
tmp/  damaged/  secret
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from hfver.local_hub.checked_files import CheckedFile, PendingFile, Unpublished
from hfver.local_hub.content_database import ContentDatabase, bump_generation
from hfver.local_hub.content_errors import DamagedContentError, MissingContentError, UnknownXorbError
from hfver.local_hub.dedup import dedup_answer
from hfver.local_hub.hashes import to_text
from hfver.local_hub.housekeeping import Damage, GcReport, Housekeeping
from hfver.local_hub.locks import file_lock
from hfver.local_hub.multipart import MultipartUploads
from hfver.local_hub.rebuild import Rebuild
from hfver.local_hub.reconstruction import Reconstruction, reconstruct
from hfver.local_hub.shard_ingest import ShardIngest
from hfver.local_hub.store_errors import DamagedStoreError
from hfver.local_hub.stored_files import StoredFile, StoredFiles
from hfver.local_hub.stored_xorbs import StoredXorbs
from hfver.local_hub.unpacking import BLOCK_BYTES, Span, read_blocks
from hfver.local_hub.whole_files import WholeFiles
from hfver.local_hub.workspace import Workspace

__all__ = ["ContentStore", "Damage", "GcReport", "StoredObject"]

_Block = TypeVar("_Block", bytes, memoryview)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """`xet_hash` is its text form, None for a file that is stored whole."""

    sha256: str
    size: int
    xet_hash: str | None


class ContentStore:
    """One directory, any number of threads and processes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self._database = ContentDatabase(root / "content.db")
        self._workspace = Workspace(root / "tmp")
        self._xorbs = StoredXorbs(root / "xorbs", self._database, self._workspace)
        self._files = StoredFiles(self._database, self._xorbs)
        self._wholes = WholeFiles(root / "files", self._database, self._workspace)
        shards = root / "shards"
        self._ingest = ShardIngest(shards, self._database, self._xorbs, self._files, self._workspace)
        self._housekeeping = Housekeeping(
            root, self._database, self._workspace, self._xorbs, self._files, self._wholes, shards
        )
        self.store_id = self._database.store_id
        self.uploads_in_parts = MultipartUploads(self._workspace.pending_path)
        self._finish_opening()

    @property
    def generation(self) -> int:
        return self._database.generation

    @property
    def damage(self) -> DamagedStoreError | None:
        """What somebody has met in the index since it was opened."""
        return self._database.damage

    def lookup(self, sha256s: Iterable[str]) -> dict[str, StoredObject]:
        """Only those present and readable."""
        wanted = [bytes.fromhex(sha256) for sha256 in dict.fromkeys(sha256s)]
        with self._database.read() as db:
            wholes = self._wholes.find(db, wanted)
            files = self._files.by_sha256(db, wanted)
        found = {sha.hex(): StoredObject(sha.hex(), file.size, None) for sha, file in wholes.items()}
        for sha, stored in files.items():
            found[sha.hex()] = StoredObject(sha.hex(), stored.size, to_text(stored.xet_hash))
        return found

    def touch(self, sha256s: Iterable[str]) -> None:
        """Somebody is about to commit these: collection leaves them alone for another grace period."""
        rows = [(time.time(), bytes.fromhex(sha256)) for sha256 in sha256s]
        with self._database.write() as db:
            db.executemany("UPDATE files SET stored_at = ? WHERE sha256 = ?", rows)
            db.executemany("UPDATE wholes SET stored_at = ? WHERE sha256 = ?", rows)

    def read(self, sha256: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Bytes [start, end) in blocks of a few megabytes, checked against the checksums kept at ingest."""
        raw = bytes.fromhex(sha256)
        with self._database.read() as db:
            whole = self._wholes.find(db, [raw]).get(raw)
            stored = None if whole else self._files.by_sha256(db, [raw]).get(raw)
        if whole is not None:
            start, stop = _clipped(start, end, whole.size)
            return self._reporting(map(bytes, whole.stream(start, stop, BLOCK_BYTES)))
        if stored is None:
            raise MissingContentError(f"no readable content with sha256 {sha256}")
        start, stop = _clipped(start, end, stored.size)
        return self._reporting(self._unpacked(stored, start, stop))

    def scrub(self) -> list[Damage]:
        return self._housekeeping.scrub()

    def check_index(self) -> None:
        """DamagedStoreError when content.db contradicts itself. No stored byte is read for that."""
        self._housekeeping.check_index()

    def gc(self, live: Collection[str], *, cutoff: float, dry_run: bool = False) -> GcReport:
        """What is not live goes if it was stored or touched before the `cutoff`, in seconds since the epoch."""
        return self._housekeeping.gc(live, cutoff=cutoff, dry_run=dry_run)

    def sweep(self) -> None:
        self._housekeeping.sweep()

    def close(self) -> None:
        self.uploads_in_parts.close()
        self._ingest.close()
        self._workspace.close()
        self._database.close()

    # What the transfer routes need.

    def pending(self) -> PendingFile:
        """A temporary file to receive an upload. Its owner discards it in the end, published or not."""
        return self._workspace.pending()

    def add_whole(self, sha256: bytes, body: Unpublished) -> StoredObject:
        """The caller has hashed the bytes while they were written."""
        self._wholes.add(sha256, body)
        return StoredObject(sha256.hex(), body.size, None)

    def has_xorb(self, xorb: bytes) -> bool:
        return self._xorbs.touch(xorb)

    def add_xorb(self, claimed: bytes, body: PendingFile) -> bool:
        return self._xorbs.add(claimed, body)

    def add_shard(self, body: PendingFile) -> bool:
        """A shard that names unknown xorbs shows that clients remember a store that is no longer: new generation."""
        try:
            return self._ingest.add(body)
        except UnknownXorbError:
            with self._database.write() as db:
                bump_generation(db)
            raise
        except DamagedContentError as exc:
            # The client builds on what it sent before. Without this it would do so again each time it tries.
            self._housekeeping.report(exc)
            raise

    def dedup_answer(self, chunk: bytes) -> bytes | None:
        return dedup_answer(self._database, self._xorbs, chunk)

    def xet_file(self, xet_hash: bytes) -> StoredFile | None:
        with self._database.read() as db:
            file = self._files.by_xet_hash(db, xet_hash)
            return file if file and not self._files.unreadable(db, [file.id]) else None

    def reconstruction(self, file: StoredFile, start: int, end: int) -> Reconstruction:
        return reconstruct(self._files.spans(file, start, end), start, end)

    def xorb_file(self, xorb: bytes) -> CheckedFile | None:
        with self._database.read() as db:
            found = self._xorbs.find(db, [xorb]).get(xorb)
        return found.file if found else None

    def stream_xorb(self, file: CheckedFile, start: int, end: int) -> Iterator[memoryview]:
        return self._reporting(file.stream(start, end))

    def _finish_opening(self) -> None:
        """Without an index, or after a rebuild that was cut short, make it from what is there. One process does."""
        with file_lock(self.root / "rebuild.lock", longest=None):
            if self._database.is_complete():
                return
            Rebuild(self._xorbs, self._wholes, self._ingest).run()
            self._database.mark_complete()

    def _unpacked(self, stored: StoredFile, start: int, end: int) -> Iterator[bytes]:
        positioned = self._files.spans(stored, start, end)
        first = next(positioned, None)
        if first is None:
            return
        offset, span = first
        spans = self._chained(span, positioned)
        yield from read_blocks(spans, start - offset, end - offset)

    @staticmethod
    def _chained(first: Span, rest: Iterator[tuple[int, Span]]) -> Iterator[Span]:
        yield first
        for _, span in rest:
            yield span

    def _reporting(self, blocks: Iterator[_Block]) -> Iterator[_Block]:
        """A reader that meets damage stops, and the damaged file leaves the index at once."""
        try:
            yield from blocks
        except DamagedContentError as exc:
            self._housekeeping.report(exc)
            raise


def _clipped(start: int, end: int | None, size: int) -> tuple[int, int]:
    stop = size if end is None else min(end, size)
    if not 0 <= start <= stop:
        raise ValueError(f"range {start}-{end} of {size} bytes")
    return start, stop
