"""Care for a store: what nobody needs is removed, and what the disk has changed is found and named."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hfver.local_hub.git.health import damaged_repository, run_git, told_by_git
from hfver.local_hub.git.reachable import pointer_files
from hfver.local_hub.git.ref_journal import shorten_journal
from hfver.local_hub.store_errors import DamagedStoreError

if TYPE_CHECKING:
    from hfver.local_hub.content_store import GcReport
    from hfver.local_hub.hub import Hub

_Owners = dict[str, set[str]]

# An upload is in the store before the commit that names it. Longer than any upload should take.
GRACE_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something damaged, and the files of repositories that cannot be read because of it."""

    what: str
    problem: str
    files: tuple[str, ...]


def collect_garbage(hub: Hub, *, grace_seconds: float = GRACE_SECONDS, dry_run: bool = False) -> GcReport:
    """Content that no ref of any repository reaches goes, and git objects likewise, if they are old enough.

    DamagedStoreError when a repository cannot be read to its end: nobody can say what it still needs.

    What is committed meanwhile was touched after `begun`, under the lock of a repository that was looked at before.
    """
    begun = time.time()
    for repo in hub.repos.all():
        problem = hub.git.problem_of(repo.id)  # a branch that cannot be read needs its content all the same
        if problem is not None:
            raise damaged_repository(hub.git.path(repo.id), f"the repository of {repo.url_path}: {problem}")
    live = _live(hub)
    report = hub.content.gc(live, cutoff=begun - grace_seconds, dry_run=dry_run)
    for repo_id in () if dry_run else hub.git.ids():
        with hub.git.locked(repo_id):
            if hub.git.path(repo_id).exists() and hub.git.is_listed(repo_id):
                run_git(hub.git.path(repo_id), "gc", "--quiet", f"--prune={int(grace_seconds)}.seconds.ago")
                shorten_journal(hub.git.path(repo_id))
    return report


def _live(hub: Hub) -> set[str]:
    """What any repository on disk needs, until no new ones turn up: one may be copied and its original removed."""
    labels = {repo.id: repo.url_path for repo in hub.repos.all()}
    owners: _Owners = defaultdict(set)
    seen: set[str] = set()
    while new := hub.git.ids() - seen:
        for repo_id in new:
            with hub.git.locked(repo_id):
                _add_owners(hub, repo_id, labels.get(repo_id, f"{repo_id}.git"), owners)
        seen |= new
    return set(owners)


def scrub(hub: Hub) -> list[Finding]:
    """Read every byte of the store and compare it with the digests kept of it."""
    owners: _Owners = defaultdict(set)
    findings = [*_scrub_repositories(hub, owners), *_unknown_repositories(hub)]
    for damage in hub.content.scrub():
        files = {file for sha256 in damage.sha256s for file in owners.get(sha256, ())}
        findings.append(Finding(f"{damage.kind} {damage.name}", damage.problem, tuple(sorted(files))))
    return [*findings, *_missing(hub, owners, {file for finding in findings for file in finding.files})]


def _scrub_repositories(hub: Hub, owners: _Owners) -> Iterator[Finding]:
    for repo in hub.repos.all():
        problem = hub.git.problem_of(repo.id)
        if problem is None:
            _add_owners(hub, repo.id, repo.url_path, owners)
        else:
            yield Finding(f"git repository of {repo.url_path}, {hub.git.path(repo.id)}", problem, ())


def _unknown_repositories(hub: Hub) -> Iterator[Finding]:
    """Listed first: a repository that is made meanwhile is in the table before it counts as listed."""
    listed = [repo_id for repo_id in hub.git.ids() if hub.git.is_listed(repo_id)]
    known = {repo.id for repo in hub.repos.all()}
    for repo_id in sorted(set(listed) - known):
        if hub.git.path(repo_id).exists():
            yield Finding(f"git repository {repo_id}.git", "hub.sqlite does not know it: it has lost a row", ())


def _missing(hub: Hub, owners: _Owners, reported: set[str]) -> list[Finding]:
    absent = owners.keys() - hub.content.lookup(owners).keys()
    rows = [(sha256, tuple(sorted(owners[sha256] - reported))) for sha256 in sorted(absent)]
    return [Finding(f"content {sha256}", "it is missing", files) for sha256, files in rows if files]


def _add_owners(hub: Hub, repo_id: str, label: str, owners: _Owners) -> None:
    """By SHA-256: the files that have this content, in all of a repository's history."""
    try:
        git = hub.git.find(repo_id)
        with told_by_git(hub.git.path(repo_id)):
            for file in pointer_files(git) if git else ():
                owners[file.pointer.sha256].add(f"{label}: {file.path}")
    except DamagedStoreError as error:
        # Nobody needs what was left half-made or half-removed.
        if hub.git.is_listed(repo_id) or hub.repos.by_id(repo_id):
            raise damaged_repository(error.path, f"the repository of {label}: {error.problem}") from error
