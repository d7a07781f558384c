"""Checks in the background that bytes are what DVC recorded, while the same bytes are being sent.

md5 of big content is all that is computed here: the client hashes what it sends by sha256 anyway. That both saw the
same bytes is told by the file's identity (inode, size, time of change), as DVC tells whether a file has changed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path
from types import TracebackType

from hfver.hashing import BLOCK, Advance, Digests, Hasher, HashName, hash_file, md5_of_file
from hfver.reporting import SILENT_PROGRESS, Progress, Reporter

_Identity = tuple[int, int, int]


class ChangedError(Exception):
    """Bytes changed between being checked and being sent."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a read found; ``sha256`` is None where that was left to the client."""

    md5: str
    sha256: str | None


class Checking:
    """Sources by the md5 they should have, each read once in a thread.

    As a context manager it has begun when it is entered and has ended when it is left, done or not.
    """

    def __init__(
        self,
        sources: Mapping[str, Path | bytes],
        reporter: Reporter,
        *,
        hash_name: HashName = "md5",
        chunk: int = BLOCK,
    ) -> None:
        self._sources, self._reporter, self._hash_name, self._chunk = sources, reporter, hash_name, chunk
        self._before = {md5: _identity(source) for md5, source in sources.items()}
        self._left = sum(size for _, size, _ in self._before.values())  # bytes not read yet
        self._bar: Progress = SILENT_PROGRESS
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        # Half of the processors: the others send.
        self._pool = ThreadPoolExecutor(max((cpu_count() or 1) // 2, 1), thread_name_prefix="check")
        self._reads = {md5: self._pool.submit(self._check, source) for md5, source in sources.items()}

    def __enter__(self) -> Checking:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self._stopped.set()
        self._pool.shutdown(cancel_futures=True)

    def results(self) -> dict[str, Checked]:
        """Wait for all of it, with a bar for what is left."""
        if not self._left:
            return {md5: read.result() for md5, read in self._reads.items()}
        with self._reporter.progress("Checking", self._left) as bar:
            self._bar = bar
            return {md5: read.result() for md5, read in self._reads.items()}

    def sha256(self, md5: str, sent: Iterable[str]) -> str:
        """The one sha256 of a content, given those the client has of what it sent.

        Reads the source once more when nobody computed one. ChangedError when there is more than one, or when the
        source is not the file any more that was checked.
        """
        source, checked = self._sources[md5], self._reads[md5].result()
        known = {*sent, *([checked.sha256] if checked.sha256 else [])}
        if not known:
            digests = _digests(source, self._hash_name)
            if digests.md5 != checked.md5:
                raise ChangedError
            known = {digests.sha256}
        if len(known) > 1 or _identity(source) != self._before[md5]:
            raise ChangedError
        return known.pop()

    def _check(self, source: Path | bytes) -> Checked:
        if isinstance(source, bytes) or source.stat().st_size <= BLOCK:
            digests = _digests(source, self._hash_name, self._advance)
            return Checked(digests.md5, digests.sha256)
        md5 = md5_of_file(source, hash_name=self._hash_name, advance=self._advance, chunk=self._chunk)
        return Checked(md5, sha256=None)

    def _advance(self, size: int) -> None:
        if self._stopped.is_set():
            raise CancelledError
        with self._lock:
            self._left -= size
        self._bar.advance(size)


def _digests(source: Path | bytes, hash_name: HashName, advance: Advance | None = None) -> Digests:
    if isinstance(source, Path):
        return hash_file(source, hash_name=hash_name, advance=advance)
    hasher = Hasher(hash_name)
    hasher.update(source)
    if advance is not None:
        advance(len(source))
    return hasher.digests()


def _identity(source: Path | bytes) -> _Identity:
    if isinstance(source, bytes):
        return 0, len(source), 0
    status = source.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
