"""All bare repositories of a store, by id."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hfver.local_hub.durable import sync
from hfver.local_hub.errors import repo_not_found
from hfver.local_hub.git.facts import FactsCache
from hfver.local_hub.git.health import damaged_repository, problem_of, told_by_git
from hfver.local_hub.git.marks import UNLISTED, ids, listed_ids
from hfver.local_hub.git.mending import make_bare
from hfver.local_hub.git.objects import ObjectWriter
from hfver.local_hub.git.ref_names import DEFAULT_BRANCH, HEADS, PULLS
from hfver.local_hub.git.refs import delete_ref, write_ref
from hfver.local_hub.git.repository import GitRepository, Signature
from hfver.local_hub.git.tree_edit import Blob
from hfver.local_hub.git.writing import write_commit
from hfver.local_hub.locks import file_lock

ABANDONED_AFTER = 3600.0


class GitStore:
    def __init__(self, root: Path, is_known: Callable[[str], bool]) -> None:
        """``is_known``: whether the table has a row for an id."""
        self._root = root
        self._is_known = is_known
        self._locks = root / "locks"
        self._locks.mkdir(parents=True, exist_ok=True)
        self._facts = FactsCache()

    def path(self, repo_id: str) -> Path:
        return self._root / f"{repo_id}.git"

    def open(self, repo_id: str) -> GitRepository:
        found = self.find(repo_id)
        if found is None and self._is_known(repo_id):
            raise damaged_repository(self.path(repo_id), "it is gone")
        if found is None:
            raise repo_not_found("it was deleted just now")
        with told_by_git(self.path(repo_id)):
            # It is made with one commit on that branch, which cannot be deleted.
            if found.raw.references.get(HEADS + DEFAULT_BRANCH) is None:
                raise damaged_repository(self.path(repo_id), f"its branch {DEFAULT_BRANCH} is gone")
        return found

    def find(self, repo_id: str) -> GitRepository | None:
        """None for one that was deleted since its row was read."""
        path = self.path(repo_id)
        with told_by_git(path):
            return GitRepository(path, self._facts) if path.exists() else None

    def problem_of(self, repo_id: str) -> str | None:
        """What is wrong with a repository the table knows; None when it is whole, or deleted."""
        path = self.path(repo_id)
        if problem_of(path) is None:
            return None
        with self.locked(repo_id):  # once more: it may have been on its way out, or one of its refs on its way in
            return problem_of(path) if self._is_known(repo_id) else None

    @contextmanager
    def locked(self, repo_id: str) -> Iterator[None]:
        """Held while a ref is read, decided on and changed."""
        with file_lock(self._locks / repo_id):
            yield

    def ids(self) -> set[str]:
        """Every repository on disk, whatever the table says."""
        return ids(self._root)

    def listed_ids(self) -> set[str]:
        return listed_ids(self._root)

    def is_listed(self, repo_id: str) -> bool:
        """Whether a table row has named it and none of the hub's own doing has removed that row."""
        return not (self.path(repo_id) / UNLISTED).exists()

    def set_listed(self, repo_id: str) -> None:
        (self.path(repo_id) / UNLISTED).unlink(missing_ok=True)

    def set_unlisted(self, repo_id: str) -> None:
        (self.path(repo_id) / UNLISTED).touch()
        sync(self.path(repo_id))

    def create(self, repo_id: str, files: Mapping[str, bytes], author: Signature, message: str) -> None:
        """A repository whose default branch has one commit with `files`."""
        path = self.path(repo_id)
        with self.locked(repo_id), ObjectWriter(path) as writer:
            path.mkdir()
            self.set_unlisted(repo_id)
            make_bare(path)
            editor = GitRepository(path, self._facts).editor(None)
            for name, data in files.items():
                editor.put(name, Blob(writer.write("blob", data)))
            commit = write_commit(writer, editor.write(writer.write), (), author, message)
            writer.publish()
            write_ref(path, HEADS + DEFAULT_BRANCH, commit)
        for made in (path / "HEAD", path / "config", path / "refs", path, self._root):
            sync(made)

    def copy(self, source_id: str, repo_id: str) -> None:
        """Another repository with the same objects, branches and tags; pull requests stay behind."""
        source, path = self.path(source_id), self.path(repo_id)
        with self.locked(source_id), self.locked(repo_id):
            path.mkdir()
            self.set_unlisted(repo_id)
            for folder, _, names in os.walk(source):
                below = path / Path(folder).relative_to(source)
                below.mkdir(exist_ok=True)
                for name in names:
                    _copy_or_link(Path(folder, name), below / name, source)
                sync(below)
            copied = self.open(repo_id).raw
            for name in [name for name in copied.references if name.startswith(PULLS)]:
                delete_ref(copied, name)
        sync(self._root)

    def remove(self, repo_id: str) -> None:
        """Take the repository out of sight first: what a crash leaves behind is swept later."""
        path = self.path(repo_id)
        doomed = path.with_suffix(".deleted")
        path.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)

    def sweep(self, known: set[str], *, now: float | None = None) -> None:
        """Remove what crashes left behind: half-made and half-removed repositories, and temporary files in the others.

        A repository that no table row names although nobody has removed its row stays: the table has been lost.
        """
        oldest = (time.time() if now is None else now) - ABANDONED_AFTER
        for path in self._root.glob("*.deleted"):
            if path.stat().st_mtime < oldest:
                shutil.rmtree(path, ignore_errors=True)
        for repo_id in self.ids():
            path = self.path(repo_id)
            if repo_id in known:
                _sweep_objects(path / "objects", oldest)
            elif not self.is_listed(repo_id) and path.stat().st_mtime < oldest:
                shutil.rmtree(path, ignore_errors=True)


def _sweep_objects(folder: Path, oldest: float) -> None:
    for leftover in (*folder.glob("tmp_obj_*"), *folder.glob("pack/tmp_*")):
        if leftover.stat().st_mtime < oldest:
            leftover.unlink(missing_ok=True)


def _copy_or_link(file: Path, target: Path, repo: Path) -> None:
    """Objects never change, so both repositories may have the same file. What is being written stays behind."""
    if file.name.startswith("tmp_") or file.suffix == ".lock" or file.name == UNLISTED:
        return
    if file.is_relative_to(repo / "objects"):
        os.link(file, target)
    else:
        shutil.copy2(file, target)
        sync(target)
