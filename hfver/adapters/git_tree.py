"""The files of a commit or of the work tree, as ``resolve.Tree``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from hfver.adapters.git_objects import ObjectReader, TreeEntry
from hfver.adapters.git_repo import GitRepo


class CommitTree:
    def __init__(self, repo: GitRepo, reader: ObjectReader, commit: str, name: str | None = None) -> None:
        self.commit = commit
        self.label = name or f"commit {commit[:10]}"
        self._repo = repo
        self._reader = reader

    def read(self, path: str) -> bytes | None:
        return self._reader.read(f"{self.commit}:{path}")

    def read_many(self, paths: Sequence[str]) -> Sequence[bytes | None]:
        return list(self._reader.read_many([f"{self.commit}:{path}" for path in paths]))

    def paths(self) -> Sequence[str]:
        return self._paths

    @property
    def top(self) -> Path:
        return self._repo.top

    @cached_property
    def entries(self) -> tuple[TreeEntry, ...]:
        return self._repo.list_tree(self.commit)

    @cached_property
    def _paths(self) -> tuple[str, ...]:
        return tuple(entry.path for entry in self.entries if entry.kind == "blob")


class WorkTree:
    """What the user sees: tracked and new files, without ignored ones."""

    commit = None
    label = "the workspace"

    def __init__(self, repo: GitRepo) -> None:
        self._repo = repo

    def read(self, path: str) -> bytes | None:
        try:
            return (self._repo.top / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def read_many(self, paths: Sequence[str]) -> Sequence[bytes | None]:
        return [self.read(path) for path in paths]

    def paths(self) -> Sequence[str]:
        return self._paths

    @cached_property
    def _paths(self) -> tuple[str, ...]:
        listing = self._repo.run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        return tuple(dict.fromkeys(path for path in listing.split("\0") if path))  # conflicts are listed three times
