"""Does what is owed: releases whose tags were noticed by the hook or asked for by hand, and the mirror of configs.

One process at a time works on a clone (the outbox's lock). An intent is written down before anything is done and
removed after all of it is; so a crash, a lost connection or a closed lid only postpones a release.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hfver.errors import HfverError, UnreachableError
from hfver.hooks.seen import SeenRefs
from hfver.locks import ATTENDED, LockBusyError, Patience
from hfver.outbox import Kind, Owed
from hfver.publish import Outcome
from hfver.reporting import Reporter
from hfver.visibility import PRIVATE_KEY, private_option

if TYPE_CHECKING:
    from hfver.adapters.hub_client import HubClient
    from hfver.mirror.commit import Step
    from hfver.workspace import Workspace

log = logging.getLogger(__name__)
TAGS = "refs/tags/"
LONGEST_WAIT = 3700.0  # seconds; limits count by the hour


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that did not happen; it stays owed. ``tag`` is the name of the tag or branch."""

    tag: str
    error: HfverError
    kind: Kind = "release"


@dataclass(frozen=True, slots=True)
class Work:
    """What came of one round of work."""

    released: tuple[Outcome, ...] = ()
    mirrored: tuple[Step, ...] = ()
    failed: tuple[Failure, ...] = ()


def intend(workspace: Workspace, tags: Collection[str], evidence: str) -> list[Owed]:
    """Write down that these tags are to be released, before anything is done about it."""
    known = {tag.name: tag for tag in workspace.repo.tags()} if tags else {}
    entries = []
    for name in tags:
        tag = known.get(name) or workspace.repo.tag(name)  # which says what is wrong with it
        entry = Owed(
            kind="release",
            ref=TAGS + name,
            oid=tag.tag_object or tag.commit,
            old="",
            worktree=str(workspace.repo.top),
            evidence=evidence,
            noticed=datetime.now(UTC).isoformat(timespec="microseconds"),
            private=workspace.options.get(PRIVATE_KEY),
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
    patient: bool = False,
    patience: Patience = ATTENDED,
    sleep: Callable[[float], None] = time.sleep,
) -> Work:
    """Do everything owed (or what ``only`` picks), in git's order; one failure does not stop the others.

    An unreachable Hub does: it would fail for the rest as well. The mirror of a release is owed once it is made.

    ``patient`` is for many releases: a Hub that takes so many commits an hour is waited for as long as it asks, with
    the lock given up meanwhile, unless a wait has brought nothing. ``patience`` is for another process that works on
    this clone; LockBusyError names it.
    """
    round_ = _Round(workspace, hub, reporter, allow_same)
    before = -1
    while True:
        with _turn(workspace, reporter, patience):
            round_.work(only)
        pause = round_.asked_pause
        if not patient or pause is None or pause > LONGEST_WAIT or round_.steps == before:
            return Work(tuple(round_.released), tuple(round_.mirrored), tuple(round_.failed))
        then = datetime.now().astimezone() + timedelta(seconds=pause)
        reporter.note(f"The Hub takes no more for now; going on at {then:%H:%M}. Ctrl-C leaves the rest owed.")
        sleep(pause)
        before = round_.steps
        round_.go_on()


def _in_order_of_history(workspace: Workspace, entries: Sequence[Owed]) -> list[Owed]:
    """Releases behind those of their ancestors, whichever was noticed first: only so all of a line get to main."""
    releases = [owed for owed in entries if owed.kind == "release"]
    if len(releases) < 2:
        return list(entries)
    commits = {tag.name: tag.commit for tag in workspace.repo.tags()}
    ages = workspace.repo.ages({commits[owed.name] for owed in releases if owed.name in commits})
    ordered = iter(sorted(releases, key=lambda owed: ages.get(commits.get(owed.name, ""), 0)))
    return [next(ordered) if owed.kind == "release" else owed for owed in entries]


