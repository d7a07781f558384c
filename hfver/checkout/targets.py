"""What people call a version, as a commit: a tag, a branch, a commit, ``-``, ``latest``, ``^1.2``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hfver.errors import StateError

if TYPE_CHECKING:
    from hfver.adapters.git_repo import GitRepo
    from hfver.config.settings import Config

PREVIOUS = "-"


@dataclass(frozen=True, slots=True)
class Target:
    commit: str
    label: str  # how to call it to people
    switch_to: str  # what git is told to check out
    branch: str | None = None  # set when HEAD will be on a branch
    tag: str | None = None

    def is_checked_out(self, head: str | None, branch: str | None) -> bool:
        return (head, branch) == (self.commit, self.branch)


def resolve_target(repo: GitRepo, word: str, config: Callable[[], Config], model: str | None = None) -> Target:
    """Names in git win over ranges: a branch called ``latest`` is that branch."""
    if word == PREVIOUS:
        previous = repo.previous()
        if previous is None:
            raise StateError("there is no version checked out before this one", hints=["git reflog"])
        return _named(repo, previous, switch_to=PREVIOUS)
    try:
        return _named(repo, word, switch_to=word)
    except StateError:
        tag = _tag_in_range(repo, word, config(), model) if _asks_for_choice(word) else None
        if tag is None:
            raise
    return _named(repo, tag, switch_to=tag)


def _named(repo: GitRepo, name: str, *, switch_to: str) -> Target:
    refs = repo.run(
        "for-each-ref", "--format=%(refname)", f"refs/heads/{name}", f"refs/tags/{name}", check=False
    ).split("\n")
    if f"refs/heads/{name}" in refs:
        return Target(repo.commit_of(f"refs/heads/{name}"), name, switch_to, branch=name)
    if f"refs/tags/{name}" in refs:
        tag = repo.tag(name)
        return Target(tag.commit, name, switch_to, tag=name)
    commit = repo.commit_of(name)
    label = commit[:10] if commit.startswith(name) else f"{name} ({commit[:10]})"
    return Target(commit, label, commit if switch_to == name else switch_to)


def _asks_for_choice(word: str) -> bool:
    from hfver.version_ranges import is_range

    return is_range(word) or word[:1].isdigit()


def _tag_in_range(repo: GitRepo, word: str, config: Config, model: str | None) -> str | None:
    from hfver.version_ranges import LATEST, best_match, is_range

    wanted = config.model(model) if len(config.models) > 1 or model else None
    found = (config.version_of(tag.name) for tag in repo.tags())
    versions = [version for owner, version in filter(None, found) if wanted is None or owner == wanted]
    chosen = best_match(versions, word if is_range(word) else f"={word}")
    if chosen is not None:
        return chosen.tag
    what = "no version" if word == LATEST else f"no version that matches {word}"
    raise StateError(f"git has {what}", hints=["git fetch --tags", "hfver status"])
