"""Doing what is owed on behalf of the hook and the background worker, and saying what came of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hfver.cli.answers.releases import MirrorStep, NotDone, Pushed, Release
from hfver.cli.output import Printer, counted, error_answer, human_bytes
from hfver.errors import EXIT_DONE, ConflictError, HfverError, RefusedError
from hfver.hub_state import EMBEDDED
from hfver.publish import Outcome
from hfver.reporting import Reporter, Silent

if TYPE_CHECKING:
    from hfver.adapters.hub_client import HubClient
    from hfver.owed import Work
    from hfver.workspace import Workspace


def announce(outcomes: Sequence[Outcome], hub: HubClient, reporter: Reporter) -> None:
    """One line per release, with where to look at it."""
    for outcome in outcomes:
        for warning in outcome.warnings:
            reporter.warn(f"{outcome.tag}: {warning}")
        where = hub.revision_url(outcome.repo, outcome.tag)
        if hub.place == EMBEDDED:  # its address is gone when the command is done
            where += " (while `hfver hub serve` runs)"
        if outcome.already_published:
            reporter.note(f"{outcome.tag} is released: {where}")
            continue
        sent = f" ({counted(outcome.sent, 'new file')}, {human_bytes(outcome.new_bytes)})" if outcome.sent else ""
        reporter.note(f"{outcome.tag} released{sent}: {where}")


def hub_to_write(workspace: Workspace, printer: Printer) -> AbstractContextManager[HubClient]:
    """The project's Hub, for changing it."""
    from hfver.hub_session import open_hub

    bars = printer.shows_progress
    return open_hub(workspace.config.endpoint, workspace.environ, writes=True, progress_bars=bars)


def release_now(workspace: Workspace, printer: Printer, tags: Sequence[str], *, allow_same: bool = False) -> Work:
    """Release these tags in this process; they are owed before anything is done."""
    from hfver.owed import do_owed, intend

    intend(workspace, tags, "made by hfver")
    names = set(tags)
    with hub_to_write(workspace, printer) as hub:
        work = do_owed(workspace, hub, printer, only=lambda owed: owed.name in names, allow_same=allow_same)
        work = replace(work, released=(*work.released, *_done_by_others(workspace, hub, work, tags)))
        announce(work.released, hub, printer)
    return work


def pushed(work: Work) -> Pushed:
    """What came of it, for ``--json``."""
    released = [
        Release(
            one.tag, one.repo, one.revision, one.branch, one.already_published, one.sent, one.new_bytes,
            one.known_bytes, one.warnings,
        )
        for one in work.released
    ]  # fmt: skip
    mirrored = [
        MirrorStep(one.repo, one.revision, one.made, one.title, one.added, one.deleted, one.sent_bytes)
        for one in work.mirrored
    ]
    return Pushed(released, mirrored, [NotDone(one.tag, one.kind, error_answer(one.error)) for one in work.failed])


def publish_owed(top: Path, *, progress: bool, tags: Sequence[str] = (), fresh_releases: bool = True) -> int:
    """What the hook and the background worker run: do all that is owed and return an exit code.

    ``tags`` are those somebody is waiting for: how they ended is said even when another process has done the work.
    Without ``fresh_releases`` a release is left to whoever noticed its tag a moment ago.
    Never raises for what can go wrong with a release: the tag stays, the intent is kept, and the message names the
    command that finishes it.
    """
    from hfver.hooks.entry import in_ci
    from hfver.locks import ATTENDED, UNATTENDED
    from hfver.logs import follow_log_level
    from hfver.owed import do_owed
    from hfver.workspace import open_workspace

    follow_log_level(os.environ)
    printer = Printer(quiet=not progress)
    try:
        with open_workspace(top) as workspace:
            if not workspace.config.enabled:
                return EXIT_DONE
            with hub_to_write(workspace, printer) as hub:
                work = do_owed(
                    workspace,
                    hub,
                    printer,
                    only=lambda owed: fresh_releases or owed.kind == "mirror" or owed.is_left(datetime.now(UTC)),
                    patience=ATTENDED if progress or in_ci() else UNATTENDED,
                )
                announce([*work.released, *_done_by_others(workspace, hub, work, tags)], hub, printer)
    except HfverError as error:
        printer.error(error)
        printer.note("The tag stays; `hfver push` releases it.")
        return error.exit_code
    return explain(printer, _news(work, tags))


def _news(work: Work, tags: Sequence[str]) -> Work:
    """Without refusals of other tags than somebody waits for: those were told when the tags were made."""
    if not tags:
        return work
    old = (RefusedError, ConflictError)
    kept = (failure for failure in work.failed if failure.tag in tags or not isinstance(failure.error, old))
    return replace(work, failed=tuple(kept))


def _done_by_others(workspace: Workspace, hub: HubClient, work: Work, tags: Sequence[str]) -> list[Outcome]:
    from hfver.release import release
    from hfver.target import target_of

    ours = {outcome.tag for outcome in work.released} | {failure.tag for failure in work.failed}
    left = [tag for tag in tags if tag not in ours]
    return [release(workspace, hub, target_of(workspace, tag), Silent()) for tag in left]


def explain(printer: Printer, work: Work) -> int:
    """Say why something was not done; the exit code is that of the first failure."""
    for failure in work.failed:
        printer.error(failure.error)
        if not isinstance(failure.error, RefusedError | ConflictError):
            what = "releases it" if failure.kind == "release" else "brings its configs to the Hub"
            printer.note(f"{failure.tag} stays owed; `hfver push` {what}.")
    return work.failed[0].error.exit_code if work.failed else EXIT_DONE
