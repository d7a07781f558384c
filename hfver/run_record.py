"""A run as it stands in this workspace, ready to become a record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hfver.experiments import GitInfo, Run
from hfver.run_facts import RunFacts

if TYPE_CHECKING:
    from hfver.config.settings import ModelConfig
    from hfver.recording import Recorded
    from hfver.workspace import Workspace


def run_here(
    workspace: Workspace,
    model: ModelConfig,
    name: str,
    facts: RunFacts,
    evaluated: Mapping[str, Any],
    now: datetime,
    *,
    version: str | None = None,
    model_path: str | None = None,
    recorded: Recorded | None = None,
) -> Run:
    repo = workspace.repo
    system = None
    if workspace.config.sync.include_system_info:
        from hfver.system_info import system_info

        system = system_info()
    commit = recorded.commit if recorded is not None else repo.head()
    return Run(
        name=name,
        repo=model.repo,
        moment=now,
        params=facts.params,
        metrics=facts.metrics,
        eval_results=evaluated,
        git=GitInfo(commit, repo.branch(), repo.is_dirty(), repo.remote_url()),
        system=system,
        version=version,
        model_path=model_path,
        model_digest=recorded.md5 if recorded is not None else None,
    )
