"""What each ref was last made to point at, beside git's own refs: what brings them back when the disk loses those.

    <id>.git/hfver-refs    <object id> SP <name of the ref> SP <CRC-32 of the line so far> LF

The last line of a ref counts. It is written before the ref changes: a ref that has another value than its line is the
work of a crash in between, and right; one that is gone or cannot be read is damage. The caller holds the repository's
lock. Standard library only.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from zlib import crc32

from hfver.local_hub.durable import sync, write_file

NAME = "hfver-refs"
_GONE = "0" * 40
_LINE = re.compile(rb"(([0-9a-f]{40}) (refs/[^\0\n ]+)) ([0-9a-f]{8})")


def note_ref(git_dir: Path, name: str, oid: str | None) -> None:
    """``oid`` None: the ref is deleted on purpose."""
    path = git_dir / NAME
    is_new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        start = b"" if _ends_whole(descriptor) else b"\n"
        os.write(descriptor, start + _line(name, oid or _GONE))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        sync(git_dir)


def noted_refs(git_dir: Path) -> dict[str, str]:
    """By name, where each ref was last; none for a repository without a journal."""
    try:
        data = (git_dir / NAME).read_bytes()
    except FileNotFoundError:
        return {}
    found: dict[str, str] = {}
    for line in data.split(b"\n"):
        whole = _LINE.fullmatch(line)
        if whole is not None and int(whole[4], 16) == crc32(whole[1]):
            found[whole[3].decode("utf-8", "surrogateescape")] = whole[2].decode()
    return {name: oid for name, oid in found.items() if oid != _GONE}


def shorten_journal(git_dir: Path) -> None:
    """Keep the last line of each ref that is left."""
    lines = b"".join(_line(name, oid) for name, oid in sorted(noted_refs(git_dir).items()))
    if (git_dir / NAME).exists():
        write_file(git_dir / NAME, lines, temporary=git_dir / f"{NAME}.{secrets.token_hex(4)}")
        sync(git_dir)


def _line(name: str, oid: str) -> bytes:
    said = f"{oid} {name}".encode("utf-8", "surrogateescape")
    return b"%s %08x\n" % (said, crc32(said))


def _ends_whole(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"
