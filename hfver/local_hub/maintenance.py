"""Care for a store: what nobody needs is removed, and what the disk has changed is found and named."""

from __future__ import annotations

import subprocess
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hfver.local_hub.git.reachable import pointer_files

if TYPE_CHECKING:
    from hfver.local_hub.content_store import GcReport
    from hfver.local_hub.hub import Hub

# An upload is in the store before the commit that names it. Longer than any upload should take.
GRACE_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something damaged, and the files of repositories that cannot be read because of it."""

    what: str
    problem: str
    files: tuple[str, ...]


def collect_garbage(hub: Hub, *, grace_seconds: float = GRACE_SECONDS, dry_run: bool = False) -> GcReport:
    """Content that no ref of any repository reaches goes, and git objects likewise, if they are old enough."""
    live = set(_owners(hub))
    report = hub.content.gc(live, grace_seconds=grace_seconds, dry_run=dry_run)
    if not dry_run:
        for repo in hub.repos.all():
            with hub.git.locked(repo.id):
                _git(hub.git.path(repo.id), "gc", "--quiet", f"--prune={int(grace_seconds)}.seconds.ago")
    return report


def scrub(hub: Hub) -> list[Finding]:
    """Read every byte of the store and compare it with the digests kept of it."""
    owners = _owners(hub)
    findings = [
        Finding(
            f"{damage.kind} {damage.name}",
            damage.problem,
            tuple(sorted({file for sha256 in damage.sha256s for file in owners.get(sha256, ())})),
        )
        for damage in hub.content.scrub()
    ]
    for repo in hub.repos.all():
        checked = _git(hub.git.path(repo.id), "fsck", "--full", "--no-dangling", "--no-progress", check=False)
        if checked.returncode != 0:
            findings.append(Finding(f"git repository of {repo.url_path}", checked.stderr.strip(), ()))
    present = hub.content.lookup(owners)
    reported = {file for finding in findings for file in finding.files}
    for sha256 in owners.keys() - present.keys():
        files = tuple(sorted(owners[sha256] - reported))
        if files:
            findings.append(Finding(f"content {sha256}", "it is missing", files))
    return findings


def _owners(hub: Hub) -> dict[str, set[str]]:
    """By SHA-256: the files that have this content, in all repositories and all their history."""
    owners: dict[str, set[str]] = defaultdict(set)
    for repo in hub.repos.all():
        for file in pointer_files(hub.git.open(repo.id)):
            owners[file.pointer.sha256].add(f"{repo.url_path}: {file.path}")
    return owners


def _git(git_dir: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = ["git", "--git-dir", str(git_dir), *arguments]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=check)
