"""Bringing a pull request into its branch as one commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygit2

from hfver.local_hub.discussions import Discussion
from hfver.local_hub.errors import conflict
from hfver.local_hub.git.objects import ObjectWriter
from hfver.local_hub.git.ref_names import HEADS
from hfver.local_hub.git.refs import write_ref
from hfver.local_hub.git.repository import GitRepository, Signature
from hfver.local_hub.git.writing import write_commit

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub
    from hfver.local_hub.repos import Repo


def merge(hub: Hub, repo: Repo, pull_request: Discussion, author: Signature) -> str:
    """The commit the branch is at afterwards. Conflicting changes are refused, not guessed at."""
    assert pull_request.base is not None
    with hub.git.locked(repo.id), ObjectWriter(hub.git.path(repo.id)) as writer:
        git = hub.git.open(repo.id)
        head = git.resolve(pull_request.ref).commit
        base = git.resolve(HEADS + pull_request.base).commit
        tree = merged_tree(git, base, head)
        if tree is None:
            raise conflict(f"{conflicting_files(git, base, head)} changed on both sides.")
        if tree == git.commit(base).tree:
            return base
        message = f"{pull_request.title} (#{pull_request.num})"
        commit = write_commit(writer, tree, (base,), author, message)
        writer.publish()
        write_ref(git.path, HEADS + pull_request.base, commit)
    hub.repos.touch(repo)
    return commit


def merged_tree(git: GitRepository, base: str, head: str) -> str | None:
    """The tree that has the changes of both; None when they conflict. libgit2 writes new folders itself."""
    index = _merged(git, base, head)
    return None if index.conflicts else str(index.write_tree(git.raw))


def conflicting_files(git: GitRepository, base: str, head: str) -> list[str]:
    index = _merged(git, base, head)
    sides = [side for entry in index.conflicts or () for side in entry if side is not None]
    return sorted({side.path for side in sides})


def _merged(git: GitRepository, base: str, head: str) -> pygit2.Index:
    return git.raw.merge_commits(base, head)
