"""Private means private: who may see a repository is looked at before anything is sent to it.

What a Hub answers when a repository is created proves nothing. One that is there already keeps the visibility it has,
other Hubs do not know the one the client asks for (KohakuHub knows no `visibility`), and somebody may have changed it
since the last release.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from hfver.errors import RefusedError, UnreachableError
from hfver.reporting import Reporter

if TYPE_CHECKING:
    from hfver.state import State

PRIVATE_KEY = "huggingface.repository.private"
_SAY_SO = f"{PRIVATE_KEY}: false in config.yaml, or --public with sync, upload-model and push"


class Visibility(Enum):
    PRIVATE = "private"
    PUBLIC = "public"
    UNSAID = "unsaid"  # by a Hub that does not tell
    MISSING = "missing"  # there is no such repository, or it is not ours to see


class VisibilityHub(Protocol):
    """What looking needs of a Hub; ``hfver.adapters.hub_client.HubClient`` is it."""

    @property
    def place(self) -> str: ...
    def visibility(self, repo: str, *, repo_type: str = ...) -> Visibility: ...
    def hf_command(self, arguments: str) -> str: ...


def private_option(private: bool | None) -> dict[str, Any]:
    """``--private``, ``--public`` or neither as an option that wins over the files."""
    return {} if private is None else {PRIVATE_KEY: private}


def require_private(hub: VisibilityHub, repo: str, *, repo_type: str = "model", created: bool = False) -> None:
    """Before anything is sent to a repository that is to be private; ``created``: this process has just made it.

    RefusedError when everybody may see it, or when the Hub does not say; UnreachableError when it is not there (yet).
    """
    if refuse_public(hub, repo, repo_type=repo_type, created=created) is Visibility.MISSING:
        state = "was created, but is not to be seen yet" if created else "is not to be seen on the Hub any more"
        raise UnreachableError(f"{repo} {state}")


def refuse_public(hub: VisibilityHub, repo: str, *, repo_type: str = "model", created: bool = False) -> Visibility:
    """As ``require_private`` for a repository that need not be there; returns what was seen."""
    seen = hub.visibility(repo, repo_type=repo_type)
    if seen is Visibility.PUBLIC:
        why = ", although the Hub was asked for a private one" if created else " and is to be private"
        raise RefusedError(
            f"{repo} is public{why}: nothing was sent to it" + (", it stays empty" if created else ""),
            hints=[
                settings_command(hub, repo, repo_type, Visibility.PRIVATE),
                "and then the same again: `hfver push` for a version that is tagged",
                f"or, if everybody may see it: {_SAY_SO}",
            ],
        )
    if seen is Visibility.UNSAID:
        raise RefusedError(
            f"{hub.place} does not say whether {repo} is private, which it is to be: nothing was sent to it",
            hints=[
                f"if all whom that Hub shows it to may see it: {_SAY_SO}",
                "what hfver creates there is public then: make a repository that is to be private yourself, before",
            ],
        )
    return seen


def mention_private(
    hub: VisibilityHub, repo: str, state: State, reporter: Reporter, *, repo_type: str = "model"
) -> None:
    """Say once that a repository that is configured as public is private: hfver shows nothing to others by itself.

    A clone looks once at each repository, and not where nobody hears it.
    """
    known = f"visibility of {hub.place} {repo_type}s/{repo}"
    if not reporter.is_heard or state.was_told(known):
        return
    seen = hub.visibility(repo, repo_type=repo_type)
    if seen is Visibility.MISSING:
        return
    if seen is Visibility.PRIVATE:
        command = settings_command(hub, repo, repo_type, Visibility.PUBLIC)
        reporter.note(f"{repo} is private and stays so, although {PRIVATE_KEY} is false; to show it to all: {command}")
    state.remember_told(known)


def settings_command(hub: VisibilityHub, repo: str, repo_type: str, wanted: Visibility) -> str:
    """What to type to make a repository private or public."""
    kind = "" if repo_type == "model" else f" --repo-type {repo_type}"
    return hub.hf_command(f"repos settings {repo} --{wanted.value}{kind}")
