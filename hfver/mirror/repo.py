"""One configs repository on a Hub: reading it, and commits to it that happen once.

The same means as for releases: a commit names its parent, so a race is refused and planned again; a commit whose
outcome is unknown is looked up by its message before anything is tried again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from hfver.errors import ConflictError, HfverError, StateError, UnreachableError
from hfver.hub_state import HubCommit, HubRefs
from hfver.hub_view import read_line
from hfver.mirror.plan import INDEX, HubFile, render_index, update_index
from hfver.mirror.secret_scan import SearchMemory
from hfver.publish import FileContent, FileCopy, Prepared
from hfver.visibility import VisibilityHub, require_private

if TYPE_CHECKING:
    from hfver.state import State

log = logging.getLogger(__name__)
MOST_RACES = 25
_LARGEST_INDEX = 2_000_000


class TreeEntry(Protocol):
    @property
    def blob(self) -> str: ...
    @property
    def sha256(self) -> str | None: ...


class MirrorHub(VisibilityHub, Protocol):
    """What the mirror needs of a Hub; `hfver.adapters.hub_client.HubClient` is it."""

    def refs(self, repo: str, *, repo_type: str = ...) -> HubRefs | None: ...
    def commits(
        self, repo: str, revision: str, *, until: Callable[[str], bool] = ..., repo_type: str = ...
    ) -> list[HubCommit]: ...
    def tree(self, repo: str, revision: str, *, repo_type: str = ...) -> Mapping[str, TreeEntry]: ...
    def read(self, repo: str, revision: str, path: str, *, limit: int, repo_type: str = ...) -> bytes | None: ...
    def create_repo(self, repo: str, *, private: bool, repo_type: str = ...) -> None: ...
    def create_branch(self, repo: str, branch: str, start: str, *, repo_type: str = ...) -> None: ...
    def create_tag(self, repo: str, tag: str, revision: str, message: str, *, repo_type: str = ...) -> bool: ...
    def send_content(
        self, repo: str, branch: str, contents: Sequence[FileContent], *, repo_type: str = ...
    ) -> Prepared: ...
    def commit(
        self, repo: str, branch: str, *, parent: str, contents: Sequence[Prepared], copies: Iterable[FileCopy],
        deletes: Iterable[str], title: str, description: str, repo_type: str = ...,
    ) -> str: ...  # fmt: skip


class ConfigsRepo:
    """The repository beside a model's, by name; ``model_repo`` is the one it belongs to.

    It is asked for its refs once, for as long as nobody else turns out to have moved them: each request to a Hub far
    away takes longer than anything that is done here.
    """

    def __init__(
        self,
        hub: MirrorHub,
        repo: str,
        model_repo: str,
        *,
        repo_type: str,
        private: bool,
        create: bool,
        state: State | None = None,
    ) -> None:
        self.repo = repo
        self.model_repo = model_repo
        self.repo_type = repo_type
        self._hub = hub
        self._private = private
        self._create = create
        self._state = state
        self._refs: HubRefs | None = None
        self._histories: dict[str, Sequence[HubCommit]] = {}
        self._trees: dict[str, dict[str, HubFile]] = {}

    @property
    def memory(self) -> SearchMemory | None:
        """Remembers which files were searched for secrets and found clean."""
        return self._state

    def refs(self) -> HubRefs | None:
        """Branches and tags, with what was done to them from here; None where there is no such repository."""
        if self._refs is None:
            self._refs = self._hub.refs(self.repo, repo_type=self.repo_type)
        return self._refs

    def look_again(self) -> None:
        """Somebody else was faster: what is known of the refs may be old."""
        self._refs = None

    def _moved(self, branch: str, head: str) -> None:
        if self._refs is not None:
            self._refs = replace(self._refs, branches={**self._refs.branches, branch: head})

    def ensure(self) -> HubRefs:
        """The refs of the repository, which is created if it may be."""
        refs = self.refs()
        if refs is None and not self._create:
            raise StateError(
                f"{self.repo} does not exist on the Hub, and repository.auto_create is false",
                hints=[f"hf repos create {self.repo}"],
            )
        if refs is None or not refs.branches:
            self._hub.create_repo(self.repo, private=self._private, repo_type=self.repo_type)
            self._look(created=True)
            self.look_again()
            refs = self.refs()
        if refs is None or not refs.branches:
            raise UnreachableError(f"{self.repo}: the repository was created but has no branch yet")
        return refs

    def _look(self, *, created: bool = False) -> None:
        """Before anything is changed: RefusedError when the repository is to be private and is not."""
        if self._private:
            require_private(self._hub, self.repo, repo_type=self.repo_type, created=created)

    def history(self, revision: str) -> Sequence[HubCommit]:
        """Commits below a commit, newest first; asked for once, and with a state only what is new to it."""
        if revision not in self._histories:
            ask = partial(self._hub.commits, self.repo, repo_type=self.repo_type)
            known_as = f"{self.repo_type}s/{self.repo}"
            listed = ask(revision) if self._state is None else read_line(ask, known_as, revision, self._state)
            self._histories[revision] = listed
        return self._histories[revision]

    def tree(self, revision: str) -> Mapping[str, HubFile]:
        """The files of a commit, by path."""
        if revision not in self._trees:
            entries = self._hub.tree(self.repo, revision, repo_type=self.repo_type)
            self._trees[revision] = {path: HubFile(entry.blob, entry.sha256) for path, entry in entries.items()}
        return self._trees[revision]

    def read(self, revision: str, path: str, limit: int = _LARGEST_INDEX) -> bytes | None:
        return self._hub.read(self.repo, revision, path, limit=limit, repo_type=self.repo_type)

    def branch(self, name: str, refs: HubRefs, start: str) -> str:
        """The head of a branch, which is made at ``start`` where it is missing."""
        if name in refs.branches:
            return refs.branches[name]
        self._look()
        self._hub.create_branch(self.repo, name, start, repo_type=self.repo_type)
        self._moved(name, start)
        return start

    def tag(self, name: str, revision: str, message: str) -> None:
        """Make the tag; there and equal is success, there and elsewhere is a conflict naming both."""
        self._look()
        if self._hub.create_tag(self.repo, name, revision, message, repo_type=self.repo_type):
            return
        self.look_again()
        refs = self.refs()
        target = refs.tags.get(name) if refs else None
        if target != revision:
            raise ConflictError(
                f"{self.repo}: tag {name} is at {(target or 'nothing')[:8]}, and this release made {revision[:8]}",
                hints=["nothing was overwritten; hfver verify shows the differences"],
            )

    def commit(
        self, branch: str, parent: str, add: Mapping[str, bytes], delete: Iterable[str], title: str, description: str
    ) -> str:
        """One commit on top of ``parent``; ConflictError when the branch has moved meanwhile."""
        self._look()
        try:
            revision = self._commit(branch, parent, add, delete, title, description)
        except HfverError:
            self.look_again()
            raise
        self._moved(branch, revision)
        return revision

    def _commit(
        self, branch: str, parent: str, add: Mapping[str, bytes], delete: Iterable[str], title: str, description: str
    ) -> str:
        contents = [FileContent(path, raw, hashlib.sha256(raw).hexdigest()) for path, raw in add.items()]
        prepared = self._hub.send_content(self.repo, branch, contents, repo_type=self.repo_type)
        try:
            return self._hub.commit(
                self.repo, branch, parent=parent, contents=[prepared], copies=(), deletes=tuple(delete), title=title,
                description=description, repo_type=self.repo_type,
            )  # fmt: skip
        except UnreachableError:
            for found in self._hub.commits(self.repo, branch, repo_type=self.repo_type):
                if found.sha == parent:
                    break
                if (found.title, found.description.strip()) == (title, description.strip()):
                    log.info("%s: the commit was made although the Hub's reply was lost", self.repo)
                    return found.sha
            raise

    def index(self, revision: str, held: Mapping[str, HubFile], paths: Iterable[str]) -> dict[str, bytes]:
        """The README with an index of these paths, if it differs from the one at the revision."""
        current = self.read(revision, INDEX) if INDEX in held else None
        text = current.decode("utf-8", "replace") if current is not None else None
        listed = (path for path in paths if path not in (INDEX, ".gitattributes"))
        renewed = update_index(text, render_index(listed, self.model_repo, self.repo, repo_type=self.repo_type))
        return {} if renewed == text else {INDEX: renewed.encode()}

    def unlike(self, held: Mapping[str, HubFile], files: Mapping[str, bytes]) -> dict[str, bytes]:
        """Those of the files that the repository does not hold already with the same bytes."""
        return {path: raw for path, raw in files.items() if path not in held or not _same(held[path], raw)}


def _same(file: HubFile, raw: bytes) -> bool:
    if file.sha256 is not None:
        return file.sha256 == hashlib.sha256(raw).hexdigest()
    return file.blob == hashlib.sha1(b"blob %d\0" % len(raw) + raw, usedforsecurity=False).hexdigest()
