"""Ways to lose or damage what a version is made of."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path


def objects(store: Path) -> Iterator[Path]:
    """Objects of a DVC cache or remote, without directory objects."""
    yield from (path for path in sorted((store / "files").rglob("*")) if path.is_file() and path.suffix != ".dir")


def wipe(store: Path) -> None:
    shutil.rmtree(store / "files", ignore_errors=True)


def flip_a_bit(path: Path) -> None:
    """Change one bit of a file and keep its size, its mode and its name."""
    mode = path.stat().st_mode
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(mode)


def flip_a_bit_in(store: Path, content: bytes) -> None:
    """Damage the object that holds this content."""
    victims = [path for path in objects(store) if path.read_bytes() == content]
    assert len(victims) == 1
    flip_a_bit(victims[0])
