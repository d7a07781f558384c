"""``hfver.record_run``: write down a run of any training program, whatever framework it uses."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfver.errors import UsageError
from hfver.experiments.files import config_file, metrics_in, result_tree
from hfver.experiments.records import build_record, dump_record, record_folder
from hfver.experiments.run_facts import RunFacts, clean_params, read_facts
from hfver.experiments.run_record import run_here
from hfver.redact import redacted_errors

if TYPE_CHECKING:
    from hfver.workspace import Workspace


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """What was written: the record's file (None with `experiment_tracking.enabled: false`), and where it was sent."""

    name: str
    path: Path | None
    urls: Mapping[str, str] = field(default_factory=dict)


def record_run(
    name: str,
    *,
    params: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    files: Iterable[str | Path] = (),
    config: str | Path = "config.yaml",
    model: str | None = None,
    send: bool = False,
) -> RecordedRun:
    """Write the record of a run to ``experiments/<name>/`` of the git repository.

    ``params`` and ``metrics`` go before what params.yaml, DVC and DVCLive say. ``files`` (plots, evaluations,
    directories of them) are copied to ``results/``. A git commit of the folder brings it to the configs repository, and
    `hfver sync --experiment-name <name>` takes parameters and metrics from it; ``send=True`` sends it now.

    >>> hfver.record_run("baseline", params={"lr": 0.1}, metrics={"accuracy": 0.9}, files=["confusion.png"])
    """
    from hfver.workspace import open_workspace

    path = Path(config).absolute()
    with redacted_errors(), open_workspace(path.parent, environ=os.environ, config_path=path) as workspace:
        if not workspace.config.tracking.enabled:
            return RecordedRun(name, None)
        made = _files(workspace, name, params or {}, metrics or {}, [Path(file) for file in files], model)
        for place, raw in made.items():
            target = workspace.repo.top / place
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(raw)
        record = workspace.repo.top / record_folder(name) / workspace.config.experiment_tracking.metadata_file
        urls = _send(workspace, name, made, model) if send else {}
    return RecordedRun(name, record, urls)


def _files(
    workspace: Workspace,
    name: str,
    params: Mapping[str, Any],
    metrics: Mapping[str, Any],
    results: list[Path],
    model: str | None,
) -> dict[str, bytes]:
    from hfver.adapters.git_tree import WorkTree

    config = workspace.config
    files: dict[str, bytes] = {}
    for path in results:
        found = result_tree(name, path)
        if both := files.keys() & found.keys():
            raise UsageError(
                f"{path}: there is another {min(both).partition('/results/')[2]} among the files",
                hints=["give the files different names, or the directory that holds both"],
            )
        files |= found
    known = read_facts(WorkTree(workspace.repo), main_config=config.data)
    evaluated = {**metrics_in(files), **metrics}
    facts = RunFacts({**known.params, **clean_params(params)}, {**known.metrics, **evaluated})
    run = run_here(workspace, config.model(model), name, facts, evaluated, datetime.now(UTC))
    files |= config_file(name, (workspace.repo.top / config.main_file).read_bytes())
    files[f"{record_folder(name)}/{config.experiment_tracking.metadata_file}"] = dump_record(build_record(run, config))
    return files


def _send(workspace: Workspace, name: str, files: Mapping[str, bytes], model: str | None) -> dict[str, str]:
    from hfver.experiments.files import send_experiment
    from hfver.hub_session import open_hub
    from hfver.mirror.branch import configs_repo

    config = workspace.config
    target = config.model(model)
    with open_hub(config.endpoint, workspace.environ) as hub:
        send_experiment(configs_repo(hub, config, target), config, name, files, what="results")
        base = hub.revision_url(target.config_repo, config.settings.default_branch, repo_type=config.config_repo_type)
    return {"experiment_url": f"{base}/{record_folder(name)}"}
