"""Proves that git, DVC and the Hub agree about a version, or says exactly where they do not.

The chain, link by link: the git tag's commit is the one the Hub's release names; the pointer at that commit is the oid
in the receipt; the directory object rebuilt from the receipt hashes to that oid; the Hub's tree holds exactly the
receipt's files, large ones by the sha256 in its listing, small ones by git's blob id; the mirror has the same receipt
under the same tag. git knows no sha256: one that somebody forged in a receipt is found where the content was ever
hashed, or still is in DVC's cache. No weight is downloaded, except with ``deep``, which reads and hashes everything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hfver.adapters.git_tree import CommitTree
from hfver.alignment import Alignment, VersionState
from hfver.errors import HfverError, IntegrityError, StateError
from hfver.hashing import Digests, Hasher, HashName, hash_file
from hfver.hub_state import HubState, PublishedRelease
from hfver.hub_view import read_receipt
from hfver.mirror.plan import RELEASES
from hfver.model import OutputFile
from hfver.outputs.at_commit import output_at, pointer_at
from hfver.outputs.dir_object import directory_id
from hfver.paths import ATTRIBUTES_PATH, CARD_PATH, RECEIPT_PATH
from hfver.receipt import MAX_BYTES, Receipt, parse_receipt
from hfver.state import Content
from hfver.survey import ModelSurvey
from hfver.target import target_of

if TYPE_CHECKING:
    from hfver.adapters.dvc_cache import DvcCache
    from hfver.adapters.git_objects import ObjectReader
    from hfver.adapters.hub_client import HubClient, TreeFile
    from hfver.config.settings import ModelConfig
    from hfver.model import OutputPointer
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
    only: Collection[str] = (),
    deep: bool = False,
    hash_cached: bool = False,
) -> Iterator[Proof]:
    """Prove every version of a model, or those in ``only``; newest first.

    ``hash_cached`` reads what DVC's cache has of a version and nobody has hashed yet: for those who rely on the Hub's
    copy being the same.
    """
    prover = _Prover(workspace, hub, model, survey.hub, deep=deep, hash_cached=hash_cached)
    chosen = frozenset(only)
    with workspace.repo.reader() as reader:
        for item in survey.versions:
            if not chosen or item.tag in chosen:
                yield prover.prove(item, reader)


class _Prover:
    """Proves versions of one model."""

    def __init__(
        self,
        workspace: Workspace,
        hub: HubClient,
        model: ModelConfig,
        state: HubState,
        *,
        deep: bool,
        hash_cached: bool,
    ) -> None:
        self._workspace, self._hub, self._model, self._repo = workspace, hub, model, state.repo
        self._releases = {release.revision: release for release in state.releases()}
        self._deep, self._hash_cached = deep, hash_cached

    def prove(self, item: Alignment, reader: ObjectReader) -> Proof:
        proof = Proof(item.tag, item.state, item.commit, item.revision)
        if item.state is not VersionState.ALIGNED:
            return replace(proof, problems=(item.detail or f"{item.tag} is {item.state}",))
        assert item.commit is not None
        assert item.revision is not None
        try:
            named = self._releases[item.revision].trailers.tree
            receipt = read_receipt(self._hub, self._repo, item.revision, self._workspace.state, tree=named)
        except IntegrityError as error:
            return replace(proof, state=VersionState.TAMPERED, problems=(error.message,))
        if receipt is None:
            problem = f"{self._repo}@{item.tag} has no {RECEIPT_PATH}"
            return replace(proof, state=VersionState.TAMPERED, problems=(problem,))
        tree = CommitTree(self._workspace.repo, reader, item.commit, item.tag)
        try:
            pointer, oid = _recorded(self._workspace, self._model, tree, receipt)
        except IntegrityError as error:  # the list of files that would say it is lost
            return replace(proof, state=VersionState.UNRECOVERABLE, problems=(error.message,))
        except HfverError as error:
            return replace(proof, state=VersionState.TAMPERED, problems=(error.message,))
        problems = self._problems(item.revision, tree.commit, receipt, pointer, oid)
        found = VersionState.TAMPERED if problems else VersionState.ALIGNED
        return replace(proof, state=found, files=len(receipt.files), size=receipt.size, problems=tuple(problems))

    def _problems(self, revision: str, commit: str, receipt: Receipt, pointer: OutputPointer, oid: str) -> list[str]:
        content = _ContentHere(self._workspace, receipt, pointer)
        problems = [
            *_chain_problems(self._releases[revision], commit, receipt, pointer, oid),
            *content.problems(self._published(revision, pointer.hash_name), hash_cached=self._hash_cached),
            *_tree_problems(self._hub, self._repo, revision, receipt, content),
            *_mirror_problems(self._hub, self._workspace.config.config_repo_type, receipt),
        ]
        if self._deep and not problems:
            problems += _download_problems(self._hub, self._repo, revision, receipt, pointer.hash_name)
        return problems

    def _published(self, revision: str, hash_name: HashName) -> Callable[[OutputFile], Digests]:
        def read(file: OutputFile) -> Digests:
            [(_, found)] = self._hub.hash_files(self._repo, revision, [file], hash_name=hash_name)
            return found

        return read


def _recorded(
    workspace: Workspace, model: ModelConfig, tree: CommitTree, receipt: Receipt
) -> tuple[OutputPointer, str]:
    """What git says the version is: its pointer and its oid."""
    # The model may have stood elsewhere then, which the configuration of its own commit knows, or the tag.
    path = model.path if receipt.path == model.path else target_of(workspace, tree.label).model.path
    pointer = pointer_at(workspace, tree, path)
    if pointer.subpath or pointer.md5 is None:  # git records the whole; what its part is, the list of files says
        return pointer, output_at(workspace, tree, path).oid
    return pointer, pointer.md5


def _chain_problems(
    release: PublishedRelease, commit: str, receipt: Receipt, pointer: OutputPointer, oid: str
) -> Iterator[str]:
    """git tag ↔ DVC oid ↔ receipt ↔ the trailers of the release commit."""
    if receipt.tag != release.tag:
        yield f"the receipt is that of {receipt.tag}"
    if receipt.git is None or receipt.git.commit != commit:
        made_from = receipt.git.commit[:8] if receipt.git else "no commit"
        yield f"the receipt was made from {made_from}, the git tag is {commit[:8]}"
    if directory_id(receipt.files) != receipt.md5 and not _is_single(receipt):
        yield f"the receipt's files hash to {directory_id(receipt.files)}, its oid is {receipt.md5}"
    if oid != receipt.md5:
        yield f"{pointer.pointer_file} records {oid}, the receipt {receipt.md5}"


def _is_single(receipt: Receipt) -> bool:
    return len(receipt.files) == 1 and receipt.files[0].md5 == receipt.md5


class _ContentHere:
    """What this machine knows, from elsewhere than the receipt, about the content the receipt names.

    git and DVC know md5s only. Somebody who can write to the Hub could put other bytes there and their sha256 into the
    receipt, beside the md5 of the right ones.
    """

    def __init__(self, workspace: Workspace, receipt: Receipt, pointer: OutputPointer) -> None:
        self.hash_name = pointer.hash_name
        self._state, self._receipt = workspace.state, receipt
        # A legacy md5 is that of the text with its line ends changed: two contents can have it.
        names = [file.md5 for file in receipt.files] if self.hash_name == "md5" else []
        self._known = workspace.state.proven_content(names)
        self._cache: DvcCache | None = None
        with suppress(StateError):  # DVC is not set up in this work tree
            self._cache = workspace.dvc(pointer.dvc_root).cache

    def cached(self, file: OutputFile) -> Path | None:
        path = self._cache.object_path(file.md5, self.hash_name) if self._cache is not None else None
        return path if path is not None and path.is_file() else None

    def problems(self, published: Callable[[OutputFile], Digests], *, hash_cached: bool) -> Iterator[str]:
        """Receipt ↔ what the content that DVC recorded hashes to. ``published`` reads the Hub's copy of a file.

        What is only remembered accuses nobody: where it differs, the bytes decide, those here or else the Hub's.
        """
        for file in self._receipt.files:
            known = self._known.get(file.md5)
            if known is not None and (known.size, known.sha256) == (file.size, file.sha256):
                continue
            hashed = self._hashed(file) if known is not None or hash_cached else None
            if hashed is None and known is not None and self._is_as_released(file, published(file)):
                continue
            known = hashed or known
            if known is not None and known.sha256 != file.sha256:
                yield (
                    f"{file.path} has sha256 {file.sha256} in the receipt, {known.sha256} where DVC's md5 {file.md5} "
                    "was checked"
                )

    def _is_as_released(self, file: OutputFile, found: Digests) -> bool:
        """Whether the bytes have both digests; then it was the memory that was wrong."""
        right = (found.md5, found.size, found.sha256) == (file.md5, file.size, file.sha256)
        if right:
            self._state.remember_content([Content(found.md5, found.size, found.sha256)])
        return right

    def _hashed(self, file: OutputFile) -> Content | None:
        cached = self.cached(file)
        if cached is None:
            return None
        found = hash_file(cached, hash_name=self.hash_name)
        if found.md5 != file.md5:  # damaged here, which proves nothing about there
            return None
        content = Content(found.md5, found.size, found.sha256)
        if self.hash_name == "md5":
            self._state.remember_content([content])
        return content


def _tree_problems(hub: HubClient, repo: str, revision: str, receipt: Receipt, content: _ContentHere) -> Iterator[str]:
    """Receipt ↔ Hub tree: what is missing, what is too much, what differs."""
    listed = hub.tree(repo, revision)
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
        elif problem := _blob_problem(hub, repo, revision, file, entry, content):
            yield problem


def _blob_problem(
    hub: HubClient, repo: str, revision: str, file: OutputFile, entry: TreeFile, content: _ContentHere
) -> str | None:
    """A small file is a git blob on the Hub: compare ids when its bytes are here, else read it."""
    cached = content.cached(file)
    if cached is not None and cached.stat().st_size == file.size:
        data = cached.read_bytes()
        if hashlib.sha256(data).hexdigest() == file.sha256:
            same = blob_id(data) == entry.blob
            return None if same else f"{file.path} is git blob {entry.blob} on the Hub, {blob_id(data)} here"
    remote = hub.read(repo, revision, file.path, limit=_READ_AT_ONCE)
    if remote is None:
        return f"{file.path} cannot be read on the Hub"
    hasher = Hasher(content.hash_name)
    hasher.update(remote)
    return _digest_problem(file, hasher.digests(), "is on the Hub")


def _digest_problem(file: OutputFile, found: Digests, verb: str) -> str | None:
    if found.sha256 != file.sha256:
        return f"{file.path} {verb} with sha256 {found.sha256}, {file.sha256} in the receipt"
    if found.md5 != file.md5:
        return f"{file.path} {verb} with md5 {found.md5}, {file.md5} in the receipt"
    return None


def _mirror_problems(hub: HubClient, repo_type: str, receipt: Receipt) -> Iterator[str]:
    """Receipt ↔ its copy in the mirror: a tag there that was moved holds another one, or none."""
    if receipt.configs is None:
        return
    from hfver.adapters.hub_client import NotOnHubError

    repo, revision = receipt.configs.repo, receipt.configs.revision
    path = f"{RELEASES}{receipt.tag}.json"
    try:
        copy = hub.read(repo, revision, path, limit=MAX_BYTES, repo_type=repo_type)
    except NotOnHubError:
        copy = None
    if copy is None or parse_receipt(copy, where=f"{repo}@{revision}") != receipt:
        yield f"{repo}@{revision} has {'no' if copy is None else 'another'} {path}"


def blob_id(data: bytes) -> str:
    """git's id of a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _download_problems(
    hub: HubClient, repo: str, revision: str, receipt: Receipt, hash_name: HashName
) -> Iterator[str]:
    for file, digests in hub.hash_files(repo, revision, receipt.files, hash_name=hash_name):
        if problem := _digest_problem(file, digests, "downloads"):
            yield problem


def shard(names: Sequence[str], index: int, count: int) -> list[str]:
    """Part ``index`` (from 1) of ``count``: by a digest of the name, so that parts stay the same as versions come."""
    return [name for name in names if int(hashlib.sha256(name.encode()).hexdigest(), 16) % count == index - 1]
