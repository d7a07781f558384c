"""``hfver log``: git's versions and the Hub's revisions side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import click

from hfver.cli.answers.releases import HubBranches, LogEntry, ModelLog
from hfver.cli.options import cached, common
from hfver.cli.output import Printer, Table
from hfver.cli.status import STYLES, collect

if TYPE_CHECKING:
    from hfver.adapters.git_repo import CommitInfo
    from hfver.alignment import Alignment
    from hfver.hub_state import HubState
    from hfver.survey import ModelSurvey
    from hfver.workspace import Workspace


@click.command()
@click.option("--graph", is_flag=True, help="Draw the Hub's branches.")
@cached
@click.option("-n", "--max-count", type=click.IntRange(min=1), help="Show this many versions.")
@common(list[ModelLog] | Annotated[list[HubBranches], "with `--graph`"])
def log(printer: Printer, graph: bool, cached: bool, max_count: int | None) -> None:
    """Show git and Hub histories side by side, newest version first.

    \b
    Example:
      hfver log -n 10
      hfver log --graph    the Hub's branches, with the versions on them
    """
    from hfver.workspace import open_workspace

    with open_workspace() as workspace:
        found = collect(workspace, printer, cached=cached)
        if graph:
            printer.data([_branches(model.hub) for model in found], "\n".join(map(_drawn, found)))
            return
        logs = [ModelLog(model.name, model.repo, model.asked, _entries(workspace, model, max_count)) for model in found]
        printer.data(logs, *map(_table, logs))


def _drawn(model: ModelSurvey) -> str:
    return "\n".join(draw(model.hub))


def _entries(workspace: Workspace, model: ModelSurvey, max_count: int | None) -> list[LogEntry]:
    versions = model.versions[:max_count]
    commits = workspace.repo.commits([item.commit for item in versions if item.commit])
    return [_entry(item, commits.get(item.commit) if item.commit else None) for item in versions]


def _entry(item: Alignment, commit: CommitInfo | None) -> LogEntry:
    return LogEntry(
        item.tag,
        item.state,
        commit.author_date[:10] if commit else None,
        commit.author_name if commit else None,
        item.commit,
        item.subject,
        item.revision,
        item.branch,
    )


def _table(model: ModelLog) -> Table:
    rows = [
        [
            entry.version,
            entry.state,
            entry.date or "-",
            (entry.commit or "-")[:8],
            (entry.revision or "-")[:8],
            entry.branch or "-",
            entry.subject,
        ]
        for entry in model.versions
    ]
    return Table(["VERSION", "STATE", "DATE", "GIT", "HUB", "BRANCH", "SUBJECT"], rows, STYLES, empty="no versions yet")


def draw(hub: HubState) -> list[str]:
    """The Hub's branches as lines of text, newest commit first; each branch starts where it left another."""
    if not hub.exists:
        return [f"{hub.repo} is not on the Hub yet"]
    tags: dict[str, list[str]] = {}
    for name, target in hub.refs.tags.items():
        tags.setdefault(target, []).append(name)
    drawn: set[str] = set()
    lines: list[str] = []
    for branch, commits in hub.lines.items():
        lines.append(f"{branch}")
        for commit in commits:
            if commit.sha in drawn:
                lines.append(f"|/  from {commit.sha[:8]} {' '.join(sorted(tags.get(commit.sha, ())))}".rstrip())
                break
            drawn.add(commit.sha)
            names = " ".join(sorted(tags.get(commit.sha, ())))
            lines.append(f"*   {commit.sha[:8]} {f'({names}) ' if names else ''}{commit.title}")
    return lines


def _branches(hub: HubState) -> HubBranches:
    return HubBranches(hub.repo, {branch: [commit.sha for commit in line] for branch, line in hub.lines.items()})
