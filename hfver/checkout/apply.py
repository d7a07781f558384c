"""Changing the work tree: the one place that does.

Everything to be written is in the cache and verified, everything that goes is in the cache too. Each file appears by a
rename, so it is the old or the new one at any moment, and a killed run is finished by the next. No link is followed on
the way to any of them (``hfver.beneath``), whatever was found there before.
"""

from __future__ import annotations

import errno
import itertools
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hfver.beneath import Beneath, FileOnTheWayError, LinkOnTheWayError
from hfver.checkout.compare import Comparison, Present, Write
from hfver.checkout.links import FULL, Linker, no_space
from hfver.checkout.scan import is_same
from hfver.errors import StateError

_BATCH = 256
_THREADS = 4

ObjectName = Callable[[str], str]  # md5 -> path of the cache object


@dataclass(frozen=True, slots=True)
class Applied:
    """A file that was written, and how it stands there now."""

    place: str
    md5: str
    info: os.stat_result


def apply(
    comparison: Comparison,
    anchor: str,
    object_name: ObjectName,
    linker: Linker,
    staging: Path,
    advance: Callable[[int], None],
) -> tuple[Applied, ...]:
    """``anchor`` is the directory above which paths are the user's own; ``staging`` an empty directory on the file
    system of the work tree, for files on their way in.

    LinkOnTheWayError when a link stands on the way, StateError when a file changed since it was looked at.
    """
    change = _Change(comparison, anchor)
    try:
        with Beneath(anchor) as below:
            for leftover in comparison.leftovers:
                below.unlink(change.path(leftover))
            early = _in_the_way(comparison)
            _clear_the_way(change, below, early)
            _make_directories(change, below)
        applied = _write_all(change, object_name, linker, staging, advance)
        with Beneath(anchor) as below:
            _remove(change, below, (item for item in comparison.remove if item.path not in early))
            for directory in comparison.empty_directories:
                # Gone already or a file by now, or something new came in: then it is not empty and stays.
                with suppress(OSError, FileOnTheWayError, LinkOnTheWayError):
                    below.rmdir(change.path(directory))
    except OSError as exc:
        if exc.errno in FULL:
            raise no_space(comparison.root) from exc
        named = f" ({exc.filename})" if exc.filename else ""
        raise StateError(f"{comparison.root} cannot be changed: {exc.strerror}{named}", hints=["run it again"]) from exc
    return applied


@dataclass(frozen=True, slots=True)
class _Change:
    """A comparison, with its paths as they are called from the anchor."""

    comparison: Comparison
    anchor: str
    root: str = field(init=False)

    def __post_init__(self) -> None:
        relative = os.path.relpath(self.comparison.root, self.anchor)
        object.__setattr__(self, "root", "" if relative == "." else relative)

    def path(self, path: str) -> str:
        return f"{self.root}/{path}" if self.root and path else self.root or path


def _write_all(
    change: _Change, object_name: ObjectName, linker: Linker, staging: Path, advance: Callable[[int], None]
) -> tuple[Applied, ...]:
    names = itertools.count()
    executable = 0o111 & ~current_umask()

    def run(batch: Sequence[Write]) -> list[Applied]:
        done = []
        with Beneath(change.anchor) as below:
            for write in batch:
                temporary = f"{staging}/{next(names)}"
                done.append(_write_one(change, below, write, object_name, linker, temporary, executable))
        advance(len(batch))
        return done

    writes = change.comparison.write
    count = max(1, min(_BATCH, len(writes) // _THREADS))
    batches = [writes[at : at + count] for at in range(0, len(writes), count)]
    if len(batches) < 2:
        return tuple(run(writes)) if writes else ()
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="checkout") as pool:
        return tuple(item for done in pool.map(run, batches) for item in done)


def _write_one(
    change: _Change,
    below: Beneath,
    write: Write,
    object_name: ObjectName,
    linker: Linker,
    temporary: str,
    executable: int,
) -> Applied:
    place, path = change.comparison.place(write.path), change.path(write.path)
    source = object_name(write.file.md5)
    try:
        linker.place(source, temporary, private=write.file.isexec)
        if write.file.isexec:
            mode = stat.S_IMODE(os.stat(temporary).st_mode)
            os.chmod(temporary, mode | executable)
        _refuse_surprise(place, below.lstat(path), write.replaces)
        _move(temporary, below, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
    return Applied(place, write.file.md5, below.stat(path))


def _refuse_surprise(place: str, now: os.stat_result | None, replaces: Present | None) -> None:
    """What was not there, or not like this, when we looked has been made since: it is somebody's work."""
    untouched = is_same(now, replaces.found) if replaces else now is None
    if not untouched:
        raise StateError(f"{place} changed while it was checked out; it is left as it is", hints=["run it again"])


def _move(temporary: str, below: Beneath, path: str) -> None:
    try:
        below.replace(temporary, path)
    except OSError as exc:
        if exc.errno != errno.EXDEV:  # the output lies on another file system than .dvc
            raise
        below.copy(temporary, path)


def _in_the_way(comparison: Comparison) -> frozenset[str]:
    """Surplus files that stand where a directory has to come, or below what has to become a file."""
    targets = {write.path for write in comparison.write}
    if "" in targets:
        return frozenset(item.path for item in comparison.remove)
    parents = {"", *(parent for path in targets for parent in _parents(path))}
    return frozenset(
        item.path for item in comparison.remove if item.path in parents or targets.intersection(_parents(item.path))
    )


def _clear_the_way(change: _Change, below: Beneath, early: Collection[str]) -> None:
    comparison = change.comparison
    _remove(change, below, (item for item in comparison.remove if item.path in early))
    for path in comparison.odd:
        below.unlink(change.path(path))
    targets = {write.path for write in comparison.write}
    for directory in comparison.empty_directories:
        if "" in targets or directory in targets or targets.intersection(_parents(directory)):
            try:
                below.rmdir(change.path(directory))
            except OSError as exc:
                raise StateError(f"{comparison.place(directory)} has to become a file: {exc.strerror}") from exc


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _make_directories(change: _Change, below: Beneath) -> None:
    needed = {change.path(write.path).rpartition("/")[0] for write in change.comparison.write}
    for directory in sorted(needed):
        below.make_directories(directory)


def _remove(change: _Change, below: Beneath, items: Iterable[Present]) -> None:
    for item in items:
        path = change.path(item.path)
        now = below.lstat(path)
        if now is None:
            continue
        if not is_same(now, item.found):
            raise StateError(
                f"{change.comparison.place(item.path)} changed while it was checked out; it is left as it is",
                hints=["run it again"],
            )
        below.unlink(path)


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
