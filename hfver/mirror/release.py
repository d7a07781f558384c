"""A release in the configs repository: the state at its commit and its receipt, under the same tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfver.hub_state import HubRefs
from hfver.mirror.branch import (
    GitSource,
    Warn,
    commit_of,
    hub_branch_of,
    mirror_branch,
    mirrored_commits,
    mirrors_branch,
    silent,
)
from hfver.mirror.commit import Message, Step, start_of, step
from hfver.mirror.plan import RELEASES, MirrorTrailers
from hfver.mirror.repo import ConfigsRepo
from hfver.mirror.secret_scan import find, without_secrets

if TYPE_CHECKING:
    from hfver.adapters.git_repo import GitRepo
    from hfver.config.settings import Config
    from hfver.model import Tag


def mirror_release(
    git: GitRepo, config: Config, repo: ConfigsRepo, tag: Tag, receipt: bytes | None, *, warn: Warn = silent
) -> list[Step]:
    """Make the tag and what it stands for; returns the commits made, none when all of it was there.

    When the repository has moved on since that commit, its state gets a branch of its own: the newest state is never
    taken back. The receipt then stands on the default branch as well, which lists every release.
    """
    refs = repo.ensure()
    receipts = {f"{RELEASES}{tag.name}.json": receipt} if receipt is not None else {}
    default = config.settings.default_branch
    steps: list[Step] = []
    if tag.name not in refs.tags:
        branch = _mirrored_branch_with(git, config, tag.commit)
        if branch is not None and _is_ahead(git, config, repo, refs, branch, tag.commit):
            target = hub_branch_of(config, branch)
            steps += mirror_branch(git, config, repo, branch, tag.commit, warn=warn)
        else:
            target = f"release/{tag.name}"
            repo.branch(target, refs, _nearest(git, repo, refs, tag.commit) or start_of(refs, config))
        source = GitSource(git, config, repo)
        message = Message(tag.subject, MirrorTrailers(commit=tag.commit, branch=branch, tag=tag.name))
        wanted = source.wanted(source.snapshot(tag.commit), receipts)
        done = step(repo, config, target, wanted, message, baseline=source.baseline(tag.commit))
        repo.tag(tag.name, done.revision, without_secrets(tag.subject) or tag.name)
        steps.append(done)
        if target == default:
            return [step for step in steps if step.made]
    if receipts:
        message = Message(tag.subject, MirrorTrailers(tag=tag.name))
        steps.append(step(repo, config, default, lambda _head, _held: (receipts, ()), message))
    return [step for step in steps if step.made]


def _mirrored_branch_with(git: GitRepo, config: Config, commit: str) -> str | None:
    """A mirrored branch, here or at a remote, that has the commit, and whose name can be told."""
    listing = git.run("for-each-ref", "--contains", commit, "--format=%(refname)", "refs/heads", "refs/remotes")
    names = []
    for ref in listing.splitlines():
        kind, _, name = ref.removeprefix("refs/").partition("/")
        names.append(name.partition("/")[2] if kind == "remotes" else name)
    return next((name for name in names if mirrors_branch(config, name) and find(name) is None), None)


def _is_ahead(git: GitRepo, config: Config, repo: ConfigsRepo, refs: HubRefs, branch: str, commit: str) -> bool:
    """Whether going to the commit's state is no step back for the branch that follows this one."""
    head = refs.branches.get(hub_branch_of(config, branch))
    current = commit_of(repo, head) if head is not None else None
    if current is None or not GitSource(git, config, repo).knows(current):
        return True
    return git.execute("merge-base", "--is-ancestor", current, commit).code == 0


def _nearest(git: GitRepo, repo: ConfigsRepo, refs: HubRefs, commit: str) -> str | None:
    mirrored = mirrored_commits(repo, refs)
    nearest = git.nearest(commit, mirrored.keys())
    return mirrored[nearest[0]] if nearest else None
