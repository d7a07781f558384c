"""``hfver log``: git's versions and the Hub's revisions side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hfver.cli.options import common
from hfver.cli.output import Printer, Table
from hfver.cli.status import STYLES, collect

if TYPE_CHECKING:
    from hfver.hub_state import HubState
    from hfver.survey import ModelSurvey
    from hfver.workspace import Workspace


@click.command()
@click.option("--graph", is_flag=True, help="Draw the Hub's branches.")
@click.option("--cached", is_flag=True, help="Do not ask the Hub: show what it had when it was last asked.")
@click.option("-n", "--max-count", type=click.IntRange(min=1), help="Show this many versions.")
@common
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
            printer.data([_graph_json(model.hub) for model in found], "\n".join(map(_drawn, found)))
            return
        listed = [_entries(workspace, model, max_count) for model in found]
        printer.data(
            [
                {"model": model.name, "repo": model.repo, "asked": model.asked, "versions": entries}
                for model, entries in zip(found, listed, strict=True)
            ]
        )
        if not printer.as_json:
            for entries in listed:
                printer.data(None, _table(entries))


def _drawn(model: ModelSurvey) -> str:
    return "\n".join(draw(model.hub))


def _entries(workspace: Workspace, model: ModelSurvey, max_count: int | None) -> list[dict[str, str | None]]:
    versions = model.versions[:max_count]
    commits = workspace.repo.commits([item.commit for item in versions if item.commit])
    entries: list[dict[str, str | None]] = []
    for item in versions:
        commit = commits.get(item.commit) if item.commit else None
        entries.append(
            {
                "version": item.tag,
                "state": str(item.state),
                "date": commit.author_date[:10] if commit else None,
                "author": commit.author_name if commit else None,
                "commit": item.commit,
                "subject": item.subject,
                "revision": item.revision,
                "branch": item.branch,
            }
        )
    return entries


def _table(entries: list[dict[str, str | None]]) -> Table:
    rows = [
        [
            entry["version"] or "",
            entry["state"] or "",
            entry["date"] or "-",
            (entry["commit"] or "-")[:8],
            (entry["revision"] or "-")[:8],
            entry["branch"] or "-",
            entry["subject"] or "",
        ]
        for entry in entries
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


def _graph_json(hub: HubState) -> dict[str, object]:
    return {"repo": hub.repo, "branches": {branch: [c.sha for c in commits] for branch, commits in hub.lines.items()}}
