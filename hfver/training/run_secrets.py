"""What a sync must not tell, looked at before any of it is recorded in git, tagged, backed up or sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfver.adapters.git_tree import CommitTree
from hfver.experiments.files import config_file
from hfver.mirror.secret_scan import Finding, baseline_at, hide_values, in_texts, refuse_secrets, scan
from hfver.release_secrets import told_findings, work_tree_findings
from hfver.target import config_at
from hfver.training.no_git import has_git

if TYPE_CHECKING:
    from hfver.training.sync import Gathered, SyncRequest
    from hfver.workspace import Workspace


def refuse_run(workspace: Workspace, request: SyncRequest, run: Gathered, items: frozenset[str]) -> None:
    """RefusedError, naming every place, when this run cannot be told as it is."""
    found = [*_in_texts(workspace, request), *_in_values(run), *_in_files(workspace, request, run, items)]
    if "model" in items:
        found += work_tree_findings(workspace.repo.top, run.path)
        if has_git(workspace) and not _is_tagged(workspace, request.version_tag):
            found += _in_what_is_committed(workspace)
    refuse_secrets(found, run.model.repo if "model" in items else run.model.config_repo)


def _in_texts(workspace: Workspace, request: SyncRequest) -> list[Finding]:
    return in_texts({
        "the message": request.message or "",
        "the name of the experiment": request.experiment,
        "the name of the version": request.version_tag or "",
        "the name of the git branch": workspace.repo.branch() or "",
        "the URL of the git remote origin": workspace.repo.remote_url() or "",
    })  # fmt: skip


def _in_values(run: Gathered) -> list[Finding]:
    return hide_values({"params": run.facts.params, "metrics": run.facts.metrics})[1]


def _in_files(workspace: Workspace, request: SyncRequest, run: Gathered, items: frozenset[str]) -> list[Finding]:
    files = dict(run.results) if "results" in items else {}
    if "config" in items:
        files |= config_file(request.experiment, (workspace.repo.top / workspace.config.main_file).read_bytes())
    return scan(files, baseline_at(workspace.repo.top), workspace.state)


def _is_tagged(workspace: Workspace, version: str | None) -> bool:
    """Whether there is nothing to release any more but what that tag says."""
    return version is not None and any(tag.name == version for tag in workspace.repo.tags())


def _in_what_is_committed(workspace: Workspace) -> list[Finding]:
    """A release goes by what is committed, and so do its card and its configs."""
    head = workspace.repo.head()
    if head is None:
        return []
    with workspace.repo.reader() as reader:
        tree = CommitTree(workspace.repo, reader, head, "HEAD")
        return told_findings(tree, config_at(workspace, head, "HEAD"), workspace.state)
