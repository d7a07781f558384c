"""Placing a cache object in the work tree: the link types of DVC's ``cache.type``, in its order."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal

from hfver.errors import NoSpaceError

LinkType = Literal["reflink", "hardlink", "symlink", "copy"]

_FICLONE = 0x40049409
_COPY_BLOCK = 1 << 24
# What a file system or a kernel says when it cannot make a kind of link, as opposed to being full or read-only.
_UNSUPPORTED = frozenset({
    errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.EPERM, errno.EMLINK, errno.ENOSYS, errno.EACCES,
})  # fmt: skip

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Linker:
    """Tries the wanted types in turn, and remembers which the file system does not have."""

    def __init__(self, types: Sequence[LinkType]) -> None:
        self._types = [*types] if "copy" in types else [*types, "copy"]

    def place(self, source: str, target: str, *, private: bool = False) -> None:
        """Make ``target``, which must not exist. ``private``: as a file of its own, whose mode can be changed."""
        for kind in tuple(self._types):
            if private and kind in {"hardlink", "symlink"}:
                continue
            try:
                _MAKE[kind](source, target)
            except OSError as exc:
                if kind == "copy" or exc.errno not in _UNSUPPORTED:
                    raise _explained(exc, target) from exc
                if exc.errno != errno.EMLINK:  # that one is the limit of one inode, not of the file system
                    with suppress(ValueError):
                        self._types.remove(kind)
            else:
                return


def _reflink(source: str, target: str) -> None:
    made = False
    with open(source, "rb") as old:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            fcntl.ioctl(descriptor, _FICLONE, old.fileno())
            made = True
        finally:
            os.close(descriptor)
            if not made:
                os.unlink(target)


def _hardlink(source: str, target: str) -> None:
    if os.stat(source).st_size == 0:
        # As DVC does: there are many empty files, and an inode can only have so many names.
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        return
    os.link(source, target)


def _symlink(source: str, target: str) -> None:
    os.symlink(source, target)


def _copy(source: str, target: str) -> None:
    old = os.open(source, os.O_RDONLY)
    try:
        new = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            copy_bytes(old, new)
        finally:
            os.close(new)
    finally:
        os.close(old)


def copy_bytes(old: int, new: int) -> None:
    """All that is left of one open file to another, inside the kernel where it can."""
    if hasattr(os, "copy_file_range"):
        try:
            while os.copy_file_range(old, new, _COPY_BLOCK):
                pass
        except OSError as exc:
            if exc.errno not in _UNSUPPORTED:
                raise
            os.lseek(old, 0, os.SEEK_SET)
            os.ftruncate(new, 0)
            os.lseek(new, 0, os.SEEK_SET)
        else:
            return
    while block := os.read(old, _COPY_BLOCK):
        view = memoryview(block)
        while view:
            view = view[os.write(new, view) :]


def _explained(exc: OSError, target: str) -> Exception:
    return no_space(target) if exc.errno in FULL else exc


def no_space(target: str) -> NoSpaceError:
    return NoSpaceError(
        f"no space left for {target}", hints=["df -h .", "make room and run the same command again: it goes on"]
    )


_MAKE: dict[LinkType, Callable[[str, str], None]] = {
    "reflink": _reflink,
    "hardlink": _hardlink,
    "symlink": _symlink,
    "copy": _copy,
}