class _Round:
    """One pass over the outbox."""

    def __init__(self, workspace: Workspace, hub: HubClient, reporter: Reporter, allow_same: bool) -> None:
        self._workspace, self._hub, self._reporter, self._allow_same = workspace, hub, reporter, allow_same
        self.released: list[Outcome] = []
        self.mirrored: list[Step] = []
        self.failed: list[Failure] = []
        self._tried: set[tuple[Kind, str, str]] = set()
        self._stop: UnreachableError | None = None

    @property
    def steps(self) -> int:
        return len(self.released) + len(self.mirrored)

    @property
    def asked_pause(self) -> float | None:
        """How many seconds a Hub that stopped this round wants to be left alone; None when it did not say so."""
        return self._stop.retry_after if self._stop is not None else None

    def work(self, only: Callable[[Owed], bool]) -> None:
        entries = self._workspace.outbox.entries()
        for problem in entries.problems:
            self._reporter.warn(problem)
        chosen = [owed for owed in entries.owed if only(owed) and _key(owed) not in self._tried]
        for owed in _in_order_of_history(self._workspace, chosen):
            if self._stop is None:
                self.do(owed)

    def go_on(self) -> None:
        """Try again what the Hub put off."""
        self.failed = [failure for failure in self.failed if failure.error is not self._stop]
        self._stop = None

    def do(self, owed: Owed) -> None:
        outbox = self._workspace.outbox
        log.debug("%s of %s (%s) is owed since %s: %s", owed.kind, owed.name, owed.oid[:8], owed.noticed, owed.evidence)
        if owed.ref.startswith(TAGS) and _is_gone(self._workspace, owed):
            if owed.kind == "release":
                self._reporter.note(f"{owed.name}: the tag is gone or has moved since; nothing to release")
            outbox.done(owed)
            return
        asked = self._workspace.options.get(PRIVATE_KEY)
        if asked not in (None, owed.private):  # and so it is when this attempt fails and another command goes on
            owed = replace(owed, private=asked)
            outbox.add(owed)
        try:
            following = self._release(owed) if owed.kind == "release" else self._mirror(owed)
        except HfverError as error:
            outbox.failed(owed, error.message)
            self.failed.append(Failure(owed.name, error, owed.kind))
            if isinstance(error, UnreachableError):
                self._stop = error
            else:
                self._tried.add(_key(owed))
            return
        outbox.done(owed)
        if following is not None:
            self.do(following)

    def _release(self, owed: Owed) -> Owed | None:
        from hfver.mirror.owed import owe_release_mirror
        from hfver.mirror.plan import mirrors_releases
        from hfver.release import release
        from hfver.target import target_of

        workspace = self._as_asked(owed)
        target = target_of(workspace, owed.name)
        outcome = release(workspace, self._hub, target, self._reporter, allow_same=self._allow_same)
        SeenRefs(self._workspace.repo.common_dir).add([(owed.ref, owed.oid)], "released")
        self.released.append(outcome)
        return owe_release_mirror(self._workspace, owed) if mirrors_releases(target.config) else None

    def _mirror(self, owed: Owed) -> Owed | None:
        from hfver.mirror.owed import do_mirror

        self.mirrored += do_mirror(self._as_asked(owed), self._hub, owed, self._reporter)
        return None  # nothing follows from it

    def _as_asked(self, owed: Owed) -> Workspace:
        """The workspace as if this command had been given the `--private` or `--public` that is owed with it."""
        options = {**self._workspace.options, **private_option(owed.private)}
        return self._workspace if options == self._workspace.options else replace(self._workspace, options=options)


def _key(owed: Owed) -> tuple[Kind, str, str]:
    return owed.kind, owed.ref, owed.oid


@contextmanager
def _turn(workspace: Workspace, reporter: Reporter, patience: Patience) -> Iterator[None]:
    lock = workspace.outbox.lock(patience, reporter.note)
    try:
        lock.acquire()
    except LockBusyError as error:
        error.hints.append("hfver push    (then; what is owed is kept, and nothing is done twice)")
        raise
    try:
        yield
    finally:
        lock.release()


def _is_gone(workspace: Workspace, owed: Owed) -> bool:
    now = workspace.repo.execute("rev-parse", "--verify", "--quiet", owed.ref)
    return now.stdout.decode().strip() != owed.oid
