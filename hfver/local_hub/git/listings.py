"""Flattened trees, remembered: a listing in pages walks the tree once, not once a page."""

from __future__ import annotations

import threading
from collections import OrderedDict

from hfver.local_hub.git.repository import Entry, GitRepository

MOST_ENTRIES = 200_000

_Key = tuple[str, str, bool]


class Listings:
    """Keyed by tree id, so never out of date. The least recently used go when there are too many entries."""

    def __init__(self) -> None:
        self._known: OrderedDict[_Key, tuple[Entry, ...]] = OrderedDict()
        self._mutex = threading.Lock()

    def entries(self, git: GitRepository, tree: str, prefix: str, *, recursive: bool) -> tuple[Entry, ...]:
        key = (tree, prefix, recursive)
        with self._mutex:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
                return known
        entries = tuple(git.entries(tree, prefix=prefix, recursive=recursive))
        with self._mutex:
            self._known[key] = entries
            while len(self._known) > 1 and sum(map(len, self._known.values())) > MOST_ENTRIES:
                self._known.popitem(last=False)
        return entries
