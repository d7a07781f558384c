"""What the workflow commands and `HuggingFaceManager` do, as functions over an open workspace and Hub."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfver.errors import HfverError, UsageError
from hfver.experiments.files import (
    config_file,
    find_experiment,
    metrics_in,
    read_experiment,
    read_experiments,
    result_tree,
    send_experiment,
)
from hfver.experiments.records import Experiment, build_record, choose, dump_record, record_folder
from hfver.experiments.run_facts import RunFacts, read_facts, results_in
from hfver.experiments.run_record import run_here
from hfver.mirror.branch import configs_repo
from hfver.mirror.secret_scan import baseline_at
from hfver.reporting import Reporter
from hfver.training.ignored import make_ignored
from hfver.training.no_git import has_git, project_files
from hfver.training.notifications import Event, notify
from hfver.training.operations import Cost, measured
from hfver.training.sync import Synced, SyncRequest, sync
from hfver.visibility import mention_private, require_private

if TYPE_CHECKING:
    from hfver.adapters.hub_client import HubClient
    from hfver.config.settings import Config, ModelConfig
    from hfver.workspace import Workspace

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """A sync with what it cost."""

    synced: Synced
    cost: Cost


def sync_and_tell(
    workspace: Workspace, hub: HubClient, request: SyncRequest, reporter: Reporter, *, now: datetime
) -> Told:
    """A sync, measured, with its notifications; a failure is told and raised."""
    config = workspace.config
    if not config.enabled:
        synced = Synced(
            request.experiment, skipped="huggingface.enabled is false (--force-hf-sync does it all the same)"
        )
        return Told(synced, Cost("sync", 0.0, 0, 0))
    event = Event("sync", request.experiment, request.version_tag, config.model(request.model).repo)
    with measured("sync") as meter:
        try:
            synced = sync(workspace, hub, request, reporter, now=now, meter=meter)
        except HfverError as error:
            failed = replace(event, error=error.message, cost=meter.stop().as_dict())
            notify(config, failed, workspace.environ, reporter.warn)
            raise
    assert meter.cost is not None
    if synced.skipped is None:
        done = replace(event, version=synced.version, urls=synced.urls, cost=meter.cost.as_dict())
        notify(config, done, workspace.environ, reporter.warn)
    return Told(synced, meter.cost)


def create_repositories(workspace: Workspace, hub: HubClient, reporter: Reporter) -> dict[str, str]:
    config = workspace.config

    def create(repo: str, repo_type: str = "model") -> None:
        hub.create_repo(repo, private=config.private, repo_type=repo_type)
        if config.private:
            require_private(hub, repo, repo_type=repo_type)
        else:
            mention_private(hub, repo, workspace.state, reporter, repo_type=repo_type)

    urls = {}
    for model in config.models:
        suffix = "" if len(config.models) == 1 else f"_{model.name}"
        create(model.repo)
        urls[f"model_repo{suffix}"] = f"{hub.endpoint}/{model.repo}"
        if "config" in config.upload_items or "results" in config.upload_items:
            create(model.config_repo, config.config_repo_type)
            kind = "datasets/" if config.config_repo_type == "dataset" else ""
            urls[f"config_repo{suffix}"] = f"{hub.endpoint}/{kind}{model.config_repo}"
    return urls


def upload_config(
    workspace: Workspace, hub: HubClient, data: Mapping[str, Any] | str | Path, name: str, model: str | None = None
) -> str:
    """The configuration of an experiment; returns where it stands."""
    config = workspace.config
    if isinstance(data, (str, Path)):
        if not Path(data).is_file():
            raise UsageError(f"{data} does not exist")
        files = config_file(name, Path(data).read_bytes())
    else:
        files = config_file(name, data)
    _send(workspace, hub, config.model(model), name, files, what="config")
    return _url(hub, config, config.model(model), next(iter(files)), kind="blob")


def upload_results(
    workspace: Workspace, hub: HubClient, path: Path, name: str, now: datetime, model: str | None = None
) -> str:
    """Results of an experiment, and their numbers in its record, which is made if it has none; where they stand."""
    config, target = workspace.config, workspace.config.model(model)
    files = result_tree(name, path)
    if config.tracking.enabled:
        record = f"{record_folder(name)}/{config.experiment_tracking.metadata_file}"
        known = read_experiment(configs_repo(hub, config, target), config, name)
        files = {**files, record: dump_record(_record_with(workspace, target, name, known, metrics_in(files), now))}
    _send(workspace, hub, target, name, files, what="results")
    return _url(hub, config, target, f"{record_folder(name)}/results")


def _record_with(
    workspace: Workspace,
    model: ModelConfig,
    name: str,
    known: Experiment | None,
    evaluated: Mapping[str, Any],
    now: datetime,
) -> dict[str, Any]:
    """The record of the run as it was, with newer results; a new one where there is none."""
    config = workspace.config
    if known is None:
        facts = read_facts(project_files(workspace), main_config=config.data)
        for problem in facts.problems:
            log.warning(problem)
        facts = RunFacts(facts.params, {**facts.metrics, **evaluated})
        return build_record(run_here(workspace, model, name, facts, evaluated, now), config)
    newer = {
        key: {**known.record[key], **evaluated}
        for key in ("eval_results", "metrics")
        if config.tracking.include_metrics and isinstance(known.record.get(key), Mapping)
    }
    return {**known.record, **newer}


def download_model(
    workspace: Workspace, version: str, directory: Path, reporter: Reporter, *, model: str | None = None,
    force: bool = False,
) -> Path:  # fmt: skip
    """A version from the Hub, every file checked; what was fetched is kept in `settings.download.cache_dir`."""
    from hfver.checkout.export import export
    from hfver.trust import require_writable

    config = workspace.config
    download = config.settings.download
    store = require_writable(
        Path(download.cache_dir), workspace.repo.top, "the download cache", workspace.environ, own="HFVER_CACHE_DIR"
    )
    if not download.resume_download:
        shutil.rmtree(store / "hfver-tmp", ignore_errors=True)
    make_ignored(store)
    export(
        version, directory, reporter, repo=config.model(model).repo, endpoint=config.endpoint, force=force, store=store,
        environ=workspace.environ,
    )  # fmt: skip
    return directory


def list_versions(workspace: Workspace, hub: HubClient) -> list[dict[str, Any]]:
    from hfver.survey import survey

    if not has_git(workspace):
        return [item for model in workspace.config.models for item in _versions_on_hub(hub, model)]
    return [
        {
            "version": item.tag,
            "model": found.name,
            "repo": found.repo,
            "state": str(item.state),
            "commit": item.commit,
            "revision": item.revision,
            "url": hub.revision_url(found.repo, item.tag) if item.revision else None,
        }
        for found in survey(workspace, hub)
        for item in found.versions
    ]


def _versions_on_hub(hub: HubClient, model: ModelConfig) -> list[dict[str, Any]]:
    """Without git the Hub alone knows versions."""
    refs = hub.refs(model.repo)
    tags = sorted(refs.tags.items(), reverse=True) if refs is not None else []
    return [
        {"version": tag, "model": model.name, "repo": model.repo, "state": "no git", "commit": None,
         "revision": revision, "url": hub.revision_url(model.repo, tag)}
        for tag, revision in tags
    ]  # fmt: skip


def list_experiments(
    workspace: Workspace,
    hub: HubClient,
    *,
    where: str | None = None,
    sort: str = "",
    limit: int | None = None,
    model: str | None = None,
) -> list[Experiment]:
    from hfver.experiments.conditions import parse_condition

    condition = parse_condition(where) if where else None
    config = workspace.config
    found = read_experiments(configs_repo(hub, config, config.model(model)), config)
    return choose(found, where=condition, sort=sort, limit=limit)


def two_experiments(
    workspace: Workspace, hub: HubClient, first: str, second: str, model: str | None = None
) -> tuple[Experiment, Experiment]:
    """Experiments by name or version; a version that no experiment has is compared by its receipt."""
    config = workspace.config
    target = config.model(model)
    known = read_experiments(configs_repo(hub, config, target), config)
    return _found(workspace, hub, target, known, first), _found(workspace, hub, target, known, second)


def _found(workspace: Workspace, hub: HubClient, model: ModelConfig, known: list[Experiment], name: str) -> Experiment:
    found = find_experiment(known, name)
    if found is not None:
        return found
    from hfver.hub_view import read_receipt

    refs = hub.refs(model.repo)
    revision = refs.tags.get(name) if refs is not None else None
    receipt = read_receipt(hub, model.repo, revision, workspace.state) if revision is not None else None
    if receipt is None:
        names = ", ".join(experiment.name for experiment in known[-10:])
        others = f"; experiments are {names}" if names else ""
        raise UsageError(f"there is no experiment or version {name!r}{others}", hints=["hfver list-experiments"])
    return Experiment(name, {"training_params": receipt.params, "eval_results": receipt.metrics, "version": name})


def generate_card_text(
    workspace: Workspace, path: Path, version: str | None, sections: Mapping[str, str], model: str | None = None
) -> str:
    """The card a release of the model as it stands would get."""
    from hfver.adapters.cards import generate_card
    from hfver.cards.text import CardInput
    from hfver.checkout.scan import files_of_model
    from hfver.outputs.recording import path_in_repo

    config, repo = workspace.config, workspace.repo
    place = repo.top / path_in_repo(workspace, path)
    files = files_of_model(place, workspace.cache_dirs)
    template = config.model_card.template
    raw = project_files(workspace).read(template) if template else None
    text = raw.decode("utf-8", "replace") if raw is not None else None
    facts = read_facts(project_files(workspace), model_files=results_in(files), main_config=config.data)
    for problem in facts.problems:
        log.warning(problem)
    target = config.model(model)
    return generate_card(
        CardInput(
            tag=version or "main",
            repo=target.repo,
            settings=config.model_card,
            paths=list(files),
            size=sum(file.stat().st_size for file in files.values()),
            commit=repo.head(),
            remote=repo.remote_url(),
            config_repo=target.config_repo if "config" in config.upload_items and version else None,
            config_repo_type=config.config_repo_type,
            metrics=facts.metrics,
            params=facts.params,
            custom_sections=sections,
            template=text,
            template_name=template or "",
        )
    )


def _send(
    workspace: Workspace, hub: HubClient, model: ModelConfig, name: str, files: Mapping[str, bytes], *, what: str
) -> None:
    repo = configs_repo(hub, workspace.config, model, workspace.state)
    send_experiment(repo, workspace.config, name, files, what=what, baseline=baseline_at(workspace.repo.top))


def _url(hub: HubClient, config: Config, model: ModelConfig, path: str, *, kind: str = "tree") -> str:
    base = hub.revision_url(model.config_repo, config.settings.default_branch, repo_type=config.config_repo_type)
    return f"{base}/{path}".replace("/tree/", f"/{kind}/", 1)
