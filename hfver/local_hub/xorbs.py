"""Xorbs: chunks back to back, up to 64 MiB of data. Reading one proves its hash."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from hfver.local_hub import hashes
from hfver.local_hub.chunks import HEADER_BYTES, MAX_PACKED, Buffer, decode, parse_header
from hfver.local_hub.content_errors import FormatError
from hfver.local_hub.hashes import Node

MAX_CHUNKS = 8_192
MAX_RAW_BYTES = 64 << 20
MAX_BODY_BYTES = MAX_RAW_BYTES + HEADER_BYTES * MAX_CHUNKS

_WINDOW = 4 << 20


@dataclass(frozen=True, slots=True)
class ChunkTable:
    """Where chunk i lies: bytes [offsets[i], offsets[i+1]) in the file, [raw[i], raw[i+1]) of the data."""

    offsets: array[int]
    raw: array[int]
    hashes: bytes

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def hash_at(self, index: int) -> bytes:
        return self.hashes[index * hashes.HASH_BYTES : (index + 1) * hashes.HASH_BYTES]

    def nodes(self, start: int = 0, end: int | None = None) -> list[Node]:
        stop = len(self) if end is None else end
        return [(self.hash_at(i), self.raw[i + 1] - self.raw[i]) for i in range(start, stop)]

    def xorb_hash(self) -> bytes:
        return hashes.xorb_hash(self.nodes())


def scan(body: BinaryIO) -> ChunkTable:
    """Walk, unpack and hash every chunk of an uploaded body; raise FormatError at the first thing wrong."""
    offsets, raw = array("I", [0]), array("I", [0])
    digests = bytearray()
    for at, data in _chunks(body):
        if raw[-1] + len(data) > MAX_RAW_BYTES or len(offsets) > MAX_CHUNKS:
            raise FormatError(f"xorb holds more than {MAX_CHUNKS} chunks or {MAX_RAW_BYTES} bytes")
        digests += hashes.chunk_hash(data)
        offsets.append(at)
        raw.append(raw[-1] + len(data))
    if len(offsets) == 1:
        raise FormatError("xorb has no chunks")
    return ChunkTable(offsets, raw, bytes(digests))


def _chunks(body: BinaryIO) -> Iterator[tuple[int, Buffer]]:
    """(end offset in the body, data) of each chunk, holding one window of the body in memory."""
    window, position, consumed = memoryview(b""), 0, 0
    while True:
        if len(window) - position < HEADER_BYTES + MAX_PACKED:
            rest = bytes(window[position:])
            consumed += position
            window, position = memoryview(rest + body.read(_WINDOW)), 0
            if not window:
                return
        scheme, packed, unpacked = parse_header(window, position)
        start, end = position + HEADER_BYTES, position + HEADER_BYTES + packed
        if end > len(window):
            raise FormatError("last chunk of the xorb is cut short")
        yield consumed + end, decode(scheme, window[start:end], unpacked)
        position = end
        if consumed + position > MAX_BODY_BYTES:
            raise FormatError(f"xorb is longer than {MAX_BODY_BYTES} bytes")
