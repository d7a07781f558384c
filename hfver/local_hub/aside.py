"""Where damaged files of the store go: out of the way, and kept for whoever wants to know what happened to the disk."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

FOLDER = "damaged"


def set_aside(root: Path, path: Path, name: str | None = None) -> Path:
    """Move a file or a directory of the store at ``root`` away, and say where it is now."""
    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    wanted = name or path.name
    names = itertools.chain((wanted,), (f"{wanted}.{number}" for number in itertools.count(2)))
    target = next(place for place in (folder / each for each in names) if not os.path.lexists(place))
    path.rename(target)
    return target
