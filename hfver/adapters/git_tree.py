"""The files of a commit or of the work tree, as ``resolve.Tree``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from hfver.adapters.git_objects import ObjectReader, TreeEntry
from hfver.adapters.git_repo import GitRepo
from hfver.errors import StateError
from hfver.small_files import LARGEST, TooLargeError, UnreadError, read_small


class CommitTree:
    def __init__(self, repo: GitRepo, reader: ObjectReader, commit: str, name: str | None = None) -> None:
        self.commit = commit
        self.label = name or f"commit {commit[:10]}"
        self._repo = repo
        self._reader = reader

    def read(self, path: str, largest: int = LARGEST) -> bytes | None:
        try:
            return self._reader.read(f"{self.commit}:{path}", largest)
        except TooLargeError as error:
            raise self._named(error, path) from error

    def read_many(self, paths: Sequence[str], largest: int = LARGEST) -> Sequence[bytes | UnreadError | None]:
        contents = self._reader.read_many([f"{self.commit}:{path}" for path in paths], largest)
        return [
            self._named(content, path) if isinstance(content, TooLargeError) else content
            for path, content in zip(paths, contents, strict=True)
        ]

    def _named(self, error: TooLargeError, path: str) -> TooLargeError:
        return TooLargeError(f"{path} at {self.label}", error.size, error.largest)

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
        self._top = repo.top.resolve()

    def read(self, path: str, largest: int = LARGEST) -> bytes | None:
        """A file's bytes, None without one. StateError for a link out of the repository: what it leads to is not part
        of it, and what is read here gets published."""
        place = self._repo.top / path
        target = place.resolve()
        if not target.is_relative_to(self._top):
            raise StateError(f"{path} leads out of the repository (to {target}): it is not read", hints=[f"rm {path}"])
        try:
            return read_small(place, largest, name=path)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def read_many(self, paths: Sequence[str], largest: int = LARGEST) -> Sequence[bytes | UnreadError | None]:
        return [self._answer(path, largest) for path in paths]

    def _answer(self, path: str, largest: int) -> bytes | UnreadError | None:
        try:
            return self.read(path, largest)
        except UnreadError as error:
            return error

    def paths(self) -> Sequence[str]:
        return self._paths

    @cached_property
    def _paths(self) -> tuple[str, ...]:
        listing = self._repo.run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        return tuple(dict.fromkeys(path for path in listing.split("\0") if path))  # conflicts are listed three times
