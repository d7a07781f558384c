"""The configs repository as work that is owed: a branch that moved, or a release that was made."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hfver.mirror.branch import configs_repo, mirror_branch, mirrors_branch
from hfver.mirror.commit import Step
from hfver.mirror.plan import mirrors_releases
from hfver.mirror.release import mirror_release
from hfver.outbox import Owed
from hfver.paths import RECEIPT_PATH
from hfver.receipt import MAX_BYTES, ConfigsRevision
from hfver.reporting import Reporter
from hfver.retries import patiently
from hfver.target import Target, config_at, target_of
from hfver.visibility import mention_private

if TYPE_CHECKING:
    from hfver.adapters.hub_client import HubClient
    from hfver.config.settings import Config, ModelConfig
    from hfver.workspace import Workspace

HEADS = "refs/heads/"
TAGS = "refs/tags/"


def configs_revision(config: Config, model: ModelConfig, tag: str) -> ConfigsRevision | None:
    """Where the configs of a release stand: under its own tag, so that every machine names the same place."""
    return ConfigsRevision(model.config_repo, tag) if mirrors_releases(config) else None


def owe_release_mirror(workspace: Workspace, owed: Owed) -> Owed:
    """Write down that a release has to be mirrored, before the release itself is forgotten."""
    entry = Owed(
        kind="mirror",
        ref=owed.ref,
        oid=owed.oid,
        old="",
        worktree=owed.worktree,
        evidence="released",
        noticed=datetime.now(UTC).isoformat(timespec="milliseconds"),
        private=owed.private,
    )
    workspace.outbox.add(entry)
    return entry


def do_mirror(workspace: Workspace, hub: HubClient, owed: Owed, reporter: Reporter) -> tuple[Step, ...]:
    """Do one thing the mirror is owed; nothing when it needs none any more. Safe to run again at any point."""
    if owed.ref.startswith(TAGS):
        target = target_of(workspace, owed.name)
        upload = target.config.settings.upload
        return patiently(
            lambda: _mirror_tag(workspace, hub, target, reporter), retries=upload.max_retries,
            delay=upload.retry_delay, notify=reporter.warn,
        )  # fmt: skip
    tip = _tip(workspace, owed)
    if tip is None:
        return ()
    config = config_at(workspace, tip, owed.name)
    if not mirrors_branch(config, owed.name):
        return ()
    upload = config.settings.upload
    return patiently(
        lambda: _mirror_head(workspace, hub, config, owed.name, tip, reporter), retries=upload.max_retries,
        delay=upload.retry_delay, notify=reporter.warn,
    )  # fmt: skip


def _mirror_tag(workspace: Workspace, hub: HubClient, target: Target, reporter: Reporter) -> tuple[Step, ...]:
    if not mirrors_releases(target.config):
        return ()
    receipt = hub.read(target.model.repo, target.tag.name, RECEIPT_PATH, limit=MAX_BYTES)
    repo = configs_repo(hub, target.config, target.model, workspace.state)
    made = mirror_release(workspace.repo, target.config, repo, target.tag, receipt, warn=reporter.warn)
    _mention(workspace, hub, target.config, target.model, reporter)
    return tuple(made)


def _mirror_head(
    workspace: Workspace, hub: HubClient, config: Config, branch: str, tip: str, reporter: Reporter
) -> tuple[Step, ...]:
    made: list[Step] = []
    for model in config.models:
        repo = configs_repo(hub, config, model, workspace.state)
        made += mirror_branch(workspace.repo, config, repo, branch, tip, warn=reporter.warn)
        _mention(workspace, hub, config, model, reporter)
    return tuple(made)


def _mention(workspace: Workspace, hub: HubClient, config: Config, model: ModelConfig, reporter: Reporter) -> None:
    if not config.private:
        mention_private(hub, model.config_repo, workspace.state, reporter, repo_type=config.config_repo_type)


def _tip(workspace: Workspace, owed: Owed) -> str | None:
    """Where the branch is now; where it was when it was noticed, if it is gone; None if git lost that, too."""
    for name in (owed.ref, owed.oid):
        found = workspace.repo.execute("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if found.code == 0:
            return found.stdout.decode().strip()
    return None
