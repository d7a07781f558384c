"""All bare repositories of a store, by id."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pygit2

from hfver.local_hub.durable import sync_folder
from hfver.local_hub.git.facts import FactsCache
from hfver.local_hub.git.objects import ObjectWriter
from hfver.local_hub.git.ref_names import DEFAULT_BRANCH, HEADS, PULLS
from hfver.local_hub.git.refs import write_ref
from hfver.local_hub.git.repository import GitRepository, Signature
from hfver.local_hub.git.tree_edit import Blob
from hfver.local_hub.git.writing import write_commit
from hfver.local_hub.locks import file_lock

ABANDONED_AFTER = 3600.0


class GitStore:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._locks = root / "locks"
        self._locks.mkdir(parents=True, exist_ok=True)
        self._facts = FactsCache()

    def path(self, repo_id: str) -> Path:
        return self._root / f"{repo_id}.git"

    def open(self, repo_id: str) -> GitRepository:
        return GitRepository(self.path(repo_id), self._facts)

    @contextmanager
    def locked(self, repo_id: str) -> Iterator[None]:
        """Held while a ref is read, decided on and changed."""
        with file_lock(self._locks / repo_id):
            yield

    def create(self, repo_id: str, files: Mapping[str, bytes], author: Signature, message: str) -> None:
        """A repository whose default branch has one commit with `files`."""
        path = self.path(repo_id)
        raw = pygit2.init_repository(str(path), bare=True, initial_head=DEFAULT_BRANCH)
        # The attributes of whoever runs the hub must not decide how its repositories behave.
        raw.config["core.attributesFile"] = "/dev/null"
        repo = self.open(repo_id)
        with ObjectWriter(path) as writer:
            editor = repo.editor(None)
            for name, data in files.items():
                editor.put(name, Blob(writer.write("blob", data)))
            commit = write_commit(writer, editor.write(writer.write), (), author, message)
            writer.publish()
        write_ref(path, HEADS + DEFAULT_BRANCH, commit)
        sync_folder(self._root)

    def copy(self, source_id: str, repo_id: str) -> None:
        """Another repository with the same objects, branches and tags; pull requests stay behind."""
        path = self.path(repo_id)
        unfinished = shutil.ignore_patterns("tmp_*", "*.lock")
        with self.locked(source_id):
            shutil.copytree(self.path(source_id), path, copy_function=_copy_or_link, ignore=unfinished)
        copied = self.open(repo_id).raw.references
        for name in [name for name in copied if name.startswith(PULLS)]:
            copied.delete(name)
        sync_folder(self._root)

    def remove(self, repo_id: str) -> None:
        """Take the repository out of sight first: what a crash leaves behind is swept later."""
        path = self.path(repo_id)
        doomed = path.with_suffix(".deleted")
        path.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)

    def sweep(self, known: set[str], *, now: float | None = None) -> None:
        """Remove what crashes left behind: repositories no table row names, and temporary files in the others."""
        oldest = (time.time() if now is None else now) - ABANDONED_AFTER
        for path in self._root.iterdir():
            if path.suffix == ".deleted" or (path.suffix == ".git" and path.stem not in known):
                if path.stat().st_mtime < oldest:
                    shutil.rmtree(path, ignore_errors=True)
            elif path.suffix == ".git":
                _sweep_objects(path / "objects", oldest)


def _sweep_objects(folder: Path, oldest: float) -> None:
    for leftover in (*folder.glob("tmp_obj_*"), *folder.glob("pack/tmp_*")):
        if leftover.stat().st_mtime < oldest:
            leftover.unlink(missing_ok=True)


def _copy_or_link(source: str, target: str) -> None:
    """Objects never change, so both repositories may have the same file; everything else is copied."""
    if "/objects/" in source:
        os.link(source, target)
    else:
        shutil.copy2(source, target)
