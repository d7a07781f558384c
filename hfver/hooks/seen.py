"""Which values of which tags this clone knows already: there at install time, arrived from elsewhere, or released.

git replays old tags (`git gc` and `git pack-refs` report every loose tag as if it were new), so a tag that is known
here at this very object is never news. One line per fact, only ever appended:

    <oid> SP <ref> SP <how> LF

The last word is what makes a line whole: a line cut off by a crash ends in something else and counts for nothing. The
sh hooks append here as well. Standard library only.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

How = Literal["existing", "arrived", "released"]
_HOWS = frozenset({b"existing", b"arrived", b"released"})


class SeenRefs:
    def __init__(self, common_dir: Path) -> None:
        self.path = common_dir / "hfver" / "seen"

    def add(self, pairs: Iterable[tuple[str, str]], how: How) -> None:
        """Remember (ref, oid) pairs. Appended in one write, so that processes do not cut into each other's lines."""
        lines = b"".join(b"%s %s %s\n" % (os.fsencode(oid), os.fsencode(ref), how.encode()) for ref, oid in pairs)
        if not lines:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, (b"" if _ends_whole(descriptor) else b"\n") + lines)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def has(self, ref: str, oid: str) -> bool:
        return (ref, oid) in self.pairs()

    def pairs(self, how: How | None = None) -> set[tuple[str, str]]:
        """All known (ref, oid) pairs, or those known in one way."""
        return {(ref, oid) for ref, oid, known in self._lines() if how is None or known == how}

    def released(self, ref: str) -> set[str]:
        """The objects at which ``ref`` was released from this clone: more than one means that the tag moved."""
        return {oid for known_ref, oid, how in self._lines() if known_ref == ref and how == "released"}

    def _lines(self) -> Iterable[tuple[str, str, str]]:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return
        for line in data.split(b"\n"):
            match line.split(b" "):
                case [oid, ref, how] if how in _HOWS and oid and ref.startswith(b"refs/"):
                    yield os.fsdecode(ref), os.fsdecode(oid), how.decode()


def _ends_whole(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    if size == 0:
        return True
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) == b"\n"
