"""Troubles of the machine, told to the client in words it passes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hfver.local_hub.errors import HubError
from hfver.local_hub.store_errors import BusyStoreError, FullStoreError, StoreError, of_system

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub

# "Failed dependency": a status that means nothing else to any client. The Hub's own client asks again after 500 and 502
# to 504; its Xet engine, which asks for transfer tokens itself, after any 5xx, for minutes and without a word.
STORE_FAILED = 424
FULL = 507  # which clients of the Hub's own routes do not try again either


def refusal_of(error: Exception, root: Path) -> HubError | None:
    """What to answer to an error that is nobody's mistake; None for one that is ours. ``root`` is the store's."""
    told = told_of(error, root)
    return None if told is None else answer_to(told)


def told_of(error: Exception, root: Path) -> StoreError | None:
    """The trouble of the store behind an error, None where there is none."""
    told = of_system(root, error) if isinstance(error, OSError) else error
    return told if isinstance(told, StoreError) else None


def refusal_of_repository(hub: Hub, repo_id: str) -> HubError | None:
    """What to answer when something went wrong over a repository that turns out to be damaged; None if it is whole.

    What a missing object or a garbled file does depends on where it is met; git itself knows what is wrong.
    """
    from hfver.local_hub.git.health import damaged_repository

    problem = hub.git.problem_of(repo_id)
    return None if problem is None else answer_to(damaged_repository(hub.git.path(repo_id), problem))


def answer_to(error: StoreError) -> HubError:
    if isinstance(error, BusyStoreError):
        return HubError(503, error.code, error.in_full, headers={"Retry-After": "1"})
    return HubError(FULL if isinstance(error, FullStoreError) else STORE_FAILED, error.code, error.in_full)
