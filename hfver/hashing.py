"""md5 and sha256 of content in one read.

DVC identifies bytes by md5, the Hub by sha256. hashlib releases the interpreter while it works, so for big files the
two run in two threads over the same buffers: the time of the slower one instead of the sum of both.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Literal

# DVC reads in blocks of this size, and its md5-dos2unix depends on where blocks end.
BLOCK = 1 << 20
_TWO_THREADS_FROM = 8 * BLOCK
_LEGACY_PROBE = 512
_TEXT_BYTES = bytes(range(32, 127)) + b"\n\r\t\f\b"

HashName = Literal["md5", "md5-dos2unix"]
Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Digests:
    size: int
    md5: str  # in the way of hash_name: for md5-dos2unix not the md5 of the bytes; "" where it was not asked for
    sha256: str


class Hasher:
    """Digests of bytes given piece by piece; without a ``hash_name`` sha256 alone."""

    def __init__(self, hash_name: HashName | None = "md5") -> None:
        self._is_asked = hash_name is not None
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._size = 0
        self._legacy = hash_name == "md5-dos2unix"
        self._block = bytearray()

    def update(self, data: bytes) -> None:
        self.update_sha256(data)
        if self._is_asked:
            self.update_md5(data)

    def update_sha256(self, data: bytes) -> None:
        self._size += len(data)
        self._sha256.update(data)

    def update_md5(self, data: bytes | memoryview) -> None:
        if not self._legacy:
            self._md5.update(data)
            return
        self._block += data
        while len(self._block) >= BLOCK:
            self._md5.update(as_dvc2_text(bytes(self._block[:BLOCK])))
            del self._block[:BLOCK]

    def digests(self) -> Digests:
        md5 = self._md5.copy()
        if self._block:
            md5.update(as_dvc2_text(bytes(self._block)))
        return Digests(self._size, md5.hexdigest() if self._is_asked else "", self._sha256.hexdigest())


class ThreadedHasher:
    """Like ``Hasher`` for big content: each digest in a thread of its own, beside whoever brings the bytes."""

    def __init__(self, hash_name: HashName | None = "md5") -> None:
        self._hasher = Hasher(hash_name)
        self._work = [self._start(self._hasher.update_sha256)]
        if hash_name is not None:
            self._work.append(self._start(self._hasher.update_md5))

    def __enter__(self) -> ThreadedHasher:
        return self

    def __exit__(self, *_: object) -> None:
        self._finish()

    def update(self, data: bytes) -> None:
        for blocks, _ in self._work:
            blocks.put(data)

    def digests(self) -> Digests:
        """Call it once, when there is no more to come."""
        self._finish()
        return self._hasher.digests()

    def _start(self, update: Callable[[bytes], None]) -> tuple[Queue[bytes | None], threading.Thread]:
        blocks: Queue[bytes | None] = Queue(maxsize=4)

        def work() -> None:
            while (block := blocks.get()) is not None:
                update(block)

        worker = threading.Thread(target=work, name="hash", daemon=True)
        worker.start()
        return blocks, worker

    def _finish(self) -> None:
        for blocks, worker in self._work:
            if worker.is_alive():
                blocks.put(None)
                worker.join()


def hasher_for(size: int | None, hash_name: HashName | None = "md5") -> AbstractContextManager[Hasher | ThreadedHasher]:
    """Threads for what is big enough to be worth them."""
    return nullcontext(Hasher(hash_name)) if (size or 0) < _TWO_THREADS_FROM else ThreadedHasher(hash_name)


def hash_file(
    path: Path, *, hash_name: HashName = "md5", advance: Advance | None = None, chunk: int = BLOCK
) -> Digests:
    """Digests of a file, read ``chunk`` bytes at a time."""
    with path.open("rb", buffering=0) as file, hasher_for(os.fstat(file.fileno()).st_size, hash_name) as hasher:
        while data := file.read(chunk):
            hasher.update(data)
            if advance is not None:
                advance(len(data))
        return hasher.digests()


def md5_of_file(path: Path, *, hash_name: HashName = "md5", advance: Advance | None = None, chunk: int = BLOCK) -> str:
    """Only DVC's digest."""
    hasher = Hasher(hash_name)
    # One buffer for all of it: fresh memory for every block costs a tenth of the time.
    with path.open("rb", buffering=0) as file, memoryview(bytearray(chunk)) as buffer:
        while size := file.readinto(buffer):
            hasher.update_md5(buffer[:size])
            if advance is not None:
                advance(size)
    return hasher.digests().md5


def as_dvc2_text(block: bytes) -> bytes:
    """What DVC before version 3 hashed in place of this block: text lost its carriage returns."""
    probe = block[:_LEGACY_PROBE]
    if b"\0" in probe or len(probe.translate(None, _TEXT_BYTES)) > 0.30 * len(probe):
        return block
    return block.replace(b"\r\n", b"\n")
