"""Immutable files with a CRC-32 per 64 KiB block, written whole or not at all and checked on every read.

CRC-32 finds every flipped bit and costs a quarter of a second per gigabyte, so no reader has to be trusted with
unchecked bytes: neither the Xet client nor the Hub client would notice a wrong one.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from zlib import crc32

from hfver.local_hub.content_errors import DamagedContentError, MissingContentError
from hfver.local_hub.durable import sync

BLOCK_BYTES = 64 << 10
STEP_BYTES = 1 << 20

Piece = bytes | bytearray | memoryview


class BlockChecks:
    """CRC-32 of each block of a byte stream that arrives in pieces of any size."""

    def __init__(self) -> None:
        self._done = array("I")
        self._running = 0
        self._filled = 0

    def update(self, piece: Piece) -> None:
        view = memoryview(piece)
        while view:
            part = view[: BLOCK_BYTES - self._filled]
            self._running = crc32(part, self._running)
            self._filled += len(part)
            view = view[len(part) :]
            if self._filled == BLOCK_BYTES:
                self._close_block()

    def finish(self) -> bytes:
        if self._filled:
            self._close_block()
        return self._done.tobytes()

    def _close_block(self) -> None:
        self._done.append(self._running)
        self._running = self._filled = 0


class Unpublished(ABC):
    """A temporary file that gets its final name or is discarded."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._file = path.open("x+b", buffering=0)
        self._published = False

    @abstractmethod
    def checks(self) -> bytes:
        """The block checksums of all that was written."""

    def seal(self) -> bytes:
        """Bytes are on disk after this. Returns the block checksums."""
        os.fsync(self._file.fileno())
        self._file.close()
        return self.checks()

    def publish(self, target: Path) -> None:
        make_durable_dir(target.parent)
        self.path.rename(target)
        sync(target.parent)
        self._published = True

    def discard(self) -> None:
        """Does nothing to a published file."""
        self._file.close()
        if not self._published:
            self.path.unlink(missing_ok=True)


class PendingFile(Unpublished):
    """Written from front to back."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._checks = BlockChecks()

    def write(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            self._checks.update(piece)
            write_all(self._file, piece)
            self.size += len(piece)

    def checks(self) -> bytes:
        return self._checks.finish()


@dataclass(frozen=True, slots=True)
class CheckedFile:
    path: Path
    size: int
    checks: bytes

    def is_present(self) -> bool:
        """Cheap: the length is right. Reading checks the bytes."""
        try:
            return self.path.stat().st_size == self.size
        except FileNotFoundError:
            return False

    def read(self, start: int, end: int) -> memoryview:
        with self._opened() as file:
            return self._read(file, start, end)

    def stream(self, start: int, end: int, step: int = STEP_BYTES) -> Iterator[memoryview]:
        with self._opened() as file:
            while start < end:
                stop = min((start // BLOCK_BYTES) * BLOCK_BYTES + step, end)
                yield self._read(file, start, stop)
                start = stop

    def check(self) -> None:
        for _ in self.stream(0, self.size):
            pass

    def _opened(self) -> FileIO:
        try:
            return self.path.open("rb", buffering=0)
        except FileNotFoundError as exc:
            raise MissingContentError(f"stored file is gone: {self.path.name}") from exc
        except IsADirectoryError as exc:
            raise MissingContentError(f"a directory stands where a stored file was: {self.path.name}") from exc

    def _read(self, file: FileIO, start: int, end: int) -> memoryview:
        """Whole blocks around the range are read, checked, and cut to it."""
        if not 0 <= start <= end <= self.size:
            raise ValueError(f"range {start}-{end} lies outside {self.size} bytes")
        first = start // BLOCK_BYTES
        base = first * BLOCK_BYTES
        stop = min(-(-end // BLOCK_BYTES) * BLOCK_BYTES, self.size)
        data = memoryview(os.pread(file.fileno(), stop - base, base))
        if len(data) != stop - base:
            raise DamagedContentError(self.path.name, f"{self.size} bytes expected, the file is shorter")
        expected = array("I", self.checks[first * 4 : -(-stop // BLOCK_BYTES) * 4])
        for index, check in enumerate(expected):
            if crc32(data[index * BLOCK_BYTES : (index + 1) * BLOCK_BYTES]) != check:
                raise DamagedContentError(self.path.name, f"checksum of block {first + index} does not match")
        return data[start - base : end - base]


def write_all(file: FileIO, piece: Piece) -> None:
    view = memoryview(piece)
    while view:
        view = view[file.write(view) :]


def make_durable_dir(directory: Path) -> None:
    if not directory.is_dir():
        directory.mkdir(parents=True, exist_ok=True)
        sync(directory.parent)
