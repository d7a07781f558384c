"""DVC's local cache: where its objects are, and how new ones get in.

    <cache dir>/files/md5/<2>/<30>[.dir]     objects, mode 0444
    <cache dir>/<2>/<30>[.dir]               objects of DVC before version 3 (md5-dos2unix)
    <cache dir>/hfver-tmp/                   ours: content on its way in, hashed before it gets its final name

DVC trusts every object that is read-only, without hashing it. So nothing may get a final name that was not hashed.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from hfver.errors import RefusedError
from hfver.hashing import Advance, HashName
from hfver.leftovers import SUFFIX, own_name, sweep_once
from hfver.model import OutputFile, OutputPointer
from hfver.outputs.dir_object import LARGEST
from hfver.small_files import read_small
from hfver.sources import content_differs
from hfver.state import Content

_TEMPORARY = "hfver-tmp"
_OBJECT_MODE = 0o444
_WORTH_LISTING = 1000


class Memory(Protocol):
    """Remembers cache objects (path, inode, size, mtime in ns) that were found right, and what DVC was given."""

    def verified(self, paths: Sequence[str]) -> Collection[tuple[str, int, int, int]]: ...
    def remember_verified(self, objects: Sequence[tuple[str, int, int, int]]) -> None: ...
    def remember_tracked(self, contents: Iterable[Content]) -> None: ...


class NoMemory:
    """Everything is hashed every time."""

    def verified(self, paths: Sequence[str]) -> Collection[tuple[str, int, int, int]]:
        return ()

    def remember_verified(self, objects: Sequence[tuple[str, int, int, int]]) -> None:
        pass

    def remember_tracked(self, contents: Iterable[Content]) -> None:
        pass


class DvcCache:
    def __init__(self, directory: Path, memory: Memory, *, shared: bool = False) -> None:
        self.directory = directory
        self._memory = memory
        self._inserted: list[tuple[str, int, int, int]] = []
        self._directory_mode = 0o2775 if shared else None

    def object_path(self, md5: str, hash_name: HashName = "md5") -> Path:
        return Path(self.object_name(md5, hash_name))

    def object_name(self, md5: str, hash_name: HashName = "md5") -> str:
        """The path as a str: for 20,000 of them Path objects would take longer than the work."""
        middle = "/files/md5/" if hash_name == "md5" else "/"
        return f"{self.directory}{middle}{md5[:2]}/{md5[2:]}"

    def has(self, md5: str, hash_name: HashName = "md5") -> bool:
        return os.path.lexists(self.object_name(md5, hash_name))

    def missing(self, files: Iterable[OutputFile], hash_name: HashName = "md5") -> tuple[OutputFile, ...]:
        """Those whose object is not here, or has not the size it should have: a power cut leaves such."""
        wanted = list(files)
        listed = self._listed(wanted, hash_name) if len(wanted) >= _WORTH_LISTING else None
        if listed is None:
            return tuple(file for file in wanted if not self._holds(file, hash_name))
        return tuple(
            file
            for file in wanted
            if file.md5 not in listed or (file.size is not None and not self._holds(file, hash_name))
        )

    def _listed(self, wanted: Sequence[OutputFile], hash_name: HashName) -> frozenset[str] | None:
        """All objects in the folders that matter, or None when asking for each wanted one is less work."""
        found: list[str] = []
        for folder in {file.md5[:2] for file in wanted}:
            with suppress(FileNotFoundError):
                found += [folder + name for name in os.listdir(os.path.dirname(self.object_name(folder, hash_name)))]
            if len(found) > 4 * len(wanted):
                return None
        return frozenset(found)

    def _holds(self, file: OutputFile, hash_name: HashName) -> bool:
        size = self.size_of(file.md5, hash_name)
        return size is not None and file.size in {None, size}

    def size_of(self, md5: str, hash_name: HashName = "md5") -> int | None:
        try:
            return os.stat(self.object_name(md5, hash_name)).st_size
        except FileNotFoundError:
            return None

    def read_dir_object(self, pointer: OutputPointer) -> bytes | None:
        """The list of files of a directory output; as ``resolve.DirSource``."""
        assert pointer.md5 is not None
        try:
            return read_small(self.object_path(pointer.md5, pointer.hash_name), LARGEST)
        except FileNotFoundError:
            return None

    def damaged(
        self, files: Iterable[OutputFile], hash_name: HashName = "md5", advance: Advance | None = None
    ) -> tuple[OutputFile, ...]:
        """Those whose object is not what its name says. One found whole is not read again until it changes."""
        by_name = {self.object_name(file.md5, hash_name): file for file in files}
        marks = {name: _mark(name) for name in by_name}
        remembered = self._memory.verified(list(by_name))
        unsure = [name for name, mark in marks.items() if mark not in remembered]
        if advance is not None:
            advance(sum(mark[2] for mark in marks.values() if mark in remembered))

        def is_whole(name: str) -> bool:
            return content_differs(Path(name), by_name[name], hash_name, advance) is None

        with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="verify") as pool:
            whole = dict(zip(unsure, pool.map(is_whole, unsure), strict=True))
        self._memory.remember_verified([marks[name] for name, good in whole.items() if good])
        return tuple(by_name[name] for name, good in whole.items() if not good)

    # -- getting content in --------------------------------------------------------------------------------------

    def temporary(self, hint: str = "") -> Path:
        """A new name for content on its way in. The same ``hint`` gives the same name: a download can be resumed."""
        directory = self.directory / _TEMPORARY
        self._make(directory)
        sweep_once(str(directory))
        return directory / (hint or own_name(".", SUFFIX))

    def insert(self, temporary: Path, md5: str, hash_name: HashName = "md5") -> Path:
        """Give verified content its name. Of two processes that insert the same object either may win."""
        final = self.object_path(md5, hash_name)
        self._make(final.parent)
        with suppress(PermissionError):  # some shared file systems do not let us; DVC then rehashes
            temporary.chmod(_OBJECT_MODE)
        mark = _mark(str(temporary))
        temporary.replace(final)
        self._inserted.append((str(final), *mark[1:]))
        return final

    def settle(self) -> None:
        """Remember that what was inserted is whole. Not in ``insert``: threads call that, and one row is as dear as
        a thousand."""
        marks, self._inserted = self._inserted, []
        self._memory.remember_verified(marks)

    def insert_bytes(self, raw: bytes, oid: str, hash_name: HashName = "md5") -> Path:
        temporary = self.temporary()
        temporary.write_bytes(raw)
        return self.insert(temporary, oid, hash_name)

    def discard(self, md5: str, hash_name: HashName = "md5") -> None:
        """Put aside an object that was found to be damaged: under its name DVC would trust it."""
        with suppress(FileNotFoundError):
            self.object_path(md5, hash_name).replace(self.temporary(f"damaged-{md5}"))

    def leftovers(self, age: float) -> tuple[Path, ...]:
        """Content that never got in, and damaged objects put aside, untouched for so many seconds."""
        directory = self.directory / _TEMPORARY
        if not directory.is_dir():
            return ()
        return tuple(
            path for path in directory.iterdir() if path.is_file() and time.time() - path.stat().st_mtime > age
        )

    def _make(self, directory: Path) -> None:
        """A directory of the cache. RefusedError for a link in its place: a clone may bring one that leads anywhere.

        The cache itself may be a link; people put it on larger disks.
        """
        try:
            found = os.lstat(directory).st_mode
        except FileNotFoundError:
            self._make(directory.parent)
            with suppress(FileExistsError):
                directory.mkdir()
                if self._directory_mode is not None:
                    directory.chmod(self._directory_mode)
            return
        if stat.S_ISLNK(found) and directory.is_relative_to(self.directory) and directory != self.directory:
            raise RefusedError(
                f"{directory} is a link inside DVC's cache: nothing is put there", hints=[f"rm {directory}"]
            )


def _mark(name: str) -> tuple[str, int, int, int]:
    info = os.stat(name)
    return name, info.st_ino, info.st_size, info.st_mtime_ns
