"""Does what is owed: releases whose tags were noticed by the hook, or that were asked for by hand.

One process at a time works on a clone (the outbox's lock). An intent is written down before anything is done and
removed after all of it is; so a crash, a lost connection or a closed lid only postpones a release.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hfver.errors import HfverError, UnreachableError
from hfver.outbox import Owed
from hfver.publish import Outcome
from hfver.reporting import Reporter
from hfver.seen import SeenRefs

if TYPE_CHECKING:
    from hfver.adapters.hub_client import HubClient
    from hfver.workspace import Workspace

TAGS = "refs/tags/"


@dataclass(frozen=True, slots=True)
class Failure:
    """A release that did not happen; it stays owed."""

    tag: str
    error: HfverError


@dataclass(frozen=True, slots=True)
class Work:
    """What came of one round of work."""

    released: tuple[Outcome, ...] = ()
    failed: tuple[Failure, ...] = ()


def intend(workspace: Workspace, tags: Iterable[str], evidence: str) -> list[Owed]:
    """Write down that these tags are to be released, before anything is done about it."""
    entries = []
    for tag in tags:
        oid = workspace.repo.run("rev-parse", "--verify", f"{TAGS}{tag}").strip()
        entry = Owed(
            kind="release",
            ref=TAGS + tag,
            oid=oid,
            old="",
            worktree=str(workspace.repo.top),
            evidence=evidence,
            noticed=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
        workspace.outbox.add(entry)
        entries.append(entry)
    return entries


def do_owed(
    workspace: Workspace,
    hub: HubClient,
    reporter: Reporter,
    *,
    only: Callable[[Owed], bool] = lambda _owed: True,
    allow_same: bool = False,
) -> Work:
    """Release everything owed (or what ``only`` picks), oldest first; one failure does not stop the others.

    An unreachable Hub does: it would fail for the rest as well.
    """
    from hfver.release import release, target_of

    released: list[Outcome] = []
    failed: list[Failure] = []
    with workspace.outbox.lock():
        entries = workspace.outbox.entries()
        for problem in entries.problems:
            reporter.warn(problem)
        for owed in entries.owed:
            if owed.kind != "release" or not only(owed):
                continue
            if _is_gone(workspace, owed):
                reporter.note(f"{owed.name}: the tag is gone or has moved since; nothing to release")
                workspace.outbox.done(owed)
                continue
            try:
                outcome = release(workspace, hub, target_of(workspace, owed.name), reporter, allow_same=allow_same)
            except HfverError as error:
                workspace.outbox.failed(owed, error.message)
                failed.append(Failure(owed.name, error))
                if isinstance(error, UnreachableError):
                    break
                continue
            SeenRefs(workspace.repo.common_dir).add([(owed.ref, owed.oid)], "released")
            workspace.outbox.done(owed)
            released.append(outcome)
    return Work(tuple(released), tuple(failed))


def _is_gone(workspace: Workspace, owed: Owed) -> bool:
    now = workspace.repo.execute("rev-parse", "--verify", "--quiet", owed.ref)
    return now.stdout.decode().strip() != owed.oid
