"""Care for a store: what nobody needs is removed, and what the disk has changed is found and named."""

from __future__ import annotations

import subprocess
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pygit2

from hfver.local_hub.git.reachable import pointer_files

if TYPE_CHECKING:
    from hfver.local_hub.content_store import GcReport
    from hfver.local_hub.hub import Hub
    from hfver.local_hub.repos import Repo

_Owners = dict[str, set[str]]

# An upload is in the store before the commit that names it. Longer than any upload should take.
GRACE_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something damaged, and the files of repositories that cannot be read because of it."""

    what: str
    problem: str
    files: tuple[str, ...]


class DamagedRepositoryError(Exception):
    """A repository cannot be read to its end, so nobody can say what it still needs."""


def collect_garbage(hub: Hub, *, grace_seconds: float = GRACE_SECONDS, dry_run: bool = False) -> GcReport:
    """Content that no ref of any repository reaches goes, and git objects likewise, if they are old enough."""
    owners: _Owners = defaultdict(set)
    repos = hub.repos.all()
    for repo in repos:
        _add_owners(hub, repo, owners)
    report = hub.content.gc(set(owners), grace_seconds=grace_seconds, dry_run=dry_run)
    if not dry_run:
        for repo in repos:
            with hub.git.locked(repo.id):
                _git(hub.git.path(repo.id), "gc", "--quiet", f"--prune={int(grace_seconds)}.seconds.ago")
    return report


def scrub(hub: Hub) -> list[Finding]:
    """Read every byte of the store and compare it with the digests kept of it."""
    findings = []
    owners: _Owners = defaultdict(set)
    for repo in hub.repos.all():
        checked = _git(hub.git.path(repo.id), "fsck", "--full", "--no-dangling", "--no-progress", check=False)
        if checked.returncode == 0:
            _add_owners(hub, repo, owners)
        else:
            findings.append(Finding(f"git repository of {repo.url_path}", checked.stderr.strip(), ()))
    for damage in hub.content.scrub():
        files = {file for sha256 in damage.sha256s for file in owners.get(sha256, ())}
        findings.append(Finding(f"{damage.kind} {damage.name}", damage.problem, tuple(sorted(files))))
    return [*findings, *_missing(hub, owners, {file for finding in findings for file in finding.files})]


def _missing(hub: Hub, owners: _Owners, reported: set[str]) -> list[Finding]:
    absent = owners.keys() - hub.content.lookup(owners).keys()
    rows = [(sha256, tuple(sorted(owners[sha256] - reported))) for sha256 in sorted(absent)]
    return [Finding(f"content {sha256}", "it is missing", files) for sha256, files in rows if files]


def _add_owners(hub: Hub, repo: Repo, owners: _Owners) -> None:
    """By SHA-256: the files that have this content, in all of a repository's history."""
    try:
        for file in pointer_files(hub.git.open(repo.id)):
            owners[file.pointer.sha256].add(f"{repo.url_path}: {file.path}")
    except (pygit2.GitError, KeyError, ValueError) as error:
        raise DamagedRepositoryError(f"the git repository of {repo.url_path} is damaged: {error}") from error


def _git(git_dir: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = ["git", "--git-dir", str(git_dir), *arguments]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=check)
