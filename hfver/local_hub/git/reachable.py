"""Everything a repository's refs reach, each tree looked at once however many commits share it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hfver.local_hub.git.pointers import Pointer
from hfver.local_hub.git.refs import all_refs
from hfver.local_hub.git.repository import Commit, GitRepository


@dataclass(frozen=True, slots=True)
class PointerFile:
    """A large file somewhere in history; `commit` is one that has it."""

    path: str
    oid: str
    pointer: Pointer
    commit: Commit


def pointer_files(git: GitRepository) -> Iterator[PointerFile]:
    """Each large file once per path and content, newest commits first."""
    commits: set[str] = set()
    folders: set[tuple[str, str]] = set()
    for ref in all_refs(git.raw):
        for commit in git.history(ref.commit):
            if commit.oid not in commits:
                commits.add(commit.oid)
                yield from _below(git, commit, commit.tree, "", folders)


def _below(
    git: GitRepository, commit: Commit, tree: str, prefix: str, seen: set[tuple[str, str]]
) -> Iterator[PointerFile]:
    if (tree, prefix) in seen:
        return
    seen.add((tree, prefix))
    for entry in git.entries(tree, prefix=prefix, recursive=False):
        if entry.is_folder:
            yield from _below(git, commit, entry.oid, f"{entry.path}/", seen)
            continue
        if (entry.oid, entry.path) in seen:
            continue
        seen.add((entry.oid, entry.path))
        pointer = git.facts(entry.oid).pointer
        if pointer is not None:
            yield PointerFile(entry.path, entry.oid, pointer, commit)
