"""One bare repository: reading revisions, trees, files and history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pygit2
from pygit2.enums import SortMode

from hfver.local_hub.errors import entry_not_found
from hfver.local_hub.git import refs
from hfver.local_hub.git.facts import BlobFacts, FactsCache
from hfver.local_hub.git.pointers import Pointer
from hfver.local_hub.git.tree_edit import Blob, Folder, TreeEditor, parse_tree


@dataclass(frozen=True, slots=True)
class Signature:
    name: str
    email: str
    seconds: int

    def text(self) -> str:
        clean = "".join(c for c in self.name if c not in "<>\n\r\0").strip() or "unknown"
        return f"{clean} <{self.email}> {self.seconds} +0000"


@dataclass(frozen=True, slots=True)
class Commit:
    oid: str
    tree: str
    parents: tuple[str, ...]
    message: str
    author: str
    seconds: int

    @property
    def title(self) -> str:
        return self.message.partition("\n")[0]

    @property
    def description(self) -> str:
        return self.message.partition("\n")[2].strip("\n")


@dataclass(frozen=True, slots=True)
class Entry:
    path: str
    oid: str
    is_folder: bool


@dataclass(frozen=True, slots=True)
class File:
    """A file at a revision: a git blob, or a pointer to content stored elsewhere."""

    path: str
    oid: str
    facts: BlobFacts

    @property
    def pointer(self) -> Pointer | None:
        return self.facts.pointer

    @property
    def size(self) -> int:
        return self.facts.pointer.size if self.facts.pointer else self.facts.size


class GitRepository:
    """Opened for one operation and used by one thread: libgit2's handles are not made to be shared."""

    def __init__(self, path: Path, facts: FactsCache) -> None:
        self.path = path
        self.raw = pygit2.Repository(str(path))
        self._facts = facts

    def resolve(self, revision: str) -> refs.Revision:
        return refs.resolve(self.raw, revision)

    def head(self, ref: str) -> str | None:
        return refs.ref_commit(self.raw, ref)

    def commit(self, oid: str) -> Commit:
        found = self.raw[oid]
        assert isinstance(found, pygit2.Commit)
        parents = tuple(str(parent) for parent in found.parent_ids)
        author = found.author.name
        return Commit(str(found.id), str(found.tree_id), parents, found.message, author, found.commit_time)

    def history(self, oid: str, *, skip: int = 0, count: int | None = None) -> Iterator[Commit]:
        """Commits from `oid` on, newest first, children before parents."""
        walker = self.raw.walk(oid, SortMode.TOPOLOGICAL | SortMode.TIME)
        for found in islice(walker, skip, None if count is None else skip + count):
            yield self.commit(str(found.id))

    def read(self, oid: str) -> bytes:
        data: bytes = self.raw.odb.read(oid)[1]
        return data

    def editor(self, tree: str | None) -> TreeEditor:
        return TreeEditor(self.read, Folder(oid=tree))

    def lookup(self, commit: str, path: str) -> Blob | Folder | None:
        """What lies at a path; the empty path is the root folder."""
        root = Folder(oid=self.commit(commit).tree)
        return self.editor(root.oid).find(path) if path else root

    def file(self, commit: str, path: str) -> File:
        found = self.lookup(commit, path)
        if not isinstance(found, Blob):
            raise entry_not_found(path, commit=commit)
        return File(path, found.oid, self.facts(found.oid))

    def small_file(self, commit: str, path: str) -> bytes | None:
        """A file that is in git itself, None when it is not."""
        found = self.lookup(commit, path)
        if not isinstance(found, Blob) or self.facts(found.oid).pointer:
            return None
        return self.read(found.oid)

    def facts(self, oid: str) -> BlobFacts:
        return self._facts.of(self.raw, oid)

    def entries(self, tree: str, *, prefix: str = "", recursive: bool) -> Iterator[Entry]:
        """Entries of a folder in git's order; a sub-folder comes right before what it holds."""
        for name, entry in parse_tree(self.read(tree)).items():
            path = f"{prefix}{name}"
            oid = entry.oid
            assert oid is not None
            is_folder = isinstance(entry, Folder)
            yield Entry(path, oid, is_folder)
            if is_folder and recursive:
                yield from self.entries(oid, prefix=f"{path}/", recursive=True)
