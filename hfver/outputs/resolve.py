"""From a commit and a path to the output DVC recorded there, by reading git objects only."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from hfver.errors import HfverError, IntegrityError, StateError
from hfver.model import Output, OutputFile, OutputPointer
from hfver.outputs.dir_object import dir_object_id, directory_id, parse_dir_object
from hfver.outputs.pipelines import TemplatedWdirError, parse_pipeline
from hfver.outputs.pointers import is_dvc_file, join_path, parse_dvc_file, require_place
from hfver.paths import escape_reason
from hfver.small_files import LARGEST, UnreadError
from hfver.yaml_bounds import POINTERS

_SHOWN_OUTPUTS = 8
_MOST_TOGETHER = 128 * 1024 * 1024  # bytes of all .dvc, dvc.yaml and dvc.lock files of a tree
LARGEST_IN_GIT = 512 * 1024 * 1024  # bytes of a file of a model that is `cache: false`: it is held in memory


class Tree(Protocol):
    """The files of one commit, or of the work tree. Paths are relative to the top of the git work tree."""

    @property
    def label(self) -> str:
        """How to name it to people: ``v1.0.0``, ``commit 3f2c1ab``, ``the workspace``."""

    def read(self, path: str, largest: int = LARGEST) -> bytes | None:
        """The bytes of a file, None where there is none; UnreadError for one with more than ``largest``."""

    def read_many(self, paths: Sequence[str], largest: int = LARGEST) -> Sequence[bytes | UnreadError | None]:
        """The same for many, with errors among the answers."""

    def paths(self) -> Sequence[str]: ...


# Names a place that may have a directory object, and asks it. None: it has not.
DirSource = Callable[[OutputPointer], bytes | None]
# Asks DVC itself for the outputs of the tree's pipelines; slow, for those that only DVC can locate.
TemplateSolver = Callable[[], Iterable[OutputPointer]]


@dataclass(frozen=True, slots=True)
class Outputs:
    """Everything DVC tracks in a tree, and the pointer files that could not be read."""

    pointers: tuple[OutputPointer, ...]
    broken: tuple[StateError, ...]
    templated: tuple[TemplatedWdirError, ...]
    has_dvc: bool


def resolve_pointer(tree: Tree, path: str, *, solve: TemplateSolver | None = None) -> OutputPointer:
    """What DVC tracks at ``path``: an output, or the part of one that the path names."""
    wanted = join_path("", path)
    if not wanted:
        raise StateError(f"{path!r} does not lie inside the git repository")
    if reason := escape_reason(wanted):
        raise StateError(f"{path!r} {reason}: no model can stand there")
    raw = tree.read(f"{wanted}.dvc", POINTERS.bytes)
    if raw is not None:
        pointer_file = f"{wanted}.dvc"
        parsed = parse_dvc_file(raw, pointer_file, origin=f"{pointer_file} at {tree.label}")
        for own in parsed:
            if own.path == wanted:
                return replace(own, dvc_root=_dvc_root_of(tree, pointer_file))
    found = list_outputs(tree)
    pointer = _covering(found.pointers, wanted)
    if pointer is None and found.templated and solve is not None:
        try:
            found = replace(found, pointers=tuple(solve()), templated=())
        except StateError as exc:
            found = replace(found, broken=(*found.broken, exc))
        pointer = _covering(found.pointers, wanted)
    if pointer is None:
        raise _not_tracked(tree, wanted, found)
    require_place(pointer.path, pointer.pointer_file)  # DVC's own list has not been looked at yet
    return pointer


def list_outputs(tree: Tree) -> Outputs:
    """All outputs in a tree; files that cannot be read are reported, not raised: they may not matter."""
    paths = tree.paths()
    roots = _dvc_roots(paths)
    names = [path for path in paths if is_dvc_file(path) or posixpath.basename(path) in {"dvc.yaml", "dvc.lock"}]
    contents = dict(zip(names, tree.read_many(names, POINTERS.bytes), strict=True))
    if sum(len(content) for content in contents.values() if isinstance(content, bytes)) > _MOST_TOGETHER:
        raise StateError(
            f"the {len(names)} files of DVC at {tree.label} have more than {_MOST_TOGETHER:,} bytes together"
        )
    pointers: list[OutputPointer] = []
    broken: list[StateError] = []
    templated: list[TemplatedWdirError] = []
    for path in names:
        raw, origin, root = contents[path], f"{path} at {tree.label}", _nearest_root(roots, path)
        if raw is None or posixpath.basename(path) == "dvc.lock":
            continue
        try:
            if isinstance(raw, UnreadError):
                raise raw
            if is_dvc_file(path):
                pointers += parse_dvc_file(raw, path, dvc_root=root, origin=origin)
            else:
                lock = contents.get(posixpath.join(posixpath.dirname(path), "dvc.lock"))
                if isinstance(lock, UnreadError):
                    raise lock
                pipeline = parse_pipeline(raw, lock, path, dvc_root=root, origin=origin)
                pointers += pipeline.outputs
                templated += [TemplatedWdirError(path, stage) for stage in pipeline.templated]
        except StateError as exc:
            broken.append(exc)
    return Outputs(tuple(pointers), tuple(broken), tuple(templated), has_dvc=bool(roots or names))


def resolve_output(
    tree: Tree, path: str, sources: Sequence[DirSource], *, solve: TemplateSolver | None = None
) -> Output:
    """The output at ``path`` with its list of files; ``sources`` are asked in turn for the directory's object."""
    return load_output(tree, resolve_pointer(tree, path, solve=solve), sources)


