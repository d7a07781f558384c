"""Taking in a shard: the moment uploaded chunks become files.

Everything a shard says is checked against what the store holds: xorbs and chunk lists, the hash tree of every file, and
the SHA-256 of every new file, read back through its segments. Only then is it recorded, in one transaction.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path

from hfver.local_hub import shards
from hfver.local_hub.checked_files import PendingFile
from hfver.local_hub.content_database import ContentDatabase
from hfver.local_hub.content_errors import FormatError, UnknownXorbError
from hfver.local_hub.hashes import file_hash, is_dedup_key, to_text
from hfver.local_hub.stored_files import StoredFiles, nodes_of
from hfver.local_hub.stored_xorbs import StoredXorb, StoredXorbs
from hfver.local_hub.unpacking import EagerUnpacker, Span
from hfver.local_hub.workspace import Workspace

_HASHING_THREADS = 4
_BATCH_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the shard whose chunks are all there; `sha256` as claimed, then as computed."""

    xet_hash: bytes
    spans: tuple[Span, ...]
    sha256: bytes | None
    size: int


class ShardIngest:
    def __init__(
        self, directory: Path, database: ContentDatabase, xorbs: StoredXorbs, files: StoredFiles, workspace: Workspace
    ) -> None:
        self.directory = directory
        self._database = database
        self._xorbs = xorbs
        self._files = files
        self._workspace = workspace
        self._hashers = ThreadPoolExecutor(_HASHING_THREADS, thread_name_prefix="content-sha256")
        self._readers = ThreadPoolExecutor(_HASHING_THREADS, thread_name_prefix="content-read")

    def add(self, body: PendingFile) -> bool:
        """True when the shard brought something new; the pending file is the caller's to discard."""
        body.seal()
        shard = _parsed(body.path)
        found = self._known_xorbs(shard)
        known, new = self._sort_out(_resolve(entry, found) for entry in shard.files)
        hashed = self._hashed(new)
        name = self._workspace.unique_name("shard")
        if not hashed and not self._unlisted(shard.xorbs):
            self._touch(known)
            return False
        body.publish(self.directory / name)
        recorded = False
        try:
            self._record(name, shard, hashed, known)
            recorded = True
        finally:
            if not recorded:
                (self.directory / name).unlink()
        return True

    def add_kept(self, path: Path) -> None:
        """A shard kept from before: what of it still has its xorbs."""
        shard = _parsed(path)
        wanted = {entry.hash for entry in shard.xorbs}
        wanted.update(segment.xorb for entry in shard.files for segment in entry.segments)
        with self._database.read() as db:
            found = self._xorbs.find(db, wanted)
            recorded = db.execute("SELECT 1 FROM uploads WHERE name = ?", (path.name,)).fetchone()
        if recorded is not None:
            return
        files = tuple(entry for entry in shard.files if all(part.xorb in found for part in entry.segments))
        whole = shards.Shard(files, tuple(entry for entry in shard.xorbs if entry.hash in found))
        known, new = self._sort_out(_resolve(entry, found) for entry in files)
        self._record(path.name, whole, self._hashed(new), known)

    def close(self) -> None:
        self._hashers.shutdown(cancel_futures=True)
        self._readers.shutdown(cancel_futures=True)

    def _known_xorbs(self, shard: shards.Shard) -> dict[bytes, StoredXorb]:
        wanted = {entry.hash for entry in shard.xorbs}
        wanted.update(segment.xorb for entry in shard.files for segment in entry.segments)
        with self._database.read() as db:
            found = self._xorbs.find(db, wanted)
        for raw_hash in wanted:
            if raw_hash not in found:
                raise UnknownXorbError(f"xorb {to_text(raw_hash)} is not in this store; upload it first")
        for entry in shard.xorbs:
            table = found[entry.hash].table
            if entry.hashes != table.hashes or any(
                size != table.raw[i + 1] - table.raw[i] for i, size in enumerate(entry.sizes)
            ):
                raise FormatError(f"xorb {to_text(entry.hash)}: its chunk list differs from the uploaded xorb")
        return found

    def _sort_out(self, files: Iterable[_File]) -> tuple[list[int], list[_File]]:
        """(ids of files stored and readable, files to take in). A file whose chunks were lost is taken in anew."""
        new: dict[bytes, _File] = {}
        known: dict[int, _File] = {}
        with self._database.read() as db:
            for file in files:
                stored = self._files.by_xet_hash(db, file.xet_hash)
                if stored is None:
                    new[file.xet_hash] = file
                    continue
                if file.sha256 not in (None, stored.sha256):
                    raise FormatError(f"file {to_text(file.xet_hash)} does not have the sha256 the shard claims")
                known[stored.id] = file
            for lost in self._files.unreadable(db, known):
                file = known.pop(lost)
                new[file.xet_hash] = file
        return list(known), list(new.values())

    def _hashed(self, files: list[_File]) -> list[_File]:
        """Every file read back once, several at a time; neighbours in a xorb stay together."""
        files.sort(key=lambda file: (file.spans[0].xorb.id, file.spans[0].start) if file.spans else (0, 0))
        results = self._hashers.map(lambda batch: _hash_batch(batch, EagerUnpacker(self._readers)), _batches(files))
        return [file for batch in results for file in batch]

    def _unlisted(self, entries: Sequence[shards.XorbEntry]) -> bool:
        """Whether a xorb of the shard is in no kept shard yet, without which the index could not be rebuilt."""
        with self._database.read() as db:
            return any(
                db.execute("SELECT upload_id IS NULL FROM xorbs WHERE hash = ?", (entry.hash,)).fetchone()[0]
                for entry in entries
            )

    def _touch(self, file_ids: Sequence[int]) -> None:
        with self._database.write() as db:
            _touch(db, file_ids)

    def _record(self, name: str, shard: shards.Shard, files: list[_File], known: Sequence[int]) -> None:
        with self._database.write() as db:
            self._require_xorbs(db, shard, files)
            upload = db.execute("INSERT INTO uploads (name, stored_at) VALUES (?, ?)", (name, time.time())).lastrowid
            assert upload is not None
            for entry in shard.xorbs:
                db.execute("UPDATE xorbs SET upload_id = ? WHERE hash = ?", (upload, entry.hash))
            for file in files:
                self._replace(db, file, upload)
            _touch(db, known)
            keys = _dedup_keys(shard, files, {entry.hash: self._id_of(db, entry.hash) for entry in shard.xorbs})
            db.executemany("INSERT OR REPLACE INTO dedup VALUES (?, ?, ?)", [(*key, upload) for key in keys])

    def _replace(self, db: sqlite3.Connection, file: _File, upload: int) -> None:
        """Another client may have brought the same file meanwhile. Its rows stay: somebody may be reading by them."""
        stored = self._files.by_xet_hash(db, file.xet_hash)
        if stored is not None:
            if not self._files.unreadable(db, [stored.id]):
                return
            self._files.remove(db, [stored.id])
        assert file.sha256 is not None
        self._files.insert(db, file.xet_hash, file.sha256, file.spans, upload)

    def _require_xorbs(self, db: sqlite3.Connection, shard: shards.Shard, files: list[_File]) -> None:
        """Once more, now that nobody else can change the index: a collection may have run since the first look."""
        for entry in shard.xorbs:
            if self._id_of(db, entry.hash) is None:
                raise UnknownXorbError(f"xorb {to_text(entry.hash)} was removed meanwhile; upload again")
        ids = {span.xorb.id for file in files for span in file.spans}
        gone = [xorb_id for xorb_id in ids if not self._xorbs.is_present(db, xorb_id)]
        if gone:
            raise UnknownXorbError("a xorb of this shard was removed meanwhile; upload again")

    @staticmethod
    def _id_of(db: sqlite3.Connection, raw_hash: bytes) -> int | None:
        row = db.execute("SELECT id FROM xorbs WHERE hash = ? AND name IS NOT NULL", (raw_hash,)).fetchone()
        return row[0] if row else None


