"""Ways to lose or damage what a version is made of."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
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


# -- files of a store --------------------------------------------------------------------------------------------------


def alone(path: Path) -> Path:
    """The file without what SQLite keeps beside it."""
    for side in ("-wal", "-shm"):
        path.with_name(path.name + side).unlink(missing_ok=True)
    return path


def cut_in_half(path: Path) -> None:
    content = alone(path).read_bytes()
    path.chmod(0o644)
    path.write_bytes(content[: len(content) // 2])


def fill_with_noise(path: Path) -> None:
    size = alone(path).stat().st_size
    path.chmod(0o644)
    path.write_bytes(random.Random(3).randbytes(size))


def empty(path: Path) -> None:
    alone(path).write_bytes(b"")


def lose(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        alone(path).unlink()


def make_directory(path: Path) -> None:
    """A directory, with something in it, where a file belongs."""
    alone(path).unlink(missing_ok=True)
    path.mkdir()
    (path / "something").write_text("x")


def make_file(path: Path) -> None:
    """A file where a directory belongs."""
    shutil.rmtree(path, ignore_errors=True)
    path.write_text("x")


def break_pages(path: Path, first: int = 1) -> None:
    """Overwrite the beginning of every page of an SQLite file from this one on."""
    content = bytearray(alone(path).read_bytes())
    for at in range(first * 4096, len(content), 4096):
        content[at : at + 64] = b"\xff" * 64
    path.write_bytes(content)


def change_rows(path: Path, *statements: str) -> None:
    """Change an SQLite file behind its owner's back, against its own rules too."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            db.execute(statement)
