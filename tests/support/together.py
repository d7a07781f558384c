"""Doing things at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable


def together(*actions: Callable[[], object]) -> list[object]:
    """Run actions at the same moment; results or errors in order."""
    barrier = threading.Barrier(len(actions))
    results: list[object] = [None] * len(actions)

    def run(index: int, action: Callable[[], object]) -> None:
        barrier.wait()
        try:
            results[index] = action()
        except Exception as error:  # a thread's error is nobody's unless it is kept
            results[index] = error

    threads = [threading.Thread(target=run, args=(index, action)) for index, action in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
