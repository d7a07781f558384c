"""How much a revision of a repository holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hfver.local_hub.git.repository import GitRepository
    from hfver.local_hub.hub import Hub


def used_storage(hub: Hub, git: GitRepository, commit: str) -> int:
    """Bytes of the files at this commit; content shared with other commits or repositories is not told apart."""
    entries = hub.listings.entries(git, git.commit(commit).tree, "", recursive=True)
    facts = [git.facts(entry.oid) for entry in entries if not entry.is_folder]
    return sum(fact.pointer.size if fact.pointer else fact.size for fact in facts)
