"""The keyed BLAKE3 trees of the Xet formats, and the permuted text form of their hashes."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from blake3 import blake3

from hfver.local_hub.content_errors import FormatError

HASH_BYTES = 32
ZERO = bytes(HASH_BYTES)

_DATA_KEY = bytes.fromhex("6697f5775b9550de3135cbaca597181c9de421109beb2b58b4d0b04b93adf229")
_NODE_KEY = bytes.fromhex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f")
_TEXT = re.compile(r"[0-9a-f]{64}")
_GROUPS = struct.Struct("<4Q")
_MAX_GROUP = 9

Node = tuple[bytes, int]


def to_text(raw: bytes) -> str:
    """Each 8-byte group as a little-endian number in hex: the form used in URLs and JSON."""
    return "{:016x}{:016x}{:016x}{:016x}".format(*_GROUPS.unpack(raw))


def from_text(text: str) -> bytes:
    if not _TEXT.fullmatch(text):
        raise FormatError(f"not a hash (64 lower-case hex digits): {text[:80]!r}")
    return permuted(bytes.fromhex(text))


def permuted(raw: bytes) -> bytes:
    """Reverse each 8-byte group; its own inverse. Shards keep SHA-256 digests in this order."""
    return raw[7::-1] + raw[15:7:-1] + raw[23:15:-1] + raw[31:23:-1]


def chunk_hash(data: bytes | bytearray | memoryview) -> bytes:
    return blake3(data, key=_DATA_KEY).digest()


def is_dedup_key(raw: bytes) -> bool:
    """Clients ask for chunks whose last 64-bit group is divisible by 1,024."""
    return raw[24] == 0 and raw[25] & 3 == 0


def xorb_hash(nodes: Iterable[Node]) -> bytes:
    """Merge (hash, size) entries group by group until one is left."""
    level = list(islice(entries := iter(nodes), 2))
    if not level:
        return ZERO
    merging: Iterable[Node] = chain(level, entries)
    while len(level) > 1:
        level = list(_merged(merging))
        merging = level
    return level[0][0]


def file_hash(nodes: Iterable[Node]) -> bytes:
    """Takes any iterable once: the chunk list of a very large file never has to exist."""
    top = xorb_hash(nodes)
    return ZERO if top == ZERO else blake3(top, key=ZERO).digest()


def _merged(nodes: Iterable[Node]) -> Iterator[Node]:
    entries = iter(nodes)
    waiting = list(islice(entries, _MAX_GROUP))
    while waiting:
        size = _group_size(waiting)
        text = "".join([f"{to_text(raw)} : {length}\n" for raw, length in waiting[:size]])
        yield blake3(text.encode(), key=_NODE_KEY).digest(), sum([length for _, length in waiting[:size]])
        waiting = waiting[size:]
        waiting += islice(entries, size)


def _group_size(waiting: list[Node]) -> int:
    """A group ends with the first entry, from its third on, whose hash is divisible by 4, or with its ninth."""
    for at in range(2, len(waiting)):
        if waiting[at][0][24] & 3 == 0:
            return at + 1
    return len(waiting)
