"""Scan against wanted files: what is right, what to write, what to remove, and what nobody else has."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from hfver.checkout.scan import Found, Scan
from hfver.hashing import HashName, md5_of_file
from hfver.model import OutputFile


@dataclass(frozen=True, slots=True)
class Present:
    """A file that stands in the work tree now; ``md5`` is None when its content is gone (a dangling link)."""

    path: str  # relative to the output, "" for a single-file output
    found: Found
    md5: str | None


@dataclass(frozen=True, slots=True)
class Write:
    file: OutputFile
    path: str
    replaces: Present | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a checkout of one output has to do."""

    root: str  # absolute path of the output
    right: Mapping[str, Found] = field(default_factory=dict)
    rehashed: tuple[Present, ...] = ()  # right, but DVC does not know it yet
    write: tuple[Write, ...] = ()
    remove: tuple[Present, ...] = ()
    odd: Mapping[str, str] = field(default_factory=dict)
    empty_directories: tuple[str, ...] = ()  # children before parents
    leftovers: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        return not (self.write or self.remove or self.odd or self.leftovers)

    def place(self, path: str) -> str:
        return f"{self.root}/{path}" if path else self.root

    def losses(self, kept: Callable[[str], bool]) -> tuple[Present, ...]:
        """Files that would be overwritten or removed and whose content is not kept anywhere else."""
        going = [write.replaces for write in self.write if write.replaces is not None]
        return tuple(
            item
            for item in (*going, *self.remove)
            if item.md5 is not None and item.found.own.st_size and not kept(item.md5)
        )


Knows = Callable[[str, os.stat_result], str | None]  # absolute path and stat -> md5 that DVC recorded for exactly them


def compare(
    found: Scan,
    wanted: Sequence[OutputFile],
    *,
    single: bool,
    known: Knows,
    ignored: Callable[[Collection[str]], Collection[str]],
    hash_name: HashName = "md5",
) -> Comparison:
    """``ignored`` picks those of the surplus paths that DVC is told to overlook."""
    targets = {"" if single else file.path: file for file in wanted}
    surplus = [path for path in found.files if path not in targets]
    odd = dict(found.odd)
    skipped: Collection[str] = frozenset()
    if surplus or odd:
        skipped = frozenset(ignored([*surplus, *odd]))
        surplus = [path for path in surplus if path not in skipped]
        odd = {path: what for path, what in odd.items() if path not in skipped or path in targets}
    md5s, fresh = _identify(found, [path for path in targets if path in found.files] + surplus, known, hash_name)
    right: dict[str, Found] = {}
    write = []
    for path, file in targets.items():
        if md5s.get(path) == file.md5:
            right[path] = found.files[path]
        else:
            write.append(Write(file, path, Present(path, found.files[path], md5s[path]) if path in md5s else None))
    return Comparison(
        root=found.root,
        right=right,
        rehashed=tuple(Present(path, found.files[path], md5s[path]) for path in fresh if path in right),
        write=tuple(write),
        remove=tuple(Present(path, found.files[path], md5s[path]) for path in surplus),
        odd=odd,
        empty_directories=_emptied(found, targets, (*odd, *skipped), single=single),
        leftovers=tuple(found.leftovers),
    )


def _identify(
    found: Scan, paths: Iterable[str], known: Knows, hash_name: HashName
) -> tuple[dict[str, str | None], Sequence[str]]:
    """The md5 of each path (None: a dangling link), and the paths that had to be read for it."""
    md5s: dict[str, str | None] = {}
    unknown = []
    prefix = found.root + "/"
    for path in paths:
        info = found.files[path].info
        md5 = None if info is None else known(prefix + path if path else found.root, info)
        md5s[path] = md5
        if md5 is None and info is not None:
            unknown.append(path)
    md5s.update(zip(unknown, _hashed(found.root, unknown, hash_name), strict=True))
    return md5s, unknown


def _hashed(root: str, paths: Sequence[str], hash_name: HashName) -> list[str]:
    def one(path: str) -> str:
        return md5_of_file(Path(root, path) if path else Path(root), hash_name=hash_name)

    if len(paths) < 2:
        return [one(path) for path in paths]
    with ThreadPoolExecutor(min(len(paths), os.cpu_count() or 1), thread_name_prefix="hash") as pool:
        return list(pool.map(one, paths))


def _emptied(found: Scan, targets: Collection[str], staying: Iterable[str], *, single: bool) -> tuple[str, ...]:
    """Directories that hold nothing once the surplus is gone: DVC does not keep empty ones."""
    needed: set[str] = set()
    parents = {path.rpartition("/")[0] for path in (*targets, *staying)}
    while parents:
        needed |= parents
        parents = {parent.rpartition("/")[0] for parent in parents} - needed
    gone = [path for path in found.directories if path not in needed]
    if single and found.directories:
        gone = ["", *gone]
    return tuple(reversed(gone))
