"""``hfver gc``: which objects DVC's cache can do without, because a verified release on the Hub has the same bytes.

Kept are objects that the work tree's pointers name, that any other tag needs and no release has, and everything that
is no content of a release. Lists of files (``.dir`` objects) stay: they are small, and say what to get back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hfver.adapters.git_tree import CommitTree, WorkTree
from hfver.errors import HfverError, RefusedError
from hfver.model import OutputFile, OutputPointer
from hfver.outputs.resolve import list_outputs, load_output

if TYPE_CHECKING:
    from hfver.adapters.dvc_cache import DvcCache
    from hfver.adapters.hub_client import HubClient
    from hfver.receipt import Receipt
    from hfver.verify import Proof
    from hfver.workspace import Workspace

_LEFTOVER_AGE = 24 * 3600  # seconds; a younger one may belong to a command that runs now


@dataclass(frozen=True, slots=True)
class Droppable:
    """An object in the cache that can be had again: by its release and its path there."""

    md5: str
    size: int
    release: str
    path: str


@dataclass(frozen=True, slots=True)
class CollectPlan:
    """What would go, and what stays although a release holds it. ``leftovers`` are our own unfinished files."""

    drop: tuple[Droppable, ...]
    kept_in_use: int
    leftovers: tuple[str, ...]

    @property
    def size(self) -> int:
        return sum(item.size for item in self.drop)


def plan_collect(
    cache: DvcCache, verified: Mapping[str, Receipt], in_use: Iterable[str], leftovers: Iterable[Path]
) -> CollectPlan:
    """``verified`` are receipts of releases that were proved to be on the Hub, by tag; ``in_use`` md5s that stay."""
    kept = frozenset(in_use)
    drop: dict[str, Droppable] = {}
    used: set[str] = set()
    for tag, receipt in verified.items():
        for file in receipt.files:
            size = cache.size_of(file.md5, receipt.hash_name)
            if size is None or file.md5 in drop:
                continue
            if file.md5 in kept:
                used.add(file.md5)
            elif receipt.hash_name == "md5" and size == file.size:
                drop[file.md5] = Droppable(file.md5, size, tag, file.path)
    return CollectPlan(tuple(drop.values()), len(used), tuple(map(str, leftovers)))


def collect(cache: DvcCache, plan: CollectPlan) -> None:
    for item in plan.drop:
        cache.object_path(item.md5).unlink(missing_ok=True)
    for leftover in plan.leftovers:
        Path(leftover).unlink(missing_ok=True)


def prepare_collect(workspace: Workspace, hub: HubClient) -> tuple[DvcCache, CollectPlan, tuple[Proof, ...]]:
    """Prove every release, and plan. The proofs that failed come along: nothing is dropped on their account."""
    from hfver.hub_view import read_receipt
    from hfver.survey import survey
    from hfver.verify import verify_model

    project = workspace.dvc()
    cache = project.cache
    if not cache.directory.is_relative_to(workspace.repo.top):
        raise RefusedError(
            f"DVC's cache {cache.directory} lies outside this repository: other projects may need what is in it",
            hints=["dvc gc --projects PATH…    (knows several projects)"],
        )
    verified: dict[str, Receipt] = {}
    failed = []
    models = {model.name: model for model in workspace.config.models}
    for found in survey(workspace, hub):
        for proof in verify_model(workspace, hub, models[found.name], found, hash_cached=True):
            if proof.problems or proof.revision is None:
                failed.append(proof)
                continue
            receipt = read_receipt(hub, found.repo, proof.revision, workspace.state)
            if receipt is not None:
                verified[proof.tag] = receipt
    return cache, plan_collect(cache, verified, _in_use(workspace), cache.leftovers(_LEFTOVER_AGE)), tuple(failed)


def _in_use(workspace: Workspace) -> Iterator[str]:
    """Content of the versions that stand in the work tree and at HEAD."""
    repo = workspace.repo
    head = repo.head()
    with repo.reader() as reader:
        trees: list[CommitTree | WorkTree] = [WorkTree(repo), *([CommitTree(repo, reader, head)] if head else [])]
        for tree in trees:
            for pointer in list_outputs(tree).pointers:
                if pointer.md5 is not None and pointer.cached:
                    yield pointer.md5
                    yield from (file.md5 for file in _files(workspace, tree, pointer))


def _files(workspace: Workspace, tree: CommitTree | WorkTree, pointer: OutputPointer) -> tuple[OutputFile, ...]:
    try:
        return load_output(tree, pointer, [workspace.dvc(pointer.dvc_root).cache.read_dir_object]).files
    except HfverError:  # its list of files is not in the cache, so that nothing of it can be known to be in use
        return ()