def load_output(tree: Tree, pointer: OutputPointer, sources: Sequence[DirSource]) -> Output:
    if not pointer.cached:
        files = _files_in_git(tree, pointer)
    elif pointer.files is not None:
        files = pointer.files
    elif pointer.md5 is None:
        raise StateError(
            f"{pointer.pointer_file} at {tree.label} names {pointer.path} but records no content for it",
            hints=[
                "dvc repro" if pointer.stage else f"dvc update {pointer.pointer_file}",
                f"dvc commit {pointer.path}",
            ],
        )
    elif pointer.is_dir:
        files = parse_dir_object(_directory_object(tree, pointer, sources), f"directory object {pointer.md5}")
    else:
        name = posixpath.basename(pointer.path)
        files = (OutputFile(name, pointer.md5, pointer.size, isexec=pointer.isexec),)
    return Output(pointer, files) if not pointer.subpath else _part(tree, pointer, files)


def _directory_object(tree: Tree, pointer: OutputPointer, sources: Sequence[DirSource]) -> bytes:
    reasons: list[str] = []
    ways: list[str] = []  # of those places
    for source in sources:
        try:
            raw = source(pointer)
        except HfverError as exc:  # a place that cannot be asked is like one that has nothing
            reasons.append(f"\n  {exc.message}")
            ways += exc.hints
            continue
        if raw is not None and dir_object_id(raw) == pointer.md5:
            return raw
        if raw is not None:
            reasons.append(f"\n  damaged: {dir_object_id(raw)}")
    raise IntegrityError(
        f"the list of files of {pointer.path} at {tree.label} ({pointer.md5}) is nowhere to be had whole"
        + "".join(dict.fromkeys(reasons)),
        hints=dict.fromkeys([*ways, "dvc push    (where the files were made)", f"dvc fetch {pointer.pointer_file}"]),
    )


def _part(tree: Tree, pointer: OutputPointer, files: tuple[OutputFile, ...]) -> Output:
    """The files below ``pointer.subpath``, named relative to it."""
    prefix = pointer.subpath + "/"
    inside = tuple(file._replace(path=file.path[len(prefix) :]) for file in files if file.path.startswith(prefix))
    if inside:
        return Output(pointer, inside, directory_id(inside))
    for file in files:
        if file.path == pointer.subpath:
            single = file._replace(path=posixpath.basename(file.path))
            return Output(pointer, (single,), file.md5)
    raise StateError(f"{pointer.path} at {tree.label} has no {pointer.subpath}", hints=[f"dvc list . {pointer.path}"])


