"""Reading a Hub repository's state, asking only for what is not known yet.

One request lists the refs. Histories are remembered commit by commit, so a branch whose head is known costs nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from hfver.errors import IntegrityError
from hfver.hub_state import MAIN, HubCommit, HubRefs, HubState, missing_repo
from hfver.paths import RECEIPT_PATH
from hfver.receipt import MAX_BYTES, Receipt, parse_receipt
from hfver.small_json import parse_json
from hfver.state import State

log = logging.getLogger(__name__)
RELEASE_BRANCHES = "release/"


class HubReader(Protocol):
    """What reading needs of the Hub. ``place`` is what the configuration calls it: ``embedded``, or a URL."""

    @property
    def place(self) -> str: ...
    def refs(self, repo: str, *, repo_type: str = "model") -> HubRefs | None: ...
    def commits(self, repo: str, revision: str, *, until: Callable[[str], bool]) -> list[HubCommit]: ...
    def read(self, repo: str, revision: str, path: str, *, limit: int) -> bytes | None: ...


class ListCommits(Protocol):
    def __call__(self, revision: str, *, until: Callable[[str], bool]) -> list[HubCommit]: ...


def read_hub_state(hub: HubReader, repo: str, state: State) -> HubState:
    """Refs and the histories of main, the maintenance branches and every tagged commit outside them."""
    refs = hub.refs(repo)
    if refs is None:
        return missing_repo(repo)
    lines = _lines(refs, lambda head: read_line(partial(hub.commits, repo), repo, head, state))
    body = json.dumps({"branches": dict(refs.branches), "tags": dict(refs.tags)}, sort_keys=True)
    state.remember_refs(_key(hub.place, repo), body, datetime.now(UTC).isoformat(timespec="seconds"))
    return HubState(repo, exists=True, refs=refs, lines=lines)


def recall_hub_state(place: str, repo: str, state: State) -> tuple[HubState, str] | None:
    """The state as it was when that Hub was last asked, and when that was; None when it never was."""
    known = state.known_refs(_key(place, repo))
    if known is None:
        return None
    refs, asked = _refs_in(known[0]), known[1]
    if refs is None:
        return None
    return HubState(repo, exists=True, refs=refs, lines=_lines(refs, lambda head: state.known_line(repo, head))), asked


def recall_tags(place: str, repo: str, repo_type: str, state: State) -> frozenset[str] | None:
    """The tags a repository had when that Hub was last asked, None when it never was."""
    known = state.known_refs(_key(place, repo, repo_type))
    refs = _refs_in(known[0]) if known is not None else None
    return None if refs is None else frozenset(refs.tags)


def _refs_in(body: str) -> HubRefs | None:
    """Refs as they were remembered, None for what are none."""
    try:
        value = parse_json(body)
        branches, tags = dict(value["branches"]), dict(value["tags"])
    except (ValueError, LookupError, TypeError):
        return None
    texts = (*branches, *branches.values(), *tags, *tags.values())
    return HubRefs(branches, tags) if all(isinstance(text, str) for text in texts) else None


def read_tags(hub: HubReader, repo: str, repo_type: str, state: State) -> frozenset[str]:
    """The tags of a repository."""
    refs = hub.refs(repo, repo_type=repo_type)
    tags = {} if refs is None else dict(refs.tags)
    body = json.dumps({"branches": {}, "tags": tags}, sort_keys=True)
    state.remember_refs(_key(hub.place, repo, repo_type), body, datetime.now(UTC).isoformat(timespec="seconds"))
    return frozenset(tags)


def _key(place: str, repo: str, repo_type: str = "model") -> str:
    """Under what the refs of a repository are remembered; the same name may stand for another one on another Hub."""
    return f"{place.rstrip('/')} {repo_type}s/{repo}"


def read_receipt(hub: HubReader, repo: str, revision: str, state: State, *, tree: str | None = None) -> Receipt | None:
    """The receipt of a release commit; ``revision`` is a commit sha, so it is asked for at most once.

    ``tree`` is the digest of its file list that the commit's trailers name. IntegrityError when the Hub's receipt is
    none, or has another one; a remembered one that does not stand is forgotten, and the Hub asked again.
    """
    where = f"{repo}@{revision[:8]}"
    body = state.known_receipt(repo, revision)
    if body is not None:
        try:
            return _standing(body, where, tree)
        except IntegrityError as error:
            log.warning("a remembered receipt is damaged, and the Hub asked again: %s", error.message)
            state.forget_receipt(repo, revision)
    body = hub.read(repo, revision, RECEIPT_PATH, limit=MAX_BYTES)
    if body is None:
        return None
    receipt = _standing(body, where, tree)
    state.remember_receipt(repo, revision, body)
    return receipt


def _standing(body: bytes, where: str, tree: str | None) -> Receipt:
    receipt = parse_receipt(body, where=where)
    if tree is not None and receipt.tree != tree:
        raise IntegrityError(f"{where}: the receipt's tree is {receipt.tree}, the release commit says {tree}")
    return receipt


def read_line(list_commits: ListCommits, repo: str, head: str, state: State) -> tuple[HubCommit, ...]:
    """The history below a commit, newest first; only what is new in it is listed. ``repo`` is its name in the state."""
    known = state.known_line(repo, head)
    if known is not None:
        return known
    fresh = list_commits(head, until=lambda sha: state.knows_commit(repo, sha))
    below = state.known_line(repo, fresh[-1].sha) if fresh else None
    if below is not None:
        line = (*fresh[:-1], *below)
        state.remember_line(repo, line, fresh=len(fresh) - 1)
        return line
    if fresh and state.knows_commit(repo, fresh[-1].sha):  # of what was below it, something is not remembered any more
        fresh = list_commits(head, until=lambda _sha: False)
    state.remember_line(repo, fresh)
    return tuple(fresh)


def _lines(refs: HubRefs, line_of: Callable[[str], tuple[HubCommit, ...] | None]) -> dict[str, tuple[HubCommit, ...]]:
    """The histories worth knowing, by branch; a tag off every branch (its branch was deleted) has one of its own."""
    lines: dict[str, tuple[HubCommit, ...]] = {}
    seen: set[str] = set()
    branches = [name for name in refs.branches if name == MAIN or name.startswith(RELEASE_BRANCHES)]
    heads = [(name, refs.branches[name]) for name in sorted(branches, key=lambda name: (name != MAIN, name))]
    # High names first: the history below them has most others, where main was squashed.
    heads += [(f"refs/tags/{name}", target) for name, target in sorted(refs.tags.items(), reverse=True)]
    for name, head in heads:
        if name.startswith("refs/tags/") and head in seen:
            continue
        line = line_of(head) or ()
        lines[name] = line
        seen.update(commit.sha for commit in line)
    return lines
