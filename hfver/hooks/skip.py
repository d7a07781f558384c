"""git commands that hfver runs itself need none of its hooks: it knows already what they would find out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def skipping_hooks() -> Iterator[None]:
    """Git commands in this block run without hfver's own hooks; those of others run."""
    before = os.environ.get("HFVER_SKIP")
    os.environ["HFVER_SKIP"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["HFVER_SKIP"]
        else:
            os.environ["HFVER_SKIP"] = before
