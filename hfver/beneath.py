"""Files below a directory, reached without following a link.

A path that was looked at can lead elsewhere by the time it is written: a link made in between, by a build that runs or
by a hook, sends the write wherever its maker wants. So each directory on the way is opened from the one above it, links
refused (openat(2) with O_NOFOLLOW), and what is changed is named relative to the last one.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from hfver.checkout.links import copy_bytes
from hfver.checkout.scan import TEMPORARY_PREFIX
from hfver.errors import RefusedError, StateError
from hfver.leftovers import SUFFIX, own_name, sweep_once

# O_PATH needs no right to list a directory; systems without it open the directory for reading.
_STEP = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class LinkOnTheWayError(RefusedError):
    """A link stands where a directory or a file of a version would be reached through it."""

    def __init__(self, anchor: str, path: str) -> None:
        place = f"{anchor}/{path}"
        try:
            target = str(Path(place).readlink())
        except OSError:  # gone again
            target = "elsewhere"
        super().__init__(
            f"{place} is a link (to {target}): nothing is written through it",
            hints=[f"put a real directory in its place: rm '{place}'"],
        )


class FileOnTheWayError(StateError):
    """A file stands where a directory has to be."""


class Beneath:
    """Operations on paths relative to ``anchor`` (``/`` between their parts), whose own path is taken as it is.

    Keeps the directories of the last path open, so that paths in order cost one step each. Not for several threads;
    open one for each. LinkOnTheWayError for a link on the way to a path, StateError for a file on the way.
    """

    def __init__(self, anchor: str) -> None:
        self.anchor = anchor
        try:
            self._open = [os.open(anchor, _STEP & ~os.O_NOFOLLOW)]
        except OSError as exc:
            raise StateError(f"{anchor} cannot be entered: {exc.strerror}") from exc
        self._names: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        while self._open:
            os.close(self._open.pop())

    # -- looking --------------------------------------------------------------------------------------------------

    def lstat(self, path: str) -> os.stat_result | None:
        """What stands there, itself; None when nothing does."""
        try:
            descriptor, name = self._parent(path)
            return os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except (FileNotFoundError, FileOnTheWayError):
            return None

    def stat(self, path: str) -> os.stat_result:
        """What stands there; of a link of DVC's into its cache, what that leads to."""
        descriptor, name = self._parent(path)
        return os.stat(name, dir_fd=descriptor)

    # -- changing -------------------------------------------------------------------------------------------------

    def make_directories(self, path: str) -> None:
        """The directory and those above it, where they are missing."""
        self._directory(path.split("/") if path else [], create=True)

    def replace(self, source: str, path: str) -> None:
        """Move a file to its place, over what stands there; ``source`` is a path of any kind."""
        descriptor, name = self._parent(path)
        os.replace(source, name, dst_dir_fd=descriptor)

    def copy(self, source: str, path: str) -> None:
        """Put a copy of a file in its place, whole or not at all: for what stands on another file system."""
        old = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
        try:
            with self._fresh(path, f"{TEMPORARY_PREFIX}{secrets.token_hex(6)}") as new:
                copy_bytes(old, new)
                os.fchmod(new, stat.S_IMODE(os.fstat(old).st_mode))
        finally:
            os.close(old)

    def write(self, path: str, data: bytes) -> None:
        """Replace a file by these bytes: a reader, now or after a power cut, sees all of the old or all of the new."""
        parent, _, name = f"{self.anchor}/{path}".rpartition("/")
        sweep_once(parent)
        with self._fresh(path, own_name(f".{name[:32]}.", SUFFIX)) as new:
            view = memoryview(data)
            while view:
                view = view[os.write(new, view) :]
            os.fsync(new)

    def unlink(self, path: str) -> None:
        descriptor, name = self._parent(path)
        os.unlink(name, dir_fd=descriptor)

    def rmdir(self, path: str) -> None:
        descriptor, name = self._parent(path)
        os.rmdir(name, dir_fd=descriptor)

    @contextmanager
    def _fresh(self, path: str, temporary: str) -> Iterator[int]:
        """A new file for writing, beside ``path``, whose place it takes when the block ends well."""
        directory, name = self._parent(path)
        new = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=directory)
        try:
            yield new
            os.replace(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=directory)
            raise
        finally:
            os.close(new)

    # -- the way there --------------------------------------------------------------------------------------------

    def _parent(self, path: str) -> tuple[int, str]:
        """The open directory that holds the path, and the path's name in it."""
        parent, _, name = path.rpartition("/")
        return self._directory(parent.split("/") if parent else [], create=False), name

    def _directory(self, names: Sequence[str], *, create: bool) -> int:
        same = 0
        for one, other in zip(names, self._names, strict=False):
            if one != other:
                break
            same += 1
        while len(self._names) > same:
            self._names.pop()
            os.close(self._open.pop())
        for at in range(same, len(names)):
            self._open.append(self._step(names, at, create=create))
            self._names.append(names[at])
        return self._open[-1]

    def _step(self, names: Sequence[str], at: int, *, create: bool) -> int:
        above, name = self._open[-1], names[at]
        if create:
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=above)
        try:
            return os.open(name, _STEP, dir_fd=above)
        except OSError as exc:
            if exc.errno not in {errno.ENOTDIR, errno.ELOOP}:
                raise
            path = "/".join(names[: at + 1])
            if stat.S_ISLNK(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode):
                raise LinkOnTheWayError(self.anchor, path) from exc
            raise FileOnTheWayError(f"{self.anchor}/{path} is a file where a directory has to be") from exc


def refuse_links(anchor: Path, place: Path, *, at_the_end: bool) -> None:
    """LinkOnTheWayError when a link stands on the way from ``anchor`` to ``place`` or, ``at_the_end``, at its end.

    What is missing is no link. Both are absolute; ``place`` is at or below ``anchor`` as it is written.
    """
    path = place.relative_to(anchor).as_posix()
    if path == ".":
        return
    with Beneath(str(anchor)) as below:
        found = below.lstat(path)
    if at_the_end and found is not None and stat.S_ISLNK(found.st_mode):
        raise LinkOnTheWayError(str(anchor), path)
