"""Uploads in parts that may arrive in any order, more than once, or never: each writes its place in one file."""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from hfver.local_hub.checked_files import BLOCK_BYTES, STEP_BYTES, BlockChecks, Piece, Unpublished
from hfver.local_hub.content_errors import FormatError, MissingContentError

_IDLE_SECONDS = 3600.0
_PROMISE_SECONDS = 24 * 3600.0

WriteAt = Callable[[Piece, int], None]


class PartedFile(Unpublished):
    """Parts that come in order are hashed as they come; the rest is read again in the end."""

    def __init__(self, path: Path, size: int, part_bytes: int) -> None:
        if part_bytes % BLOCK_BYTES:
            raise ValueError(f"parts must be whole blocks of {BLOCK_BYTES} bytes")
        super().__init__(path)
        self.size = size
        self.used_at = time.monotonic()
        self._part_bytes = part_bytes
        self._count = -(-size // part_bytes)
        self._part_checks: dict[int, bytes] = {}
        self._digest = hashlib.sha256()
        self._digested = 0
        self._lock = threading.Lock()
        self._io = threading.Lock()
        # Held while the parts are made a file: the client may ask for that again before the first answer is there.
        self.completing = threading.Lock()

    def part(self, number: int) -> Part:
        """Numbers start at 1."""
        if not 1 <= number <= self._count:
            raise FormatError(f"there is no part {number}, only {self._count}")
        self.used_at = time.monotonic()
        start = (number - 1) * self._part_bytes
        with self._lock:
            self._part_checks.pop(number, None)
            if number <= self._digested:
                self._digest, self._digested = hashlib.sha256(), 0
            digest = self._digest.copy() if number == self._digested + 1 else None
        return Part(self._write_at, number, start, min(self._part_bytes, self.size - start), digest)

    def accept(self, part: Part) -> None:
        checks = part.finish()
        with self._lock:
            self._part_checks[part.number] = checks
            if part.digest is not None and part.number == self._digested + 1:
                self._digest, self._digested = part.digest, part.number

    def _write_at(self, piece: Piece, at: int) -> None:
        """A part that is sent twice may still be arriving when the upload has ended. By then its file is closed and
        the number of its handle may be that of another file, or the file has its name and must not change any more."""
        with self._io:
            if self._file.closed:
                raise MissingContentError("this upload has ended")
            self.used_at = time.monotonic()
            view = memoryview(piece)
            while view:
                written = os.pwrite(self._file.fileno(), view, at)
                at += written
                view = view[written:]

    def seal(self) -> bytes:
        with self._io:
            return super().seal()

    def discard(self) -> None:
        with self._io:
            super().discard()

    def sha256(self) -> bytes:
        missing = [number for number in range(1, self._count + 1) if number not in self._part_checks]
        if missing:
            raise FormatError(f"part {missing[0]} of {self._count} has not arrived")
        at = self._digested * self._part_bytes
        while at < self.size:
            block = os.pread(self._file.fileno(), min(STEP_BYTES, self.size - at), at)
            self._digest.update(block)
            at += len(block)
        return self._digest.digest()

    def checks(self) -> bytes:
        return b"".join(self._part_checks[number] for number in range(1, self._count + 1))


class Part:
    def __init__(self, write_at: WriteAt, number: int, start: int, size: int, digest: hashlib._Hash | None) -> None:
        self.number = number
        self.size = size
        self.digest = digest
        self._write_at = write_at
        self._at = start
        self._end = start + size
        self._checks = BlockChecks()

    def write(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            if self._at + len(piece) > self._end:
                raise FormatError(f"part {self.number} is longer than {self.size} bytes")
            self._checks.update(piece)
            if self.digest is not None:
                self.digest.update(piece)
            self._write_at(piece, self._at)
            self._at += len(piece)

    def finish(self) -> bytes:
        if self._at != self._end:
            raise FormatError(f"part {self.number} is {self._end - self._at} bytes too short")
        return self._checks.finish()


@dataclass(frozen=True, slots=True)
class _Promise:
    sha256: str
    size: int
    part_bytes: int
    made_at: float


class MultipartUploads:
    """Those this process has promised to take. They end with it: their addresses name its port anyway."""

    def __init__(self, new_path: Callable[[], Path]) -> None:
        self._new_path = new_path
        self._promised: dict[str, _Promise] = {}
        self._started: dict[str, PartedFile] = {}
        self._lock = threading.Lock()

    def promise(self, sha256: str, size: int, part_bytes: int) -> str:
        """The id of a new upload. Nothing is on disk before its first part."""
        upload = secrets.token_urlsafe(16)
        with self._lock:
            self._promised[upload] = _Promise(sha256, size, part_bytes, time.monotonic())
            idle = [old for old, file in self._started.items() if file.used_at < time.monotonic() - _IDLE_SECONDS]
            waiting = ((old, promise.made_at) for old, promise in self._promised.items() if old not in self._started)
            idle += [old for old, made_at in waiting if made_at < time.monotonic() - _PROMISE_SECONDS]
        for old in idle:
            self.end(old)
        return upload

    def sha256_of(self, upload: str) -> str | None:
        with self._lock:
            promised = self._promised.get(upload)
        return promised.sha256 if promised else None

    def file(self, upload: str) -> PartedFile:
        with self._lock:
            promise = self._promised.get(upload)
            if promise is None:
                raise MissingContentError("this upload is not known, or was given up for an hour of silence")
            if upload not in self._started:
                self._started[upload] = PartedFile(self._new_path(), promise.size, promise.part_bytes)
            return self._started[upload]

    def end(self, upload: str) -> None:
        with self._lock:
            self._promised.pop(upload, None)
            file = self._started.pop(upload, None)
        if file is not None:
            file.discard()

    def close(self) -> None:
        with self._lock:
            unfinished = [*self._promised]
        for upload in unfinished:
            self.end(upload)
