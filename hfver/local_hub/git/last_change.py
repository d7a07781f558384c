"""Which commit last changed each of some paths: history is walked once for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pygit2.enums import ObjectType

from hfver.local_hub.git.repository import Commit, GitRepository
from hfver.local_hub.git.tree_edit import parse_tree


def last_changes(git: GitRepository, start: str, paths: Iterable[str]) -> dict[str, Commit]:
    """A path belongs to the newest commit in which it differs from what every parent has there."""
    wanted = set(paths)
    found: dict[str, Commit] = {}
    reader = _Paths(git)
    for commit in git.history(start):
        if not wanted:
            break
        here = reader.at(commit.tree, wanted)
        before = [reader.at(git.commit(parent).tree, wanted) for parent in commit.parents]
        changed = {path for path in wanted if all(here[path] != parent[path] for parent in before)}
        found.update(dict.fromkeys(changed, commit))
        wanted -= changed
    return found


class _Paths:
    """Object ids at paths, folder by folder; a folder that did not change is read once for all commits."""

    def __init__(self, git: GitRepository) -> None:
        self._git = git
        self._folders: dict[str, Mapping[str, str | None]] = {}

    def at(self, tree: str, paths: Iterable[str]) -> dict[str, str | None]:
        folders: dict[str, str | None] = {"": tree}
        return {path: self._find(folders, path) for path in paths}

    def _find(self, folders: dict[str, str | None], path: str) -> str | None:
        parent, _, name = path.rpartition("/")
        if parent not in folders:
            folders[parent] = self._find(folders, parent)
        return self._children(folders[parent]).get(name)

    def _children(self, oid: str | None) -> Mapping[str, str | None]:
        if oid is None:
            return {}
        if oid not in self._folders:
            kind, data = self._git.raw.odb.read(oid)
            entries = parse_tree(data) if kind == ObjectType.TREE else {}
            self._folders[oid] = {name: entry.oid for name, entry in entries.items()}
        return self._folders[oid]
