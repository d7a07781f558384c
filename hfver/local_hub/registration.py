"""Entering a repository into the table and striking it out: the git data comes first and goes last."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub
    from hfver.local_hub.repos import Repo


def register(hub: Hub, repo: Repo) -> None:
    """Its git data is complete: a repo that can be found is whole."""
    try:
        hub.repos.add(repo)
    except BaseException:
        hub.git.remove(repo.id)
        raise
    hub.git.set_listed(repo.id)


def mend_marks(hub: Hub) -> None:
    """A crash right after a row was entered, or right before it was struck out, leaves a repo in use with a mark."""
    for repo in hub.repos.all():
        if not hub.git.is_listed(repo.id):
            with hub.git.locked(repo.id):
                if hub.repos.by_id(repo.id):
                    hub.git.set_listed(repo.id)


def unregister(hub: Hub, repo: Repo) -> None:
    """Not while somebody commits to it."""
    with hub.git.locked(repo.id):
        if hub.git.path(repo.id).exists():  # else somebody else was quicker
            hub.git.set_unlisted(repo.id)
            hub.repos.remove(repo)
            hub.git.remove(repo.id)
