"""sha256 of large files, computed while DVC computes md5 of the same ones.

DVC is given a model once, the Hub later: with both digests known, the release has nothing left to hash. Both read a
file at about the same time, so that the disk is read once. What is not done when DVC is done is left: then the release
computes md5 beside the sending.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from hfver.hashing import BLOCK

WORTH_TRACKING = 4 * BLOCK  # smaller files are hashed in no time when they are sent


@dataclass(frozen=True, slots=True)
class Read:
    """A file that was read in full and did not change meanwhile."""

    path: Path
    info: os.stat_result
    sha256: str


class Tracking:
    """Reads files in threads while the ``with`` block runs."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._stopped = threading.Event()
        # Half of the processors: DVC has the others.
        self._pool = ThreadPoolExecutor(max((os.cpu_count() or 1) // 2, 1), thread_name_prefix="track")
        self._reads = [self._pool.submit(self._read, path) for path in paths]

    def __enter__(self) -> Tracking:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self._stopped.set()
        self._pool.shutdown(cancel_futures=True)

    def results(self) -> list[Read]:
        """What was done by the end of the block."""
        found = [read.result() for read in self._reads if read.done() and not read.cancelled()]
        return [read for read in found if read is not None]

    def _read(self, path: Path) -> Read | None:
        hasher = hashlib.sha256()
        try:
            with path.open("rb", buffering=0) as file, memoryview(bytearray(BLOCK)) as buffer:
                before = os.fstat(file.fileno())
                while size := file.readinto(buffer):
                    if self._stopped.is_set():
                        return None
                    hasher.update(buffer[:size])
                after = os.fstat(file.fileno())
        except OSError:  # DVC will say so, in its own words
            return None
        return Read(path, before, hasher.hexdigest()) if identity(before) == identity(after) else None


def identity(info: os.stat_result) -> tuple[int, int, int]:
    """Equal for one unchanged file, as far as DVC can tell."""
    return info.st_ino, info.st_mtime_ns, info.st_size
