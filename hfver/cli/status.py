"""``hfver status``: every version and its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hfver.cli.answers.releases import ModelVersions, Version
from hfver.cli.options import cached, common
from hfver.cli.output import Printer, Table
from hfver.cli.project import warn_of_unseen
from hfver.errors import UnreachableError

if TYPE_CHECKING:
    from hfver.alignment import Alignment
    from hfver.survey import ModelSurvey
    from hfver.workspace import Workspace

STYLES = {
    "aligned": "green",
    "pending": "yellow",
    "unpublished": "yellow",
    "incomplete": "yellow",
    "orphan": "red",
    "moved": "red",
    "tampered": "red",
    "unrecoverable": "red",
}


@click.command()
@cached
@common(list[ModelVersions])
def status(printer: Printer, cached: bool) -> None:
    """Show every version and its state.

    \b
    aligned      git's tag and the Hub's revision were made of the same commit
    pending      owed, `hfver push` releases it
    unpublished  in git only
    incomplete   on the Hub without its tag
    orphan       on the Hub only
    moved        git's tag names another commit than the release was made from

    \b
    Example:
      hfver status
      hfver status --cached    without asking the Hub
      hfver status --json | jq -r '.[].versions[] | "\\(.tag) \\(.state)"'
    """
    from hfver.workspace import open_workspace

    with open_workspace() as workspace:
        found = collect(workspace, printer, cached=cached)
        printer.data(
            list(map(_answer, found)), *(piece for model in found for piece in (_heading(model), _table(model)))
        )
        _say_next(workspace, printer, found)


def collect(workspace: Workspace, printer: Printer, *, cached: bool) -> list[ModelSurvey]:
    """Ask the Hub, or fall back to what is remembered of it, saying so."""
    from hfver.survey import survey

    if cached:
        return survey(workspace, None)
    from hfver.hub_session import open_listing

    try:
        with open_listing(workspace.config.endpoint, workspace.environ) as hub:
            found = survey(workspace, hub)
    except UnreachableError as error:
        printer.warn(f"{error.message}; showing what was known")
        return survey(workspace, None)
    warn_of_unseen(printer, workspace, [model.repo for model in found if not model.hub.exists])
    return found


def _answer(model: ModelSurvey) -> ModelVersions:
    versions = [
        Version(item.tag, item.state, item.commit, item.revision, item.branch, item.subject, item.detail)
        for item in model.versions
    ]
    return ModelVersions(model.name, model.repo, model.asked, versions)


def _heading(model: ModelSurvey) -> str:
    seen = "" if model.asked is None else f"  (the Hub as of {model.asked})"
    return f"{model.name} -> {model.repo}{seen}"


def _table(model: ModelSurvey) -> Table:
    headings = ["VERSION", "STATE", "GIT", "HUB", "BRANCH", "SUBJECT"]
    return Table(headings, list(map(_row, model.versions)), STYLES, empty="  no versions yet: hfver bump minor")


def _row(item: Alignment) -> list[str]:
    return [
        item.tag,
        str(item.state),
        (item.commit or "-")[:8],
        (item.revision or "-")[:8],
        item.branch or "-",
        item.detail or item.subject,
    ]


def _say_next(workspace: Workspace, printer: Printer, found: list[ModelSurvey]) -> None:
    states = {str(item.state) for model in found for item in model.versions}
    owed = workspace.outbox.entries()
    for problem in owed.problems:
        printer.warn(problem)
    for entry in owed.owed:
        if entry.kind == "release" and entry.last_error:
            printer.note(f"{entry.name} is owed; last attempt: {entry.last_error}")
    if "pending" in states:
        printer.note("hfver push releases what is pending.")
    if states & {"unpublished", "incomplete"}:
        printer.note("hfver push --all-missing releases every version that is not on the Hub.")