def _files_in_git(tree: Tree, pointer: OutputPointer) -> tuple[OutputFile, ...]:
    """The files of an output with ``cache: false``: DVC records their md5, git has the bytes."""
    content = tree.read(pointer.path, LARGEST_IN_GIT)
    if content is not None:
        return (_hashed(posixpath.basename(pointer.path), content, isexec=pointer.isexec),)
    prefix = pointer.path + "/"
    names = [path for path in tree.paths() if path.startswith(prefix)]
    if not names:
        raise StateError(
            f"{pointer.path} is `cache: false` in {pointer.pointer_file}, but git does not have it at {tree.label}",
            hints=[f"git add {pointer.path}"],
        )
    files = []
    for name, raw in zip(names, tree.read_many(names, LARGEST_IN_GIT), strict=True):
        if isinstance(raw, UnreadError):
            raise raw
        files.append(_hashed(name[len(prefix) :], raw or b""))
    return tuple(files)


def _hashed(path: str, content: bytes, *, isexec: bool = False) -> OutputFile:
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return OutputFile(path, digest, len(content), hashlib.sha256(content).hexdigest(), isexec)


def _covering(pointers: Iterable[OutputPointer], wanted: str) -> OutputPointer | None:
    for pointer in pointers:
        if pointer.path == wanted:
            return pointer
        if pointer.path and wanted.startswith(pointer.path + "/"):
            return replace(pointer, subpath=wanted[len(pointer.path) + 1 :])
    return None


def _not_tracked(tree: Tree, wanted: str, found: Outputs) -> StateError:
    if not found.has_dvc:
        return StateError(f"there is no DVC at {tree.label}", hints=["hfver init", f"hfver track {wanted}"])
    known = sorted(pointer.path for pointer in found.pointers)
    shown = ", ".join(known[:_SHOWN_OUTPUTS]) + (
        f" and {len(known) - _SHOWN_OUTPUTS} more" if known[_SHOWN_OUTPUTS:] else ""
    )
    message = f"DVC does not track {wanted} at {tree.label}; it tracks {shown or 'nothing there'}"
    message += unread(found)
    if found.templated:
        message += "".join(f"\n  not looked into: {error.message}" for error in found.templated)
    in_git = any(path == wanted or path.startswith(wanted + "/") for path in tree.paths())
    hints = [f"git rm -r --cached {wanted} && git commit -m 'Model files go to DVC'"] if in_git else []
    return StateError(message, hints=[*hints, f"hfver track {wanted}"])


def unread(found: Outputs) -> str:
    """Lines for a message about outputs: the pointer files that could not be read, and why."""
    return "".join(f"\n  not readable: {error.message}" for error in found.broken)


def _dvc_roots(paths: Iterable[str]) -> frozenset[str]:
    marks = ("/.dvc/config", "/.dvc/.gitignore")
    return frozenset(("/" + path).rsplit("/.dvc/", 1)[0][1:] for path in paths if ("/" + path).endswith(marks))


def _nearest_root(roots: Iterable[str], path: str) -> str:
    known = frozenset(roots)
    current = posixpath.dirname(path)
    while current and current not in known:
        current = posixpath.dirname(current)
    return current


def _dvc_root_of(tree: Tree, pointer_file: str) -> str:
    """Like ``_nearest_root`` without listing the tree."""
    places = [posixpath.dirname(pointer_file)]
    while places[-1]:
        places.append(posixpath.dirname(places[-1]))
    configs = tree.read_many([posixpath.join(place, ".dvc/config") for place in places])
    return next((place for place, raw in zip(places, configs, strict=True) if raw is not None), "")
