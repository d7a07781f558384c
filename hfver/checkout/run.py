"""Checking out outputs: from what is wanted to a work tree that has it.

look      scan and compare; refuse what would lose somebody's work            reads only
obtain    everything to be written into the cache, verified                   changes the cache only
move git  when asked; git and DVC hooks run, and find everything in the cache
apply     under DVC's lock
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hfver.beneath import refuse_links
from hfver.checkout.apply import apply
from hfver.checkout.compare import Comparison, Knows, Present, compare
from hfver.checkout.links import Linker, LinkType
from hfver.checkout.scan import scan
from hfver.errors import RefusedError, StateError
from hfver.hashing import Advance, HashName
from hfver.model import Output, OutputFile
from hfver.outputs.dir_object import build_dir_object, dir_object_id
from hfver.sources import Cache, FileSource, Obtained, Source, obtain, summarised, take_copy

_SHOWN = 5


class ObjectCache(Cache, Protocol):
    def has(self, md5: str, hash_name: HashName = "md5") -> bool: ...
    def size_of(self, md5: str, hash_name: HashName = "md5") -> int | None: ...
    def object_name(self, md5: str, hash_name: HashName = "md5") -> str: ...
    def insert_bytes(self, raw: bytes, oid: str, hash_name: HashName = "md5") -> Path: ...
    def damaged(self, files: Iterable[OutputFile], hash_name: HashName, advance: Advance) -> Sequence[OutputFile]: ...


class Project(Protocol):
    """What a checkout needs of DVC; ``adapters.dvc_outputs.DvcProject`` is it."""

    @property
    def cache(self) -> ObjectCache: ...
    @property
    def link_types(self) -> Sequence[LinkType]: ...
    def knows(self, root: str, hash_name: HashName) -> Knows: ...
    def ignored(self, root: str, paths: Collection[str]) -> Collection[str]: ...
    def remember(
        self,
        root: str,
        rows: Iterable[tuple[str, str, os.stat_result]],
        mtimes: Mapping[str, float],
        hash_name: HashName,
    ) -> None: ...
    def locked(self, paths: Sequence[Path]) -> AbstractContextManager[Path]:
        """DVC's lock; gives an empty directory for files on their way in."""


