"""What a listing says about a blob: its size, or the size and digest of the content it points to."""

from __future__ import annotations

from dataclasses import dataclass

import pygit2

from hfver.local_hub.git.pointers import LONGEST, Pointer, parse_pointer

MOST_REMEMBERED = 200_000


@dataclass(frozen=True, slots=True)
class BlobFacts:
    size: int
    pointer: Pointer | None


class FactsCache:
    """Remembers by blob id, so an entry can never be out of date. Threads may at worst ask git twice."""

    def __init__(self) -> None:
        self._known: dict[str, BlobFacts] = {}

    def of(self, repo: pygit2.Repository, oid: str) -> BlobFacts:
        facts = self._known.get(oid)
        if facts is None:
            size = int(repo.odb.read_header(oid)[1])
            pointer = parse_pointer(repo.odb.read(oid)[1]) if 0 < size <= LONGEST else None
            facts = BlobFacts(size, pointer)
            if len(self._known) >= MOST_REMEMBERED:
                self._known = {}
            self._known[oid] = facts
        return facts
