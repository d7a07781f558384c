"""Make git say what the model is: its output in DVC, its pointer in a commit of exactly the files DVC wrote.

Whatever else is staged or changed in the work tree is the user's and stays as it is.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hfver.adapters.git_tree import WorkTree
from hfver.errors import RefusedError, StateError, UsageError
from hfver.hooks.skip import skipping_hooks
from hfver.outputs.resolve import resolve_pointer

if TYPE_CHECKING:
    from hfver.model import OutputPointer
    from hfver.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Recorded:
    """The commit that holds a model's pointer. ``committed`` are the files a new commit was made of; none for HEAD."""

    commit: str
    path: str
    md5: str
    committed: tuple[str, ...] = ()


def path_in_repo(workspace: Workspace, path: Path) -> str:
    """A model's path as git names it; UsageError for one that is missing or outside."""
    place = path if path.is_absolute() else Path.cwd() / path
    if not place.exists():
        raise UsageError(f"{path} does not exist", hints=["train first, or name another --model-path"])
    top = workspace.repo.top.resolve()
    resolved = place.resolve()
    if resolved == top or not resolved.is_relative_to(top):
        raise UsageError(f"{path} is not below the git repository {top}", hints=["move the model into the repository"])
    return resolved.relative_to(top).as_posix()


def record_model(workspace: Workspace, path: str, message: str, *, commit: bool = True) -> Recorded:
    """See to it that HEAD records the model at ``path`` as it is now.

    With ``commit=False`` nothing is changed, and what is not recorded is refused, named.
    """
    pointer = _pointer(workspace, path)
    if not commit:
        return _only_look(workspace, path, pointer)
    before = {change.path for change in workspace.repo.changes(untracked=True)}
    written = _hand_to_dvc(workspace, path, pointer)
    after = {change.path for change in workspace.repo.changes(untracked=True)}
    ours = written | {name for name in after - before if posixpath.basename(name) == ".gitignore"}
    to_commit = sorted(ours & after)
    if to_commit:
        with skipping_hooks():
            workspace.repo.commit_paths(to_commit, message)
    head = workspace.repo.head()
    if head is None:
        raise StateError("there is no commit yet", hints=["git commit"])
    found = _pointer(workspace, path)
    if found is None or found.md5 is None:
        raise StateError(f"DVC did not record {path}", hints=[f"dvc add {path}"])
    return Recorded(head, path, found.md5, tuple(to_commit))


def _hand_to_dvc(workspace: Workspace, path: str, pointer: OutputPointer | None) -> set[str]:
    """Let DVC record the content; returns the files that say so, relative to the top."""
    top = workspace.repo.top
    if pointer is not None and pointer.subpath:
        path = pointer.path  # a part of an output: DVC records the whole
    project = workspace.dvc(pointer.dvc_root if pointer else "")
    if pointer is not None and pointer.stage is not None:
        target = _stage_address(project.root, top, pointer)
        if not project.is_recorded(target, top / path):
            project.refuse_unfit(top / path)
            project.commit(target)
        return {pointer.pointer_file}
    return {file.resolve().relative_to(top.resolve()).as_posix() for file in project.add(top / path)}


def _only_look(workspace: Workspace, path: str, pointer: OutputPointer | None) -> Recorded:
    hints = [f"hfver track {path} and git commit", "or leave out --no-commit"]
    if pointer is None or pointer.md5 is None:
        raise RefusedError(f"{path} is not tracked by DVC", hints=hints)
    top = workspace.repo.top
    project = workspace.dvc(pointer.dvc_root)
    target = _stage_address(project.root, top, pointer) if pointer.stage else str(top / pointer.pointer_file)
    if not project.is_recorded(target, top / pointer.path):
        raise RefusedError(f"{path} has changed since DVC recorded it in {pointer.pointer_file}", hints=hints)
    changed = workspace.repo.changes(pointer.pointer_file, untracked=True)
    head = workspace.repo.head()
    if changed or head is None:
        raise RefusedError(f"{pointer.pointer_file} is not committed", hints=[f"git commit {pointer.pointer_file}"])
    return Recorded(head, path, pointer.md5)


def _pointer(workspace: Workspace, path: str) -> OutputPointer | None:
    """What DVC records of the path in the work tree, None where it tracks nothing there."""
    try:
        return resolve_pointer(WorkTree(workspace.repo), path)
    except StateError:
        return None


def _stage_address(root: Path, top: Path, pointer: OutputPointer) -> str:
    folder = posixpath.dirname(pointer.pointer_file)
    return f"{(top / folder / 'dvc.yaml').relative_to(root).as_posix()}:{pointer.stage}"
