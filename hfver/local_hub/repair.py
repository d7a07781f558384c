"""Mends a store that cannot be used, from what is left of it.

hub.sqlite is made anew from its readable rows and the records beside the repositories, refs come back from their
journal, content.db is made anew from the stored files. Objects of git and the bytes of large files are in one place
only: what the disk has taken of those is named, and can be put aside so that it can be sent again. What was damaged is
kept in ``damaged/``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hfver.local_hub.access import Capabilities
from hfver.local_hub.accounts import TOKEN_FILE, Accounts
from hfver.local_hub.aside import FOLDER, set_aside
from hfver.local_hub.content_store import ContentStore
from hfver.local_hub.database import TABLE, Database
from hfver.local_hub.git.health import problem_of
from hfver.local_hub.git.marks import SUFFIX, UNLISTED
from hfver.local_hub.git.mending import mend_repository
from hfver.local_hub.kinds import RepoKind
from hfver.local_hub.locks import StoreLock
from hfver.local_hub.place import hub_command
from hfver.local_hub.registration import keep_record, record_of
from hfver.local_hub.repos import Repo, Repos
from hfver.local_hub.sqlite_files import SIDE_FILES
from hfver.local_hub.store_errors import DamagedStoreError, told_by_system
from hfver.local_hub.table_rebuild import rebuild_table, table_problem

_FOLDERS = (FOLDER, "repos", "repos/locks", "content", "content/tmp", "content/xorbs", "content/shards",
            "content/files", "content/damaged")  # fmt: skip
_DATABASES = (TABLE, "content/content.db")
_FILES = (
    *(f"{name}{suffix}" for name in _DATABASES for suffix in ("", *SIDE_FILES, ".lock", ".new")),
    *("store.lock", TOKEN_FILE, "content/rebuild.lock", "content/secret", "content/secret.lock"),
)


@dataclass(frozen=True, slots=True)
class Mended:
    """``path`` is what was damaged, ``done`` what was done about it."""

    path: Path
    done: str


@dataclass(frozen=True, slots=True)
class Beyond:
    """What only somebody else's copy can bring back; ``advice`` says how to go on without one."""

    path: Path
    problem: str
    advice: str


@dataclass(frozen=True, slots=True)
class Repaired:
    mended: tuple[Mended, ...]
    beyond: tuple[Beyond, ...]


def repair(root: Path) -> Repaired:
    """Mend all that can be mended. BusyStoreError while anybody else has the store open."""
    work = _Repair(root)
    with told_by_system(root):
        work.clear_the_way()
    with _owned(root):
        for leftover in root.glob("repair-*"):  # of one that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        work.table()
        with _opened(root) as (accounts, repos):
            for repo in repos.all():
                work.repository(repo, accounts)
        work.content()
    return Repaired(tuple(work.mended), tuple(work.beyond))


def put_aside(root: Path, kind: RepoKind, full_name: str) -> Path | None:
    """Give up a repository: its data is kept in ``damaged/``, its name is free. None when there is none."""
    namespace, _, name = full_name.partition("/")
    with _owned(root), _opened(root) as (_, repos):
        repo = repos.find(kind, namespace, name)
        if repo is None:
            return None
        git_dir = _git_dir(root, repo)
        kept = set_aside(root, git_dir) if os.path.lexists(git_dir) else root / FOLDER
        repos.remove(repo)
        return kept


@contextmanager
def _owned(root: Path) -> Iterator[None]:
    lock = StoreLock(root)
    with told_by_system(root):
        lock.own()
        try:
            yield
        finally:
            lock.close()


class _Repair:
    """One pass over a store. Whatever stands in the way goes first: the lock may be among it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.mended: list[Mended] = []
        self.beyond: list[Beyond] = []

    def clear_the_way(self) -> None:
        for path in (self._root / name for name in _FOLDERS):
            if path.is_file():
                self._did(path, f"it is a file where a directory belongs, and now {self._away(path)}")
        locks = self._root / "repos/locks"
        for path in (*(self._root / name for name in _FILES), *(locks.iterdir() if locks.is_dir() else ())):
            if path.is_dir():
                self._did(path, f"it is a directory where a file belongs, and now {self._away(path)}")

    def table(self) -> None:
        problem = table_problem(self._root)
        if problem is None:
            return
        rebuilt = rebuild_table(self._root)
        counts = ", ".join(f"{rebuilt.counts[name]} {name}" for name in ("repos", "accounts", "tokens", "discussions"))
        kept = f"; what it was is now {rebuilt.old}" if rebuilt.old is not None else ""
        self._did(self._root / TABLE, f"({problem}) it is made anew, with {counts}{kept}")
        for git_dir in rebuilt.unnamed:
            self.beyond.append(
                Beyond(
                    git_dir,
                    "nobody knows the name of this repository any more, or another one has it",
                    f"if nobody needs it: mv {git_dir} {self._root / FOLDER}",
                )
            )

    def repository(self, repo: Repo, accounts: Accounts) -> None:
        git_dir = _git_dir(self._root, repo)
        if git_dir.is_dir():
            (git_dir / UNLISTED).unlink(missing_ok=True)
            for done in mend_repository(self._root, git_dir):
                self._did(git_dir, f"{repo.url_path}: {done}")
            if keep_record(git_dir, record_of(accounts, repo)):
                self._did(git_dir, f"{repo.url_path}: wrote the record of its name anew")
        problem = problem_of(git_dir)
        if problem is not None:
            kind = "" if repo.kind is RepoKind.MODEL else f" --type {repo.kind.value}"
            command = hub_command(self._root, f"repair --set-aside {repo.full_name}{kind}")
            advice = f"bring it back from a backup; or {command}, and then hfver push --all-missing"
            self.beyond.append(Beyond(git_dir, f"{repo.url_path}: {problem}", advice))

    def content(self) -> None:
        folder = self._root / "content"
        if not folder.is_dir():
            return
        Capabilities(folder)
        path = folder / "content.db"
        problem = _content_problem(folder)
        if problem is not None:
            kept = set_aside(self._root, path)
            for side in (Path(f"{path}{side}") for side in SIDE_FILES):
                if side.exists():
                    set_aside(self._root, side)
            ContentStore(folder).close()
            self._did(path, f"({problem}) it is made anew from the stored files; what it was is now {kept}")

    def _did(self, path: Path, done: str) -> None:
        self.mended.append(Mended(path, done))

    def _away(self, path: Path) -> Path:
        if path == self._root / FOLDER:
            return path.rename(path.with_name(f"{FOLDER}.aside"))
        return set_aside(self._root, path)


@contextmanager
def _opened(root: Path) -> Iterator[tuple[Accounts, Repos]]:
    database = Database(root / TABLE)
    try:
        accounts = Accounts(database, root)
        yield accounts, Repos(database, accounts)
    finally:
        database.close()


def _content_problem(folder: Path) -> str | None:
    """What is wrong with content.db. One that is gone is made anew by this alone."""
    try:
        store = ContentStore(folder)
        try:
            store.check_index()
        finally:
            store.close()
    except DamagedStoreError as error:
        return error.problem
    return None


def _git_dir(root: Path, repo: Repo) -> Path:
    return root / "repos" / f"{repo.id}{SUFFIX}"
