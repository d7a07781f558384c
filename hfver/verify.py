"""Proves that git, DVC and the Hub agree about a version, or says exactly where they do not.

The chain, link by link: the git tag's commit is the one the Hub's release names; the pointer at that commit is the oid
in the receipt; the directory object rebuilt from the receipt hashes to that oid; the Hub's tree holds exactly the
receipt's files, large ones by the sha256 in its listing, small ones by git's blob id. No weight is downloaded, except
with ``deep``, which reads and hashes everything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hfver.adapters.git_tree import CommitTree
from hfver.alignment import Alignment, VersionState
from hfver.errors import HfverError, IntegrityError
from hfver.hub_state import HubState, PublishedRelease
from hfver.hub_view import read_receipt
from hfver.model import OutputFile
from hfver.outputs.dir_object import directory_id
from hfver.paths import ATTRIBUTES_PATH, CARD_PATH, RECEIPT_PATH
from hfver.receipt import Receipt
from hfver.release import model_at, pointer_at
from hfver.survey import ModelSurvey

if TYPE_CHECKING:
    from hfver.adapters.git_objects import ObjectReader
    from hfver.adapters.hub_client import HubClient, TreeFile
    from hfver.config.settings import ModelConfig
    from hfver.workspace import Workspace

_READ_AT_ONCE = 32 * 1024 * 1024  # bytes of a file that is no weight; larger regular files do not exist on a Hub


@dataclass(frozen=True, slots=True)
class Proof:
    """What verifying one version found. ``problems`` name the file and both digests; empty when all agrees."""

    tag: str
    state: VersionState
    commit: str | None
    revision: str | None
    files: int = 0
    size: int = 0  # bytes
    problems: tuple[str, ...] = ()


def verify_model(
    workspace: Workspace,
    hub: HubClient,
    model: ModelConfig,
    survey: ModelSurvey,
    *,
    only: Sequence[str] = (),
    deep: bool = False,
) -> Iterator[Proof]:
    """Prove every version of a model, or those in ``only``; newest first."""
    releases = {release.revision: release for release in survey.hub.releases()}
    with workspace.repo.reader() as reader:
        for item in survey.versions:
            if not only or item.tag in only:
                yield _prove(workspace, hub, model, survey.hub, item, releases, reader, deep=deep)


def _prove(
    workspace: Workspace,
    hub: HubClient,
    model: ModelConfig,
    state: HubState,
    item: Alignment,
    releases: Mapping[str, PublishedRelease],
    reader: ObjectReader,
    *,
    deep: bool,
) -> Proof:
    proof = Proof(item.tag, item.state, item.commit, item.revision)
    if item.state is not VersionState.ALIGNED:
        return replace(proof, problems=(item.detail or f"{item.tag} is {item.state}",))
    assert item.commit is not None
    assert item.revision is not None
    try:
        receipt = read_receipt(hub, state.repo, item.revision, workspace.state)
        if receipt is None:
            problem = f"{state.repo}@{item.tag} has no {RECEIPT_PATH}"
            return replace(proof, state=VersionState.TAMPERED, problems=(problem,))
        tree = CommitTree(workspace.repo, reader, item.commit, item.tag)
        problems = [
            *_chain_problems(workspace, model, tree, releases[item.revision], receipt),
            *_tree_problems(workspace, hub, state.repo, item, receipt),
        ]
        if deep and not problems:
            problems += _content_problems(hub, state.repo, item.revision, receipt)
    except IntegrityError as error:
        return replace(proof, state=VersionState.TAMPERED, problems=(error.message,))
    found = VersionState.TAMPERED if problems else VersionState.ALIGNED
    return replace(proof, state=found, files=len(receipt.files), size=receipt.size, problems=tuple(problems))


def _chain_problems(
    workspace: Workspace, model: ModelConfig, tree: CommitTree, release: PublishedRelease, receipt: Receipt
) -> Iterator[str]:
    """git tag ↔ DVC oid ↔ receipt ↔ the trailers of the release commit."""
    if receipt.git is None or receipt.git.commit != tree.commit:
        made_from = receipt.git.commit[:8] if receipt.git else "no commit"
        yield f"the receipt was made from {made_from}, the git tag is {tree.commit[:8]}"
    if receipt.tree != release.trailers.tree:
        yield f"the receipt's tree is {receipt.tree}, the release commit says {release.trailers.tree}"
    if directory_id(receipt.files) != receipt.md5 and not _is_single(receipt):
        yield f"the receipt's files hash to {directory_id(receipt.files)}, its oid is {receipt.md5}"
    path = model.path
    if receipt.path != path:
        path = model_at(model, workspace.repo.tag(receipt.tag)).path
    try:
        pointer = pointer_at(workspace, tree, path)
    except HfverError as error:
        yield error.message
        return
    if not pointer.subpath and pointer.md5 is not None and pointer.md5 != receipt.md5:
        yield f"{pointer.pointer_file} records {pointer.md5}, the receipt {receipt.md5}"


def _is_single(receipt: Receipt) -> bool:
    return len(receipt.files) == 1 and receipt.files[0].md5 == receipt.md5


def _tree_problems(workspace: Workspace, hub: HubClient, repo: str, item: Alignment, receipt: Receipt) -> Iterator[str]:
    """Receipt ↔ Hub tree: what is missing, what is too much, what differs."""
    assert item.revision is not None
    listed = hub.tree(repo, item.revision)
    expected = {file.path: file for file in receipt.files}
    own = {RECEIPT_PATH, ATTRIBUTES_PATH, CARD_PATH}
    for path in sorted(listed.keys() - expected.keys() - own):
        yield f"{path} is in the Hub's tree but not in the receipt"
    for path, file in sorted(expected.items()):
        entry = listed.get(path)
        if entry is None:
            yield f"{path} is in the receipt but not in the Hub's tree"
        elif entry.size != file.size:
            yield f"{path} has {entry.size} bytes on the Hub, {file.size} in the receipt"
        elif entry.sha256 is not None:
            if entry.sha256 != file.sha256:
                yield f"{path} has sha256 {entry.sha256} on the Hub, {file.sha256} in the receipt"
        else:
            yield from _blob_problem(workspace, hub, repo, item.revision, file, entry)


def _blob_problem(
    workspace: Workspace, hub: HubClient, repo: str, revision: str, file: OutputFile, entry: TreeFile
) -> Iterator[str]:
    """A small file is a git blob on the Hub: compare ids when its bytes are here, else read it."""
    cached = workspace.dvc().cache.object_path(file.md5)
    if cached.is_file() and cached.stat().st_size == file.size:
        data = cached.read_bytes()
        if hashlib.sha256(data).hexdigest() == file.sha256:
            if blob_id(data) != entry.blob:
                yield f"{file.path} is git blob {entry.blob} on the Hub, {blob_id(data)} in the receipt's content"
            return
    remote = hub.read(repo, revision, file.path, limit=_READ_AT_ONCE)
    found = None if remote is None else hashlib.sha256(remote).hexdigest()
    if found != file.sha256:
        yield f"{file.path} has sha256 {found} on the Hub, {file.sha256} in the receipt"


def blob_id(data: bytes) -> str:
    """git's id of a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _content_problems(hub: HubClient, repo: str, revision: str, receipt: Receipt) -> Iterator[str]:
    for file, digests in hub.hash_files(repo, revision, receipt.files):
        if digests.sha256 != file.sha256:
            yield f"{file.path} downloads with sha256 {digests.sha256}, {file.sha256} in the receipt"
        elif digests.md5 != file.md5 and receipt.hash_name == "md5":
            yield f"{file.path} downloads with md5 {digests.md5}, {file.md5} in the receipt"


def shard(names: Sequence[str], index: int, count: int) -> list[str]:
    """Part ``index`` (from 1) of ``count``: by a digest of the name, so that parts stay the same as versions come."""
    return [name for name in names if int(hashlib.sha256(name.encode()).hexdigest(), 16) % count == index - 1]


def drifted(proofs: Iterable[Proof]) -> list[Proof]:
    return [proof for proof in proofs if proof.problems]
