"""A run as it stands in this workspace, ready to become a record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hfver.experiments.records import LARGEST_RECORD, GitInfo, Run, parse_record, record_folder
from hfver.experiments.run_facts import RunFacts

if TYPE_CHECKING:
    from hfver.config.settings import ModelConfig
    from hfver.outputs.recording import Recorded
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
        from hfver.experiments.system_info import system_info

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


def written_record(workspace: Workspace, name: str) -> RunFacts:
    """Parameters and metrics that `hfver.record_run` wrote into this work tree; nothing where it did not."""
    place = workspace.repo.top / record_folder(name) / workspace.config.experiment_tracking.metadata_file
    if not place.is_file() or place.stat().st_size > LARGEST_RECORD:
        return RunFacts()
    record = parse_record(place.read_bytes(), name=name, where=str(place)).record
    return RunFacts(_mapping(record.get("training_params")), _mapping(record.get("eval_results")))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
