"""Whether a repository on the disk is whole, as git sees it and as the journal of its refs has it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pygit2

from hfver.local_hub.git.process import environment
from hfver.local_hub.git.ref_journal import note_ref, noted_refs
from hfver.local_hub.git.ref_names import DEFAULT_BRANCH, HEADS
from hfver.local_hub.place import hub_command
from hfver.local_hub.store_errors import DamagedStoreError


def damaged_repository(git_dir: Path, problem: str) -> DamagedStoreError:
    return DamagedStoreError(git_dir, problem, mend=hub_command(git_dir.parent.parent, "repair"))


@contextmanager
def told_by_git(git_dir: Path) -> Iterator[None]:
    """What libgit2 says about a repository's own files, as an error that names it."""
    try:
        yield
    except (pygit2.GitError, LookupError, ValueError) as error:  # an object that is missing is a KeyError to pygit2
        raise damaged_repository(git_dir, f"it is damaged ({error})") from error
    except OSError as error:
        if error.errno is not None:  # the system's own; libgit2's have a text only
            raise
        raise damaged_repository(git_dir, f"it is damaged ({error})") from error


def problem_of(git_dir: Path) -> str | None:
    """The first thing that is wrong with a repository, None when all of it is there."""
    if not git_dir.is_dir():
        return "it is gone"
    checked = run_git(git_dir, "fsck", "--full", "--no-dangling", "--no-progress", check=False)
    if checked.returncode != 0:
        return f"it is damaged ({checked.stderr.strip() or 'git fsck fails'})"
    lost = lost_refs(git_dir)
    if lost:
        return f"it has lost {', '.join(sorted(lost)[:5])}" + (" and others" if len(lost) > 5 else "")
    return None


def lost_refs(git_dir: Path) -> dict[str, str]:
    """Refs that nobody deleted and that are gone or unreadable, with the object each was at."""
    lost = {name: oid for name, oid in noted_refs(git_dir).items() if not _resolves(git_dir, name)}
    main = HEADS + DEFAULT_BRANCH
    if main not in lost and not _resolves(git_dir, main):
        lost[main] = ""
    return lost


def note_missing(git_dir: Path) -> int:
    """Note the refs that the journal does not have, and say how many those were. The caller holds the lock."""
    noted, missing = noted_refs(git_dir), 0
    with told_by_git(git_dir):
        for ref in pygit2.Repository(str(git_dir)).references.iterator():
            if ref.name not in noted and ref.name.startswith("refs/") and isinstance(ref.target, pygit2.Oid):
                note_ref(git_dir, ref.name, str(ref.target))
                missing += 1
    return missing


def run_git(git_dir: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    # As in routes/git_http.py: who owns the folder is not the question here.
    command = ["git", "-c", "safe.directory=*", "--git-dir", str(git_dir), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env=environment())
    if check and done.returncode != 0:
        raise damaged_repository(git_dir, f"`git {arguments[0]}` fails there ({done.stderr.strip()})")
    return done


def _resolves(git_dir: Path, name: str) -> bool:
    try:
        ref = pygit2.Repository(str(git_dir)).references.get(name)
        return ref is not None and ref.peel(pygit2.Commit) is not None
    except (pygit2.GitError, LookupError, ValueError, OSError):
        return False
