"""``hfver diff``: in what two versions of the model differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hfver.cli.answers.releases import Difference, FileChange
from hfver.cli.options import common, model
from hfver.cli.output import Printer, Table, human_bytes
from hfver.errors import StateError

if TYPE_CHECKING:
    from hfver.config.settings import ModelConfig
    from hfver.model import Output
    from hfver.outputs.resolve import DirSource
    from hfver.workspace import Workspace

STYLES = {"added": "green", "removed": "red", "changed": "yellow", "renamed": "cyan"}


@click.command()
@click.argument("old", required=False)
@click.argument("new", default="HEAD")
@model
@common(Difference)
def diff(printer: Printer, old: str | None, new: str, model: str | None) -> None:
    """Show in what files two versions of the model differ.

    OLD and NEW are tags, branches or commits. Without OLD it is the last version below NEW; NEW is HEAD unless given.

    \b
    Example:
      hfver diff                  what HEAD changed since the last version
      hfver diff v1.0.0 v1.1.0
    """
    from hfver.outputs.diff import compare_files
    from hfver.workspace import open_workspace

    with open_workspace() as workspace:
        chosen = workspace.config.model(model)
        before = old or _version_below(workspace, chosen, new)
        one, two = _outputs(workspace, chosen, before, new)
    changes = [
        FileChange(item.kind, item.path, item.old_path, item.old_size, item.new_size)
        for item in compare_files(one.files, two.files)
    ]
    printer.data(Difference(before, new, changes), _table(changes))
    printer.note(
        f"{before} to {new}: {len(changes)} of {len(two.files)} files" if changes else "The model is the same."
    )


def _version_below(workspace: Workspace, model: ModelConfig, revision: str) -> str:
    """The highest version reachable from the revision, other than one that stands on it."""
    from hfver.survey import versions_of

    commit = workspace.repo.commit_of(revision)
    graph = workspace.repo.commit_graph([commit])
    found = [
        (version, tag.name)
        for tag, version in versions_of(workspace, model, workspace.repo.tags())
        if tag.commit in graph and tag.commit != commit
    ]
    semantic = [pair for pair in found if pair[0].scheme == "semantic"]
    if not found:
        raise StateError(f"there is no version below {revision} to compare with", hints=["hfver diff OLD NEW"])
    return max(semantic)[1] if semantic else found[-1][1]


def _outputs(workspace: Workspace, model: ModelConfig, *revisions: str) -> list[Output]:
    """The model at each revision; the Hub is asked when a list of files is nowhere else."""
    from hfver.errors import IntegrityError
    from hfver.hub_session import open_hub
    from hfver.hub_view import read_hub_state
    from hfver.release import lost_dir_object

    try:
        return [_output(workspace, model, revision) for revision in revisions]
    except IntegrityError:
        with open_hub(workspace.config.endpoint, workspace.environ) as hub:
            receipts = lost_dir_object(workspace, hub, read_hub_state(hub, model.repo, workspace.state))
            return [_output(workspace, model, revision, receipts) for revision in revisions]


def _output(workspace: Workspace, model: ModelConfig, revision: str, receipts: DirSource | None = None) -> Output:
    from dataclasses import replace

    from hfver.adapters.git_tree import CommitTree
    from hfver.outputs.at_commit import output_at
    from hfver.release_content import ReleaseContent
    from hfver.reporting import Silent

    commit = workspace.repo.commit_of(revision)
    with workspace.repo.reader() as reader:
        tree = CommitTree(workspace.repo, reader, commit, revision)
        output = output_at(workspace, tree, model.path, receipts)
        content = ReleaseContent(output, workspace.dvc(output.pointer.dvc_root), tree, workspace.state, Silent())
        return replace(output, files=content.sized(output.files))


def _table(changes: list[FileChange]) -> Table:
    def size(value: int | None) -> str:
        return "-" if value is None else human_bytes(value)

    rows = [
        [
            change.kind,
            change.path if change.kind != "renamed" else f"{change.old_path} -> {change.path}",
            size(change.old_size),
            size(change.new_size),
        ]
        for change in changes
    ]
    return Table(["CHANGE", "FILE", "OLD", "NEW"], rows, STYLES)
