"""Trying again what the Hub could not do just now."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from hfver.errors import UnreachableError

log = logging.getLogger(__name__)
Result = TypeVar("Result")
LONGEST_PAUSE = 600.0  # seconds; a Hub that asks for more is better asked by the next command


def patiently(
    operation: Callable[[], Result],
    *,
    retries: int,
    delay: float,
    notify: Callable[[str], None] = lambda _message: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Result:
    """Run ``operation``, up to ``retries`` more times while it raises UnreachableError.

    Pauses start at ``delay`` seconds and double; a Retry-After the Hub sent is honoured instead. When the Hub asks for
    a longer pause than LONGEST_PAUSE the error is raised at once: what is owed is kept.
    """
    for attempt in range(retries + 1):
        try:
            return operation()
        except UnreachableError as error:
            pause = error.retry_after if error.retry_after is not None else delay * 2**attempt
            if attempt == retries or pause > LONGEST_PAUSE:
                raise
            log.info("attempt %d failed: %s", attempt + 1, error)
            notify(f"{error.message}; trying again in {pause:.0f} s ({attempt + 1} of {retries})")
            sleep(pause)
    raise AssertionError("the loop returns or raises")
