"""Shards: which chunks of which xorbs make up which files. Fixed records of 48 bytes, all counts untrusted.

    header | per file: header, n segments, [n verifications], [sha256] | bookend | per xorb: header, n chunks | bookend

`parse` reads what clients upload, `build_answer` makes what the chunk query returns.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from mmap import mmap

from hfver.local_hub import hashes
from hfver.local_hub.content_errors import FormatError
from hfver.local_hub.xorbs import MAX_CHUNKS, ChunkTable

RECORD_BYTES = 48
MAX_BODY_BYTES = 128 << 20
MAGIC = bytes.fromhex("48465265706f4d6574614461746100556967456a7b815783a5bdd95ccdd14aa9")
BOOKEND = b"\xff" * 32 + bytes(16)

WITH_VERIFICATION, WITH_SHA256, DEDUP_KEY = 1 << 31, 1 << 30, 1 << 31

_VERSION, _FOOTER_BYTES = 2, 200
_HEADER = struct.Struct("<32sQQ")
_RECORD = struct.Struct("<32sIIII")
_FOOTER = struct.Struct("<9Q32sQQ48s4Q")
_NEVER = 2**64 - 1

Body = bytes | mmap


@dataclass(frozen=True, slots=True)
class Segment:
    xorb: bytes
    start: int
    end: int
    unpacked: int


@dataclass(frozen=True, slots=True)
class FileEntry:
    xet_hash: bytes
    segments: tuple[Segment, ...]
    sha256: bytes | None

    @property
    def size(self) -> int:
        return sum(segment.unpacked for segment in self.segments)


@dataclass(frozen=True, slots=True)
class XorbEntry:
    hash: bytes
    sizes: array[int]
    hashes: bytes
    flagged: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Shard:
    files: tuple[FileEntry, ...]
    xorbs: tuple[XorbEntry, ...]


def parse(body: Body) -> Shard:
    if len(body) < 3 * RECORD_BYTES:
        raise FormatError("shard is cut short")
    magic, version, footer = _HEADER.unpack_from(body, 0)
    if magic != MAGIC or version != _VERSION or footer not in (0, _FOOTER_BYTES):
        raise FormatError(f"not a shard of version {_VERSION}")
    cursor = _Cursor(body, len(body) - footer)
    files = tuple(_files(cursor))
    xorbs = tuple(_xorbs(cursor))
    if not footer and cursor.at != len(body):
        raise FormatError("shard has bytes after its last section")
    return Shard(files, xorbs)


def build_answer(xorbs: Iterable[tuple[bytes, ChunkTable]]) -> bytes:
    """An empty file section, the given xorbs with all their chunks, and a footer without look-up tables."""
    parts = [_HEADER.pack(MAGIC, _VERSION, _FOOTER_BYTES), BOOKEND]
    for raw_hash, table in xorbs:
        parts.append(xorb_records(raw_hash, table))
    parts.append(BOOKEND)
    end = sum(map(len, parts))
    xorb_section = RECORD_BYTES * 2
    offsets = (1, RECORD_BYTES, xorb_section, end, 0, end, 0, end, 0)
    parts.append(_FOOTER.pack(*offsets, bytes(32), 0, _NEVER, bytes(48), 0, 0, 0, end))
    return b"".join(parts)


def answer_bytes(table: ChunkTable) -> int:
    return RECORD_BYTES * (1 + len(table))


def xorb_records(raw_hash: bytes, table: ChunkTable, flags: int = 0) -> bytes:
    raw = table.raw
    records = [_RECORD.pack(raw_hash, 0, len(table), raw[-1], 0)]
    records += [_RECORD.pack(table.hash_at(i), raw[i], raw[i + 1] - raw[i], flags, 0) for i in range(len(table))]
    return b"".join(records)


class _Cursor:
    def __init__(self, body: Body, end: int) -> None:
        self.body = body
        self.end = end
        self.at = RECORD_BYTES

    def record(self) -> tuple[bytes, int, int, int, int]:
        self.require(1)
        fields: tuple[bytes, int, int, int, int] = _RECORD.unpack_from(self.body, self.at)
        self.at += RECORD_BYTES
        return fields

    def require(self, records: int) -> None:
        """Before anything is allocated for that many records."""
        if self.at + records * RECORD_BYTES > self.end:
            raise FormatError("shard is cut short, or one of its counts is wrong")

    def at_bookend(self) -> bool:
        self.require(1)
        if self.body[self.at : self.at + RECORD_BYTES] != BOOKEND:
            return False
        self.at += RECORD_BYTES
        return True


def _files(cursor: _Cursor) -> Iterable[FileEntry]:
    while not cursor.at_bookend():
        xet_hash, flags, count, _, _ = cursor.record()
        verified, with_sha = bool(flags & WITH_VERIFICATION), bool(flags & WITH_SHA256)
        cursor.require(count * (2 if verified else 1) + with_sha)
        segments = tuple(_segment(cursor.record()) for _ in range(count))
        # Verification hashes prove that the client knows the chunks. Here every byte is hashed instead.
        cursor.at += RECORD_BYTES * count if verified else 0
        claimed = cursor.record()[0] if with_sha else hashes.ZERO
        if (not segments) != (xet_hash == hashes.ZERO):
            raise FormatError(f"file {hashes.to_text(xet_hash)} and its {len(segments)} segments do not fit")
        # Clients write zeros when they have not computed it, for instance for an empty file.
        yield FileEntry(xet_hash, segments, None if claimed == hashes.ZERO else hashes.permuted(claimed))


def _segment(record: tuple[bytes, int, int, int, int]) -> Segment:
    xorb, _, unpacked, start, end = record
    if not start < end <= MAX_CHUNKS:
        raise FormatError(f"segment names chunks {start}-{end} of xorb {hashes.to_text(xorb)}")
    return Segment(xorb, start, end, unpacked)


def _xorbs(cursor: _Cursor) -> Iterable[XorbEntry]:
    while not cursor.at_bookend():
        raw_hash, _, count, raw_bytes, _ = cursor.record()
        if not 0 < count <= MAX_CHUNKS:
            raise FormatError(f"xorb {hashes.to_text(raw_hash)} with {count} chunks")
        cursor.require(count)
        records = [cursor.record() for _ in range(count)]
        sizes = array("I", [record[2] for record in records])
        if sum(sizes) != raw_bytes:
            raise FormatError(f"xorb {hashes.to_text(raw_hash)}: chunk lengths do not sum up to {raw_bytes}")
        flagged = tuple(index for index, record in enumerate(records) if record[3] & DEDUP_KEY)
        yield XorbEntry(raw_hash, sizes, b"".join([record[0] for record in records]), flagged)
