"""What an operation cost: time, bytes, rate and memory. Shown at its end, logged, and part of ``--json``."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cost:
    """``peak_memory`` is the most this process ever had; 0 where the system does not tell."""

    operation: str
    seconds: float
    sent_bytes: int
    peak_memory: int

    @property
    def bytes_per_second(self) -> float:
        return self.sent_bytes / self.seconds if self.seconds > 0 else 0.0

    def as_dict(self) -> dict[str, object]:
        return {
            "operation": self.operation,
            "seconds": round(self.seconds, 3),
            "sent_bytes": self.sent_bytes,
            "bytes_per_second": round(self.bytes_per_second),
            "peak_memory_bytes": self.peak_memory,
        }


class Meter:
    """Counts while an operation runs; ``cost`` is there once it is over, also when it failed."""

    def __init__(self, operation: str) -> None:
        self._operation = operation
        self._start = time.monotonic()
        self.sent_bytes = 0
        self.cost: Cost | None = None

    def add(self, sent_bytes: int) -> None:
        self.sent_bytes += sent_bytes

    def stop(self) -> Cost:
        self.cost = Cost(self._operation, time.monotonic() - self._start, self.sent_bytes, peak_memory())
        return self.cost


@contextmanager
def measured(operation: str) -> Iterator[Meter]:
    meter = Meter(operation)
    try:
        yield meter
    finally:
        cost = meter.stop()
        log.info("%s", cost.as_dict())


def peak_memory() -> int:
    """The largest resident size of this process in bytes."""
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
