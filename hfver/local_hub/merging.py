"""Bringing a pull request into its branch as one commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygit2
from pygit2.enums import DeltaStatus

from hfver.local_hub.discussions import Discussion
from hfver.local_hub.errors import conflict
from hfver.local_hub.git.objects import ObjectWriter
from hfver.local_hub.git.ref_names import HEADS
from hfver.local_hub.git.refs import write_ref
from hfver.local_hub.git.repository import GitRepository, Signature
from hfver.local_hub.git.tree_edit import Blob
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
        tree = _merged_tree(git, base, head, writer)
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


def _merged_tree(git: GitRepository, base: str, head: str, writer: ObjectWriter) -> str | None:
    """The tree that has the changes of both; None when they conflict. libgit2 would write it, but never syncs."""
    index = _merged(git, base, head)
    if index.conflicts:
        return None
    editor = git.editor(git.commit(base).tree)
    changes = git.raw[git.commit(base).tree].diff_to_index(index).deltas
    changes = sorted(changes, key=lambda change: change.status != DeltaStatus.DELETED)  # a file may become a folder
    for change in changes:
        if change.status == DeltaStatus.DELETED:
            editor.remove(change.old_file.path)
        else:
            # The lines of both sides may have made a new file.
            oid = writer.write("blob", git.read(str(change.new_file.id)))
            editor.put(change.new_file.path, Blob(oid, change.new_file.mode))
    return editor.write(writer.write)


def changes_text(git: GitRepository, base: str, head: str, *, longest: int) -> str:
    """What `head` changes since it left `base`, as a patch that ends with the file that exceeds the bound."""
    common = git.raw.merge_base(base, head)
    parts: list[bytes] = []
    size = 0
    for patch in git.raw.diff(str(common), head) if common is not None else ():
        if patch is not None and size < longest:
            parts.append(patch.data)
            size += len(patch.data)
    return b"".join(parts).decode("utf-8", "replace")


def conflicting_files(git: GitRepository, base: str, head: str) -> list[str]:
    index = _merged(git, base, head)
    sides = [side for entry in index.conflicts or () for side in entry if side is not None]
    return sorted({side.path for side in sides})


def _merged(git: GitRepository, base: str, head: str) -> pygit2.Index:
    return git.raw.merge_commits(base, head)
