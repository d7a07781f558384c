"""Changing the work tree: the one place that does.

Everything to be written is in the cache and verified, everything that goes is in the cache too. Each file appears by a
rename, so it is the old or the new one at any moment, and a killed run is finished by the next.
"""

from __future__ import annotations

import errno
import itertools
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hfver.checkout.compare import Comparison, Present, Write
from hfver.checkout.links import Linker
from hfver.checkout.scan import TEMPORARY_PREFIX, unchanged_since
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
    comparison: Comparison, object_name: ObjectName, linker: Linker, staging: Path, advance: Callable[[int], None]
) -> tuple[Applied, ...]:
    """``staging`` is an empty directory on the file system of the work tree, for files on their way in."""
    for leftover in comparison.leftovers:
        os.unlink(comparison.place(leftover))
    early = _in_the_way(comparison)
    _clear_the_way(comparison, early)
    _make_directories(comparison)
    applied = _write_all(comparison, object_name, linker, staging, advance)
    _remove(comparison, (item for item in comparison.remove if item.path not in early))
    for directory in comparison.empty_directories:
        with suppress(OSError):  # gone already, or something new came in: then it is not empty and stays
            os.rmdir(comparison.place(directory))
    return applied


def _write_all(
    comparison: Comparison, object_name: ObjectName, linker: Linker, staging: Path, advance: Callable[[int], None]
) -> tuple[Applied, ...]:
    names = itertools.count()
    executable = 0o111 & ~current_umask()

    def run(batch: Sequence[Write]) -> list[Applied]:
        done = []
        for write in batch:
            temporary = f"{staging}/{next(names)}"
            done.append(_write_one(comparison, write, object_name, linker, temporary, executable))
        advance(len(batch))
        return done

    count = max(1, min(_BATCH, len(comparison.write) // _THREADS))
    batches = [comparison.write[at : at + count] for at in range(0, len(comparison.write), count)]
    if len(batches) < 2:
        return tuple(run(comparison.write))
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="checkout") as pool:
        return tuple(item for done in pool.map(run, batches) for item in done)


def _write_one(
    comparison: Comparison, write: Write, object_name: ObjectName, linker: Linker, temporary: str, executable: int
) -> Applied:
    place = comparison.place(write.path)
    source = object_name(write.file.md5)
    try:
        linker.place(source, temporary, private=write.file.isexec)
        if write.file.isexec:
            mode = stat.S_IMODE(os.stat(temporary).st_mode)
            os.chmod(temporary, mode | executable)
        _refuse_surprise(place, write.replaces)
        _move(temporary, place)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
    return Applied(place, write.file.md5, os.stat(place))


def _refuse_surprise(place: str, replaces: Present | None) -> None:
    """What was not there, or not like this, when we looked has been made since: it is somebody's work."""
    untouched = unchanged_since(place, replaces.found) if replaces else not os.path.lexists(place)
    if not untouched:
        raise StateError(f"{place} changed while it was checked out; it is left as it is", hints=["run it again"])


def _move(temporary: str, place: str) -> None:
    try:
        os.replace(temporary, place)
    except OSError as exc:
        if exc.errno != errno.EXDEV:  # the output lies on another file system than .dvc
            raise
        beside = f"{os.path.dirname(place)}/{TEMPORARY_PREFIX}{os.path.basename(temporary)}"
        Linker(["copy"]).place(temporary, beside)
        os.replace(beside, place)


def _in_the_way(comparison: Comparison) -> frozenset[str]:
    """Surplus files that stand where a directory has to come, or below what has to become a file."""
    targets = {write.path for write in comparison.write}
    if "" in targets:
        return frozenset(item.path for item in comparison.remove)
    parents = {"", *(parent for path in targets for parent in _parents(path))}
    return frozenset(
        item.path for item in comparison.remove if item.path in parents or targets.intersection(_parents(item.path))
    )


def _clear_the_way(comparison: Comparison, early: Collection[str]) -> None:
    _remove(comparison, (item for item in comparison.remove if item.path in early))
    for path in comparison.odd:
        os.unlink(comparison.place(path))
    targets = {write.path for write in comparison.write}
    for directory in comparison.empty_directories:
        if "" in targets or directory in targets or targets.intersection(_parents(directory)):
            try:
                os.rmdir(comparison.place(directory))
            except OSError as exc:
                raise StateError(f"{comparison.place(directory)} has to become a file: {exc.strerror}") from exc


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _make_directories(comparison: Comparison) -> None:
    if any(write.path == "" for write in comparison.write):
        os.makedirs(os.path.dirname(comparison.root), exist_ok=True)
        return
    needed = {write.path.rpartition("/")[0] for write in comparison.write}
    for directory in sorted(needed):
        os.makedirs(comparison.place(directory), exist_ok=True)


def _remove(comparison: Comparison, items: Iterable[Present]) -> None:
    for item in items:
        place = comparison.place(item.path)
        if not os.path.lexists(place):
            continue
        if not unchanged_since(place, item.found):
            raise StateError(f"{place} changed while it was checked out; it is left as it is", hints=["run it again"])
        os.unlink(place)


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
