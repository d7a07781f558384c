"""What a store holds, in numbers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hfver.local_hub.errors import HubError
from hfver.local_hub.git.health import told_by_git
from hfver.local_hub.git.ref_names import DEFAULT_BRANCH, TAGS
from hfver.local_hub.git.refs import all_refs
from hfver.local_hub.storage_size import used_storage
from hfver.local_hub.store_errors import DamagedStoreError

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub
    from hfver.local_hub.repos import Repo


@dataclass(frozen=True, slots=True)
class RepoOverview:
    kind: str
    name: str
    private: bool
    versions: int
    size: int
    updated: str


@dataclass(frozen=True, slots=True)
class Overview:
    store: str
    bytes_on_disk: int
    repos: tuple[RepoOverview, ...]


def overview(hub: Hub) -> Overview:
    # Hard links (copies of repositories) are counted once.
    seen = {(stat.st_dev, stat.st_ino): stat.st_blocks * 512 for stat in _stats(hub)}
    found = [row for repo in hub.repos.all() if (row := _repo(hub, repo))]
    repos = tuple(sorted(found, key=lambda repo: (repo.name, repo.kind)))
    return Overview(str(hub.root), sum(seen.values()), repos)


def _stats(hub: Hub) -> list[os.stat_result]:
    return [path.lstat() for path in hub.root.rglob("*") if path.is_file()]


def _repo(hub: Hub, repo: Repo) -> RepoOverview | None:
    try:
        git = hub.git.open(repo.id)
    except (HubError, DamagedStoreError):  # it was deleted just now, or is gone: `hfver hub scrub` says so
        return None
    with told_by_git(git.path):
        versions = sum(1 for ref in all_refs(git.raw) if ref.name.startswith(TAGS))
        size = used_storage(hub, git, git.resolve(DEFAULT_BRANCH).commit)
    return RepoOverview(repo.kind.value, repo.full_name, repo.private, versions, size, repo.updated)
