"""The files of one experiment in the configs repository, and reading them back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfver.checkout.scan import files_of_model
from hfver.errors import StateError, UsageError
from hfver.experiments.records import FOLDER, LARGEST_RECORD, Experiment, parse_record, record_folder
from hfver.experiments.run_facts import metrics_of
from hfver.mirror.commit import Message, Step, secrets_in, step
from hfver.mirror.plan import MirrorTrailers
from hfver.mirror.repo import ConfigsRepo
from hfver.mirror.secret_scan import NO_BASELINE, Baseline, refuse_secrets

if TYPE_CHECKING:
    from hfver.config.settings import Config

LARGEST_RESULTS = 200_000_000  # bytes; more than this is data and belongs into DVC


def config_file(name: str, data: Mapping[str, Any] | bytes) -> dict[str, bytes]:
    """``experiments/<name>/config.yaml`` from a mapping, or from the text of a file as it is."""
    import yaml

    if isinstance(data, bytes):
        return {f"{record_folder(name)}/config.yaml": data}
    try:
        text = yaml.safe_dump(_plain(data), sort_keys=False, allow_unicode=True)
    except yaml.YAMLError as exc:
        raise UsageError(f"the configuration of {name} cannot be written as YAML: {exc}") from exc
    return {f"{record_folder(name)}/config.yaml": text.encode()}


def result_tree(name: str, path: Path) -> dict[str, bytes]:
    """``experiments/<name>/results/…`` from a file or all files of a directory."""
    if not path.exists():
        raise UsageError(f"{path} does not exist")
    files = files_of_model(path)
    size = sum(file.stat().st_size for file in files.values())
    if size > LARGEST_RESULTS:
        raise StateError(
            f"{path} has {size:,} bytes; results are for evaluations and plots, up to {LARGEST_RESULTS:,}",
            hints=[f"track it with DVC: dvc add {path}"],
        )
    folder = f"{record_folder(name)}/results"
    return {f"{folder}/{place}": file.read_bytes() for place, file in files.items()}


def metrics_in(files: Mapping[str, bytes]) -> dict[str, Any]:
    """What the result files say in numbers; the first one wins where two name the same."""
    found: dict[str, Any] = {}
    for path, raw in sorted(files.items()):
        if path.endswith(("_results.json", "trainer_state.json")):
            found = {**metrics_of(raw, path.rpartition("/")[2]), **found}
    return found


def send_experiment(
    repo: ConfigsRepo,
    config: Config,
    name: str,
    files: Mapping[str, bytes],
    *,
    what: str,
    version: str | None = None,
    baseline: Baseline = NO_BASELINE,
) -> Step:
    """One commit with an experiment's files, none when they are there already."""
    subject = commit_message(config, what, name, version=version)
    message = Message(subject, MirrorTrailers(experiment=name))
    branch = config.settings.default_branch
    refuse_secrets(secrets_in(files, baseline, repo.memory), repo.repo)  # before a repository is made for them
    return step(repo, config, branch, lambda _head, _held: (files, ()), message, baseline=baseline)


def commit_message(
    config: Config, what: str, name: str, *, version: str | None = None, commit: str | None = None
) -> str:
    """`settings.commit_message_template` filled."""
    return config.settings.commit_message_template.format(
        item_type=what, experiment_name=name, version=version or "", git_commit=(commit or "")[:10]
    )


def read_experiments(repo: ConfigsRepo, config: Config) -> list[Experiment]:
    """Every experiment of the repository, with an empty record where none was written."""
    refs = repo.refs()
    head = refs.branches.get(config.settings.default_branch) if refs is not None else None
    if head is None:
        return []
    held = repo.tree(head)
    names = sorted({path.split("/")[1] for path in held if path.startswith(f"{FOLDER}/") and path.count("/") > 1})
    file = config.experiment_tracking.metadata_file

    def read(name: str) -> Experiment:
        path = f"{FOLDER}/{name}/{file}"
        raw = repo.read(head, path, LARGEST_RECORD) if path in held else None
        return parse_record(raw, name=name, where=repo.repo) if raw is not None else Experiment(name, {})

    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(read, names))


def read_experiment(repo: ConfigsRepo, config: Config, name: str) -> Experiment | None:
    """The record of one experiment, None where none was written."""
    refs = repo.refs()
    head = refs.branches.get(config.settings.default_branch) if refs is not None else None
    if head is None:
        return None
    path = f"{record_folder(name)}/{config.experiment_tracking.metadata_file}"
    raw = repo.read(head, path, LARGEST_RECORD)
    return parse_record(raw, name=name, where=repo.repo) if raw is not None else None


def find_experiment(experiments: list[Experiment], name: str) -> Experiment | None:
    """By name, else by the version it was published as."""
    return next((e for e in experiments if e.name == name), None) or next(
        (e for e in experiments if e.version == name), None
    )


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))
