"""The output of a model at a commit, whatever still knows its files: git, DVC's cache, a DVC remote, a receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfver.adapters.git_tree import CommitTree
from hfver.errors import StateError
from hfver.model import Output, OutputPointer
from hfver.outputs.resolve import DirSource, list_outputs, resolve_output, resolve_pointer, unread

if TYPE_CHECKING:
    from hfver.workspace import Workspace


def output_at(workspace: Workspace, tree: CommitTree, path: str | None, receipt_dir: DirSource | None = None) -> Output:
    """The output of a model at a commit. ``receipt_dir`` rebuilds a lost directory object from a receipt."""
    pointer = pointer_at(workspace, tree, path)
    dvc = workspace.dvc(pointer.dvc_root)
    sources: list[DirSource] = [dvc.cache.read_dir_object, _dir_object_elsewhere(workspace), dvc.read_remote_dir_object]
    if receipt_dir is not None:
        sources.append(receipt_dir)
    return resolve_output(tree, path or pointer.path, sources)


def _dir_object_elsewhere(workspace: Workspace) -> DirSource:
    """The list of files from the DVC cache of another work tree."""

    def read(pointer: OutputPointer) -> bytes | None:
        found = (dvc.cache.read_dir_object(pointer) for dvc in workspace.other_dvc(pointer.dvc_root))
        return next((raw for raw in found if raw is not None), None)

    return read


def pointer_at(workspace: Workspace, tree: CommitTree, path: str | None) -> OutputPointer:
    """What git records about a model at a commit; without a configured path, about the only output there."""
    if path is not None:
        return resolve_pointer(tree, path, solve=lambda: workspace.dvc().pipeline_outputs(tree.commit))
    found = list_outputs(tree)
    if len(found.pointers) == 1:
        return found.pointers[0]
    listed = ", ".join(sorted(pointer.path for pointer in found.pointers)) or "nothing"
    raise StateError(
        f"which output is the model is not configured, and DVC tracks {listed} at {tree.label}{unread(found)}",
        hints=["set huggingface.repository.model_path in config.yaml", "hfver track PATH"],
    )
