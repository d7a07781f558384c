"""Whether the configs of a release are where its receipt says."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Protocol

from hfver.alignment import VersionState
from hfver.hub_state import HubRefs
from hfver.receipt import Receipt
from hfver.verify_proof import Proof


class RefsReader(Protocol):
    def refs(self, repo: str, *, repo_type: str = ...) -> HubRefs | None: ...


class MirrorTags:
    """Tags of configs repositories; each repository is asked once."""

    def __init__(self, hub: RefsReader, repo_type: str) -> None:
        self._hub = hub
        self._repo_type = repo_type
        self._known: dict[str, Collection[str]] = {}

    def check(self, proof: Proof, receipt: Receipt | None) -> Proof:
        """The proof, incomplete where everything else is right and the configs are missing."""
        if receipt is None or receipt.configs is None or proof.problems:
            return proof
        repo, tag = receipt.configs.repo, receipt.configs.revision
        if tag in self._tags(repo):
            return proof
        problem = f"{repo} has no {tag}: the configs of this release are missing; `hfver push {proof.tag}` sends them"
        return replace(proof, state=VersionState.INCOMPLETE, problems=(problem,))

    def _tags(self, repo: str) -> Collection[str]:
        if repo not in self._known:
            refs = self._hub.refs(repo, repo_type=self._repo_type)
            self._known[repo] = refs.tags if refs is not None else ()
        return self._known[repo]