def _parsed(path: Path) -> shards.Shard:
    if path.stat().st_size == 0:
        raise FormatError("shard is empty")
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as body:
        return shards.parse(body)


def _resolve(entry: shards.FileEntry, xorbs: dict[bytes, StoredXorb]) -> _File:
    spans = tuple(_span(segment, xorbs[segment.xorb]) for segment in entry.segments)
    if file_hash(nodes_of(spans)) != entry.xet_hash:
        raise FormatError(f"file {to_text(entry.xet_hash)}: its segments hash to something else")
    return _File(entry.xet_hash, spans, entry.sha256, entry.size)


def _span(segment: shards.Segment, xorb: StoredXorb) -> Span:
    if segment.end > len(xorb.table):
        raise FormatError(f"xorb {to_text(xorb.hash)} has {len(xorb.table)} chunks, a segment names {segment.end}")
    span = Span(xorb, segment.start, segment.end)
    if span.size != segment.unpacked:
        raise FormatError(f"segment of xorb {to_text(xorb.hash)} has {span.size} bytes, not {segment.unpacked}")
    return span


def _batches(files: Iterable[_File]) -> Iterator[list[_File]]:
    batch: list[_File] = []
    size = 0
    for file in files:
        batch.append(file)
        size += file.size
        if size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _hash_batch(batch: list[_File], unpacker: EagerUnpacker) -> list[_File]:
    hashed = []
    for file in batch:
        digest = hashlib.sha256()
        for span in file.spans:
            for data in unpacker.chunks(span):
                digest.update(data)
        if file.sha256 not in (None, digest.digest()):
            raise FormatError(f"file {to_text(file.xet_hash)} does not have the sha256 the shard claims")
        hashed.append(_File(file.xet_hash, file.spans, digest.digest(), file.size))
    return hashed


def _dedup_keys(
    shard: shards.Shard, files: Iterable[_File], ids: dict[bytes, int | None]
) -> Iterator[tuple[bytes, int | None]]:
    """The chunks clients ask for: eligible by their hash, flagged, and the first of each file."""
    for entry in shard.xorbs:
        chunk_hashes = [entry.hashes[at : at + 32] for at in range(0, len(entry.hashes), 32)]
        for index, raw_hash in enumerate(chunk_hashes):
            if is_dedup_key(raw_hash) or index in entry.flagged:
                yield raw_hash, ids[entry.hash]
    for file in files:
        if file.spans:
            first = file.spans[0]
            yield first.xorb.table.hash_at(first.start), first.xorb.id


def _touch(db: sqlite3.Connection, file_ids: Iterable[int]) -> None:
    now = time.time()
    db.executemany("UPDATE files SET stored_at = ? WHERE id = ?", [(now, file_id) for file_id in file_ids])
