"""A file that never ends, for work that has to stop in the middle of one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Endless:
    path: Path
    begun: threading.Event = field(default_factory=threading.Event)  # somebody has read some of it
    left: bool = False  # whoever read it went away


@contextmanager
def endless_file(path: Path) -> Iterator[Endless]:
    """On leaving, waits until its reader has gone."""
    os.mkfifo(path)
    endless = Endless(path)

    def write() -> None:
        with path.open("wb", buffering=0) as pipe:
            for _ in range(10_000):
                try:
                    pipe.write(b"x" * 65536)
                except BrokenPipeError:
                    endless.left = True
                    return
                endless.begun.set()

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    yield endless
    writer.join()