# From everything that stands in an output's place now (path -> md5) to the question whether content of some md5 belongs
# to a version somebody recorded.
Recorded = Callable[[Mapping[str, str]], Callable[[str], bool]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One output at the version to be checked out, and how to get what is missing of it."""

    output: Output
    root: Path  # where it goes
    project: Project
    sources: Sequence[Source]
    recorded: Recorded
    anchor: Path  # at or above root; no link is followed from there on


@dataclass(frozen=True, slots=True)
class Result:
    """What a checkout did to one output. Paths are relative to the output."""

    path: str
    md5: str
    written: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int
    sources: Mapping[str, int]
    problems: tuple[str, ...]
    saved: Mapping[str, str]  # content put into the cache before it went: path -> md5


@dataclass(frozen=True, slots=True)
class Look:
    """One output, compared with what is there."""

    wanted: Wanted
    comparison: Comparison
    losses: tuple[Present, ...]

    @property
    def hash_name(self) -> HashName:
        return self.wanted.output.pointer.hash_name


def check_out(
    wanted: Sequence[Wanted],
    *,
    force: bool,
    move_git: Callable[[], bool],
    label: str,
    advance: Callable[[int | None], Advance],
) -> tuple[Result, ...]:
    """``move_git`` says whether it changed anything; ``advance(total)`` starts a progress bar of so many bytes."""
    with without_collector():
        looks = [look(item, force=force) for item in wanted]
    obtained = [_obtain(item, label, advance) for item in looks]
    if move_git():
        looks = [look(item, force=force) for item in wanted]  # hooks may have changed what we saw
    return tuple(_apply(item, found) for item, found in zip(looks, obtained, strict=True))


@contextmanager
def without_collector() -> Iterator[None]:
    """Python looks for cycles the more often the more values there are; those of a large directory have none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def look(wanted: Wanted, *, force: bool) -> Look:
    """What a checkout would do. LinkOnTheWayError, forced or not, where it would go through a link."""
    output, project = wanted.output, wanted.project
    root, hash_name = str(wanted.root), output.pointer.hash_name
    refuse_links(wanted.anchor, wanted.root, at_the_end=not is_single(output))
    comparison = compare(
        scan(root),
        output.files,
        single=is_single(output),
        known=project.knows(root, hash_name),
        ignored=lambda paths: project.ignored(root, paths),
        hash_name=hash_name,
    )
    losses = comparison.losses(lambda md5: project.cache.has(md5, hash_name))
    if not force and (losses or comparison.odd):
        recorded = wanted.recorded(_present(comparison, output))
        _refuse_to_lose(comparison, [item for item in losses if not recorded(item.md5 or "")], output)
    return Look(wanted, comparison, losses)


def _present(comparison: Comparison, output: Output) -> dict[str, str]:
    targets = _targets(output)
    standing = [write.replaces for write in comparison.write if write.replaces is not None]
    present = {path: targets[path] for path in comparison.right}
    return present | {item.path: item.md5 or "" for item in (*standing, *comparison.remove)}


def _targets(output: Output) -> dict[str, str]:
    """Where the output's files go, relative to its root -> md5."""
    return {"": output.files[0].md5} if is_single(output) else {file.path: file.md5 for file in output.files}


def is_single(output: Output) -> bool:
    """Whether the output is one file and not a directory with one file."""
    pointer = output.pointer
    if not pointer.subpath:
        return not pointer.is_dir and len(output.files) == 1 and output.files[0].path == Path(pointer.path).name
    return output.part_oid is not None and not output.part_oid.endswith(".dir")


def _refuse_to_lose(comparison: Comparison, losses: Sequence[Present], output: Output) -> None:
    names = [item.path or output.path for item in losses] + [
        f"{path} ({what})" for path, what in comparison.odd.items()
    ]
    if names:
        shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        raise RefusedError(
            f"{comparison.root} has content that is in no known version and would be lost: {shown}",
            hints=[
                f"dvc add {output.pointer.path}    (to keep it as a version)",
                "--force    (goes on; what goes is saved in the DVC cache first)",
            ],
        )


def _obtain(item: Look, label: str, advance: Callable[[int | None], Advance]) -> Obtained:
    """The whole version in the cache, and all of it that will be written found undamaged."""
    output, cache, hash_name = item.wanted.output, item.wanted.project.cache, item.hash_name
    writes = [write.file for write in item.comparison.write]
    missing = cache.missing(output.files, hash_name)
    if not writes and not missing:
        keep_dir_object(output, cache)
        return Obtained({}, ())
    lacking = {file.md5 for file in missing}
    targets = _targets(output)
    right = item.comparison.right.items()
    staying = (found.info.st_size for path, found in right if found.info and targets[path] not in lacking)
    step = advance(bytes_to_get(output, [*writes, *missing], staying))
    damaged = cache.damaged([file for file in writes if file.md5 not in lacking], hash_name, step)
    for file in damaged:
        cache.discard(file.md5, hash_name)
    wanted = [*missing, *damaged]
    found = Obtained({}, ())
    if wanted:
        here = _work_tree_source(item)
        sources = [*([here] if here else []), *item.wanted.sources]
        found = obtain(wanted, cache, sources, hash_name=hash_name, advance=step, what=f"{output.path} at {label}")
    keep_dir_object(output, cache)
    return Obtained(found.counts, found.problems, tuple(f"{file.path}: damaged in the DVC cache" for file in damaged))


def bytes_to_get(output: Output, files: Iterable[OutputFile], others: Iterable[int]) -> int | None:
    """For a progress bar; ``others`` are the sizes of the rest: DVC's lists of files do not say how large each is."""
    sizes = {file.md5: file.size for file in files}
    known = [size for size in sizes.values() if size is not None]
    if len(known) == len(sizes):
        return sum(known)
    pointer = output.pointer
    return None if pointer.size is None or pointer.subpath else max(0, pointer.size - sum(others))


def keep_dir_object(output: Output, cache: ObjectCache) -> None:
    """The list of files comes last: DVC takes a directory whose list it has for complete."""
    pointer, hash_name = output.pointer, output.pointer.hash_name
    if pointer.is_dir and pointer.md5 is not None and not pointer.subpath and not cache.has(pointer.md5, hash_name):
        raw = build_dir_object(output.files)
        if dir_object_id(raw) == pointer.md5:
            cache.insert_bytes(raw, pointer.md5, hash_name)


def _work_tree_source(item: Look) -> FileSource | None:
    """Content that stands elsewhere in the output now: a renamed file whose cache object was lost."""
    places: dict[str, list[Path]] = {}
    comparison = item.comparison
    targets = _targets(item.wanted.output)
    for present in (*comparison.remove, *(write.replaces for write in comparison.write if write.replaces)):
        if present.md5 is not None:
            places.setdefault(present.md5, []).append(Path(comparison.place(present.path)))
    for path in comparison.right:
        places.setdefault(targets[path], []).append(Path(comparison.place(path)))
    if not places:
        return None
    cache = item.wanted.project.cache
    return FileSource("the workspace", lambda file: places.get(file.md5, ()), cache, item.hash_name)


def _apply(item: Look, obtained: Obtained) -> Result:
    comparison, project = item.comparison, item.wanted.project
    saved: dict[str, str] = {}
    if not comparison.is_clean or comparison.rehashed or comparison.empty_directories:
        with project.locked([item.wanted.root]) as staging:
            saved = _save(item)
            _change(item, staging)
    return Result(
        path=item.wanted.output.path,
        md5=item.wanted.output.oid,
        written=tuple(write.path or item.wanted.output.path for write in comparison.write),
        removed=tuple(present.path or item.wanted.output.path for present in comparison.remove),
        unchanged=len(comparison.right),
        sources=obtained.counts,
        problems=(*obtained.notes, *summarised(obtained.problems)),
        saved=saved,
    )


def _save(item: Look) -> dict[str, str]:
    """Put what is about to go into the cache, from where ``dvc`` and ``hfver`` can bring it back."""
    saved = {}
    cache, comparison, linker = item.wanted.project.cache, item.comparison, Linker(["reflink", "copy"])
    for present in item.losses:
        assert present.md5 is not None
        place = Path(comparison.place(present.path))
        file = OutputFile(present.path, present.md5)
        if reason := take_copy(place, file, cache, linker, item.hash_name):
            raise StateError(f"{place} cannot be saved: {reason}; nothing was changed", hints=["run it again"])
        saved[present.path or item.wanted.output.path] = present.md5
    return saved


def _change(item: Look, staging: Path) -> None:
    comparison, project, hash_name = item.comparison, item.wanted.project, item.hash_name
    applied = apply(
        comparison,
        str(item.wanted.anchor),
        lambda md5: project.cache.object_name(md5, hash_name),
        Linker(project.link_types),
        staging,
        lambda _count: None,
    )
    place = comparison.place
    mtimes = {place(path): found.info.st_mtime for path, found in comparison.right.items() if found.info}
    mtimes.update((entry.place, entry.info.st_mtime) for entry in applied)
    rows = [(entry.place, entry.md5, entry.info) for entry in applied]
    rows += [
        (place(present.path), present.md5, present.found.info)
        for present in comparison.rehashed
        if present.md5 is not None and present.found.info is not None
    ]
    project.remember(comparison.root, rows, mtimes, hash_name)
