"""Remembers for a moment what went wrong with the store in a transfer whose client cannot be told."""

from __future__ import annotations

import time
from collections.abc import Callable

from hfver.local_hub.store_errors import StoreError

_SECONDS = 60.0


class Troubles:
    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._latest: tuple[float, StoreError] | None = None

    def note(self, error: StoreError) -> None:
        self._latest = (self._clock(), error)

    def latest(self) -> StoreError | None:
        """None when it was long ago: the disk may have been mended since."""
        if self._latest is None or self._clock() - self._latest[0] > _SECONDS:
            return None
        return self._latest[1]
