"""Refs: finding what a revision names, and changing refs so that the change survives a power cut."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pygit2

from hfver.local_hub.durable import sync
from hfver.local_hub.errors import HubError, conflict, revision_not_found
from hfver.local_hub.git.ref_journal import note_ref
from hfver.local_hub.git.ref_names import CONVERTS, HEADS, PULLS, TAGS
from hfver.local_hub.texts import is_text

FULL_ID = re.compile(r"[0-9a-fA-F]{40}")
SHORT_ID = re.compile(r"[0-9a-fA-F]{7,39}")


@dataclass(frozen=True, slots=True)
class Revision:
    """What a revision named: a commit, and the ref it was found under when it was not a commit id."""

    commit: str
    ref: str | None


@dataclass(frozen=True, slots=True)
class Ref:
    name: str
    commit: str


def resolve(repo: pygit2.Repository, revision: str) -> Revision:
    for name in _candidates(revision):
        commit = ref_commit(repo, name)
        if commit is not None:
            return Revision(commit, name)
    commit = _commit_by_id(repo, revision)
    if commit is None:
        raise revision_not_found(revision)
    return Revision(commit, None)


def ref_commit(repo: pygit2.Repository, name: str) -> str | None:
    """The commit a ref leads to, through an annotated tag where there is one."""
    if not is_valid_name(name):
        return None
    ref = repo.references.get(name)
    return None if ref is None else str(ref.peel(pygit2.Commit).id)


def all_refs(repo: pygit2.Repository) -> Iterator[Ref]:
    for ref in sorted(repo.references.iterator(), key=lambda ref: ref.name):
        yield Ref(ref.name, str(ref.peel(pygit2.Commit).id))


def is_valid_name(name: str) -> bool:
    """libgit2 reads names up to the first NUL, so that ``main\\0`` would be ``main`` to it and not to its caller."""
    return "\0" not in name and is_text(name) and bool(pygit2.reference_is_valid_name(name))


def check_new_name(repo: pygit2.Repository, name: str) -> None:
    """Refuse what git could not hold or what could be taken for a commit id."""
    short = name.removeprefix(HEADS).removeprefix(TAGS)
    if FULL_ID.fullmatch(short):
        raise HubError(400, None, f"{short} looks like a commit id and cannot be the name of a ref.")
    if not is_valid_name(name) or short.startswith("-") or short == "HEAD":
        raise HubError(400, None, f"Invalid reference name: {name}")
    if ref_commit(repo, name) is not None:
        raise conflict(f"Reference {name} already exists")
    beside = _in_the_way(repo, name)
    if beside is not None:
        raise conflict(f"Reference {name} cannot be made beside {beside}")


def _in_the_way(repo: pygit2.Repository, name: str) -> str | None:
    """A ref is a file, so ``a`` and ``a/b`` exclude each other. Looked up by name: there may be thousands of refs."""
    parts = name.split("/")
    for depth in range(3, len(parts)):
        parent = "/".join(parts[:depth])
        if ref_commit(repo, parent) is not None:
            return parent
    git_dir = Path(repo.path)
    # A lock file is what a crash left behind, as in write_ref.
    below = [path for path in (git_dir / name).rglob("*") if path.is_file() and path.suffix != ".lock"]
    packed = _packed_names(git_dir)
    return next((str(path.relative_to(git_dir)) for path in below), None) or next(
        (other for other in packed if other.startswith(f"{name}/")), None
    )


def _packed_names(git_dir: Path) -> list[str]:
    try:
        lines = (git_dir / "packed-refs").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return []
    return [line.partition(" ")[2] for line in lines if not line.startswith(("#", "^"))]


def write_ref(git_dir: Path, name: str, oid: str) -> None:
    """Point a ref at an object as git does: a lock file, synced, renamed over the old one."""
    note_ref(git_dir, name, oid)
    path = git_dir / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(path.name + ".lock")
    # The caller holds the repository's own lock, so a lock file found here was left behind by a crash.
    lock.unlink(missing_ok=True)
    descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{oid}\n")
        file.flush()
        os.fsync(file.fileno())
    if path.is_dir():
        _remove_empty_folders(path)
    lock.replace(path)
    sync(path.parent)


def delete_ref(repo: pygit2.Repository, name: str) -> None:
    note_ref(Path(repo.path), name, None)
    repo.references.delete(name)


def _remove_empty_folders(path: Path) -> None:
    """What refs below this name left behind when they were deleted, or when a crash kept them from being made."""
    for folder, _, names in os.walk(path, topdown=False):
        for lock in (name for name in names if name.endswith(".lock")):
            Path(folder, lock).unlink()
        Path(folder).rmdir()


def _candidates(revision: str) -> Iterator[str]:
    yield HEADS + revision
    yield TAGS + revision
    if revision.startswith((PULLS, CONVERTS, HEADS, TAGS)):
        yield revision


def _commit_by_id(repo: pygit2.Repository, revision: str) -> str | None:
    if not (FULL_ID.fullmatch(revision) or SHORT_ID.fullmatch(revision)):
        return None
    try:
        found = repo.get(revision)
    except ValueError:  # an ambiguous prefix
        return None
    return str(found.id) if isinstance(found, pygit2.Commit) else None
