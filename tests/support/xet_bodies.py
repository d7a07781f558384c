"""Xorb and shard bodies as a Xet client would upload them, made by other code than what reads them."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import lz4.frame

from hfver.local_hub import hashes

MAGIC = bytes.fromhex("48465265706f4d6574614461746100556967456a7b815783a5bdd95ccdd14aa9")
BOOKEND = b"\xff" * 32 + bytes(16)


@dataclass(frozen=True, slots=True)
class Xorb:
    chunks: tuple[bytes, ...]
    body: bytes

    @property
    def nodes(self) -> list[tuple[bytes, int]]:
        return [(hashes.chunk_hash(chunk), len(chunk)) for chunk in self.chunks]

    @property
    def hash(self) -> bytes:
        return hashes.xorb_hash(self.nodes)


@dataclass(frozen=True, slots=True)
class Run:
    """Chunks [start, end) of a xorb as a piece of a file."""

    xorb: Xorb
    start: int
    end: int

    @property
    def data(self) -> bytes:
        return b"".join(self.xorb.chunks[self.start : self.end])


@dataclass(frozen=True, slots=True)
class File:
    runs: tuple[Run, ...]

    @property
    def data(self) -> bytes:
        return b"".join(run.data for run in self.runs)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def hash(self) -> bytes:
        return hashes.file_hash([node for run in self.runs for node in run.xorb.nodes[run.start : run.end]])


def chunk_bytes(data: bytes, scheme: int = 0) -> bytes:
    payload = data
    if scheme == 2:
        data_by_lane = b"".join(data[lane::4] for lane in range(4))
        payload = lz4.frame.compress(data_by_lane, block_linked=False, store_size=False)
    elif scheme == 1:
        payload = lz4.frame.compress(data, block_linked=False, store_size=False)
    return bytes([0]) + len(payload).to_bytes(3, "little") + bytes([scheme]) + len(data).to_bytes(3, "little") + payload


def make_xorb(chunks: Iterable[bytes], scheme: int = 0) -> Xorb:
    listed = tuple(chunks)
    return Xorb(listed, b"".join(chunk_bytes(chunk, scheme) for chunk in listed))


def whole(xorb: Xorb) -> File:
    return File((Run(xorb, 0, len(xorb.chunks)),))


def shard_body(
    files: Sequence[File], xorbs: Sequence[Xorb], *, sha256: str | None = None, with_sha256: bool = True
) -> bytes:
    """`sha256` replaces the true one of every file."""
    parts = [struct.pack("<32sQQ", MAGIC, 2, 0)]
    for file in files:
        flags = 1 << 31 | (1 << 30 if with_sha256 else 0)
        parts.append(struct.pack("<32sIIQ", file.hash, flags, len(file.runs), 0))
        parts += [struct.pack("<32sIIII", run.xorb.hash, 0, len(run.data), run.start, run.end) for run in file.runs]
        parts += [bytes(48) for _ in file.runs]
        if with_sha256:
            parts.append(hashes.permuted(bytes.fromhex(sha256 or file.sha256)) + bytes(16))
    parts.append(BOOKEND)
    for xorb in xorbs:
        parts.append(struct.pack("<32sIIII", xorb.hash, 0, len(xorb.chunks), sum(map(len, xorb.chunks)), 0))
        offset = 0
        for raw, size in xorb.nodes:
            parts.append(struct.pack("<32sIIII", raw, offset, size, 0, 0))
            offset += size
    parts.append(BOOKEND)
    return b"".join(parts)
