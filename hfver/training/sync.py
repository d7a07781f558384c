"""A training run to the Hub in one step: the model as a release, its configuration, results and record.

There is no second way to publish: a sync makes git say what the model is, makes the version's tag, and then does what
the tag hook would do. Order:

    condition → record the model in git → version → backup → experiment's files → tag → release → its configs
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfver.adapters.git_tree import CommitTree
from hfver.cards.text import flatten
from hfver.checkout.scan import files_of_model
from hfver.errors import RefusedError, UnreachableError, UsageError
from hfver.experiments.conditions import Condition
from hfver.experiments.files import commit_message, config_file, metrics_in, result_tree, send_experiment
from hfver.experiments.records import build_record, dump_record, record_folder
from hfver.experiments.run_facts import RESULT_FILES, RunFacts, clean_params, numbers, read_facts, results_in
from hfver.experiments.run_record import run_here, written_record
from hfver.hooks.skip import skipping_hooks
from hfver.mirror.branch import configs_repo
from hfver.mirror.secret_scan import baseline_at
from hfver.outputs.at_commit import pointer_at
from hfver.outputs.recording import Recorded, path_in_repo, record_model
from hfver.outputs.same_model import version_of_same_model
from hfver.reporting import Reporter
from hfver.training.auto_version import auto_version
from hfver.training.no_git import has_git, project_files
from hfver.training.operations import Meter
from hfver.training.run_secrets import refuse_run
from hfver.visibility import refuse_public

if TYPE_CHECKING:
    from hfver.adapters.hub_client import HubClient
    from hfver.config.settings import Config, ModelConfig
    from hfver.workspace import Workspace

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """One run to sync, as it was asked for."""

    model_path: Path
    experiment: str
    version_tag: str | None = None
    message: str | None = None
    model: str | None = None  # which configured model, when there are several
    results: Path | None = None  # evaluation results; without it those inside the model
    condition: Condition | None = None
    commit: bool = True
    allow_same: bool = False
    items: frozenset[str] | None = None  # instead of upload_items
    params: Mapping[str, Any] = field(default_factory=dict)  # of the run, besides those in files


@dataclass(frozen=True, slots=True)
class Synced:
    """What came of it; ``skipped`` says why nothing was done."""

    experiment: str
    version: str | None = None
    urls: Mapping[str, str] = field(default_factory=dict)
    skipped: str | None = None


def sync(
    workspace: Workspace, hub: HubClient, request: SyncRequest, reporter: Reporter, *, now: datetime, meter: Meter
) -> Synced:
    """Do it. Whatever is cut off is finished by running it again, or by ``hfver push``."""
    config = workspace.config
    run = _gather(workspace, config, request, now)
    for problem in run.facts.problems:
        reporter.warn(problem)
    if request.condition is not None and not request.condition.holds(flatten(run.facts.metrics)):
        reason = f"{request.condition.text} is not true of {_shown(run.facts)}"
        return Synced(request.experiment, skipped=reason)
    items = frozenset(config.upload_items) if request.items is None else request.items
    if "model" in items:
        _check_tag(config, run.model, request.version_tag)
    refuse_run(workspace, request, run, items)
    if config.private:
        _refuse_public(hub, config, run.model, items)
    version = None
    recorded = None
    if not has_git(workspace):
        from hfver.training.loose_sync import sync_directory

        return sync_directory(workspace, hub, request, run, items, reporter, meter=meter)
    if "model" in items:
        message = request.message or commit_message(config, "model", request.experiment, version=request.version_tag)
        recorded = record_model(workspace, run.path, message, commit=request.commit)
        version = _version(workspace, config, run.model, request, recorded, reporter, now)
        _back_up(workspace, config, run, recorded, version, reporter)
    urls = send_run(workspace, hub, request, run, items, version, recorded, meter)
    if version is not None and recorded is not None:
        urls["model_url"] = _release(workspace, hub, run, request, recorded, version, reporter, meter)
    return Synced(request.experiment, version, dict(sorted(urls.items())))


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is known before anything is done."""

    model: ModelConfig
    path: str  # of the model, in git
    facts: RunFacts
    results: Mapping[str, bytes]
    eval_results: Mapping[str, Any]
    now: datetime


def _gather(workspace: Workspace, config: Config, request: SyncRequest, now: datetime) -> Gathered:
    path = path_in_repo(workspace, request.model_path)
    record_folder(request.experiment)
    model = _model_for(config, path, request.model)
    place = workspace.repo.top / path
    files = files_of_model(place, workspace.cache_dirs) if place.is_dir() else {}
    inside = [files[name] for name in RESULT_FILES if name in files]
    results: dict[str, bytes] = {}
    if request.results is not None:
        results = result_tree(request.experiment, request.results)
    else:
        for file in inside:
            results |= result_tree(request.experiment, file)
    facts = read_facts(
        project_files(workspace),
        model_files=results_in(files),
        main_config=config.data,
    )
    evaluated = metrics_in(results)
    written = written_record(workspace, request.experiment)
    facts = RunFacts(
        {**facts.params, **written.params, **clean_params(request.params)},
        {**facts.metrics, **written.metrics, **evaluated},
        facts.problems,
    )
    return Gathered(model, path, facts, results, evaluated, now)


def _model_for(config: Config, path: str, name: str | None) -> ModelConfig:
    """The configured model at that path; the only one, wherever its output stands this time."""
    if name is None:
        for model in config.models:
            if model.path == path:
                return model
    return config.model(name)


def _version(
    workspace: Workspace,
    config: Config,
    model: ModelConfig,
    request: SyncRequest,
    recorded: Recorded,
    reporter: Reporter,
    now: datetime,
) -> str:
    tags = workspace.repo.tags()
    if request.version_tag is None:
        known = None if request.allow_same else version_of_same_model(workspace, config, model, recorded)
        if known is not None:
            reporter.note(f"{recorded.path} is {known} already, so there is no new version")
            return known
        reachable = frozenset(workspace.repo.commit_graph([recorded.commit]))
        return auto_version(config, model, tags, reachable, request.experiment, now).tag
    tag = request.version_tag
    if any(known.name == tag for known in tags):
        _refuse_other_content(workspace, model, tag, recorded)
    elif not request.allow_same:
        same = version_of_same_model(workspace, config, model, recorded)
        refuse_same_content(config, recorded.path, tag, same)
    return tag


def _refuse_public(hub: HubClient, config: Config, model: ModelConfig, items: frozenset[str]) -> None:
    """Before anything is recorded or tagged here. Where the Hub does not answer, the look before sending remains."""
    repos = [(model.repo, "model")] if "model" in items else []
    if items & {"config", "results"}:
        repos.append((model.config_repo, config.config_repo_type))
    try:
        for repo, repo_type in repos:
            refuse_public(hub, repo, repo_type=repo_type)
    except UnreachableError as error:
        log.debug("not looked at yet: %s", error)


def _check_tag(config: Config, model: ModelConfig, tag: str | None) -> None:
    found = config.version_of(tag) if tag is not None else None
    if tag is None or (found is not None and found[0] == model):
        return
    formats = config.formats
    shapes = [model.tag_prefix + shape for shape in (formats.semantic, formats.timestamp, formats.experiment) if shape]
    raise UsageError(f"{tag} is not a version of {model.name}: tags look like {', '.join(shapes)}")


def refuse_same_content(config: Config, path: str, tag: str, same: str | None) -> None:
    """Before the tag is made: it would stay behind, owed and refused each time."""
    found = config.version_of(same) if same is not None else None
    if found is None or found[1].is_prerelease:
        return  # a release candidate becomes the final version unchanged: that is what it is for
    raise RefusedError(
        f"{path} is {same} already: {tag} would be the same content again",
        hints=[f"to sync that one: --version-tag {same}", "or insist: --allow-same"],
    )


def _refuse_other_content(workspace: Workspace, model: ModelConfig, name: str, recorded: Recorded) -> None:
    """A version that exists is synced again only if it is the same model."""
    tag = workspace.repo.tag(name)
    with workspace.repo.reader() as reader:
        tree = CommitTree(workspace.repo, reader, tag.commit, name)
        pointer = pointer_at(workspace, tree, tag.model_path or model.path or recorded.path)
    if pointer.md5 != recorded.md5:
        raise RefusedError(
            f"{name} exists already, with another model: {pointer.path} was {(pointer.md5 or 'nothing')[:8]} there and "
            f"is {recorded.md5[:8]} now",
            hints=["versions never change: choose another --version-tag", f"or bring it back: hfver checkout {name}"],
        )


def _back_up(
    workspace: Workspace,
    config: Config,
    run: Gathered,
    recorded: Recorded,
    version: str,
    reporter: Reporter,
) -> None:
    if not (config.backup.enabled or config.sync.backup_before_upload):
        return
    from hfver.outputs.at_commit import output_at
    from hfver.training.backups import make_backup
    from hfver.trust import require_writable

    folder = Path(config.backup.local_backup_dir)
    place = require_writable(folder, workspace.repo.top, "the backup directory", workspace.environ)
    with workspace.repo.reader() as reader:
        output = output_at(workspace, CommitTree(workspace.repo, reader, recorded.commit), recorded.path)
    dvc = workspace.dvc(output.pointer.dvc_root)
    files: dict[str, Path | bytes] = {
        f"model/{file.path}": dvc.object_path(file.md5, output.pointer.hash_name) for file in output.files
    }
    files |= {path.split("/", 2)[2]: raw for path, raw in run.results.items()}
    files["config.yaml"] = (workspace.repo.top / config.main_file).read_bytes()
    made = make_backup(place, version.replace("/", "-"), files, config.backup.keep_backups, run.now)
    reporter.note(f"Backup of {made.files} files in {made.path}" + "".join(f"; removed {old}" for old in made.removed))


def send_run(
    workspace: Workspace,
    hub: HubClient,
    request: SyncRequest,
    run: Gathered,
    items: frozenset[str],
    version: str | None,
    recorded: Recorded | None,
    meter: Meter,
) -> dict[str, str]:
    """Configuration, results and record to the configs repository; where they stand."""
    config = workspace.config
    files = _run_files(workspace, config, run, request, items, version, recorded)
    if not files:
        return {}
    repo = configs_repo(hub, config, run.model, workspace.state)
    done = send_experiment(
        repo, config, request.experiment, files, what="+".join(sorted(items)), version=version,
        baseline=baseline_at(workspace.repo.top),
    )  # fmt: skip
    meter.add(done.sent_bytes)
    return _file_urls(hub, config, run.model, request.experiment, files)


def _run_files(
    workspace: Workspace,
    config: Config,
    run: Gathered,
    request: SyncRequest,
    items: frozenset[str],
    version: str | None,
    recorded: Recorded | None,
) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    if "config" in items:
        files |= config_file(request.experiment, (workspace.repo.top / config.main_file).read_bytes())
    if "results" in items:
        files |= run.results
    if config.tracking.enabled and items & {"config", "results"}:
        made = run_here(
            workspace, run.model, request.experiment, run.facts, run.eval_results, run.now,
            version=version, model_path=run.path, recorded=recorded,
        )  # fmt: skip
        name = f"{record_folder(request.experiment)}/{config.experiment_tracking.metadata_file}"
        files[name] = dump_record(build_record(made, config))
    return files


def _release(
    workspace: Workspace,
    hub: HubClient,
    run: Gathered,
    request: SyncRequest,
    recorded: Recorded,
    version: str,
    reporter: Reporter,
    meter: Meter,
) -> str:
    from hfver.owed import do_owed, intend

    _mention_uncommitted(workspace, reporter)
    if all(tag.name != version for tag in workspace.repo.tags(version)):
        subject = request.message or commit_message(
            workspace.config, "model", request.experiment, version=version, commit=recorded.commit
        )
        lines = [subject] if run.model.path == recorded.path else [subject, "", f"Model-Path: {recorded.path}"]
        with skipping_hooks():
            workspace.repo.create_tag(version, recorded.commit, "\n".join(lines))
    intend(workspace, [version], "sync")
    work = do_owed(workspace, hub, reporter, only=lambda owed: owed.name == version, allow_same=request.allow_same)
    for failure in work.failed:
        if failure.kind == "release":
            if isinstance(failure.error, UnreachableError):
                failure.error.hints.append(f"{version} is kept and owed: hfver push")
            raise failure.error
        reporter.warn(f"{version} is released, its configs are still owed: {failure.error.message}")
    for outcome in work.released:
        meter.add(outcome.new_bytes)
        for warning in outcome.warnings:
            reporter.warn(f"{outcome.tag}: {warning}")
    return hub.revision_url(run.model.repo, version)


def _mention_uncommitted(workspace: Workspace, reporter: Reporter) -> None:
    """A release is made from its commit, and so are its configuration and its parameters."""
    config = workspace.config
    changed = workspace.repo.changes(config.main_file, config.huggingface.config_file, "params.yaml", "dvc.yaml")
    if changed:
        names = ", ".join(change.path for change in changed)
        verb = "has" if len(changed) == 1 else "have"
        reporter.warn(f"{names} {verb} changes that are not committed: the release goes by what is committed")


def _file_urls(
    hub: HubClient, config: Config, model: ModelConfig, name: str, files: Mapping[str, bytes]
) -> dict[str, str]:
    base = hub.revision_url(model.config_repo, config.settings.default_branch, repo_type=config.config_repo_type)
    folder = f"{base}/{record_folder(name)}"
    urls = {"experiment_url": folder}
    if any(path.endswith("/config.yaml") for path in files):
        urls["config_url"] = f"{folder}/config.yaml".replace("/tree/", "/blob/", 1)
    if any("/results/" in path for path in files):
        urls["results_url"] = f"{folder}/results"
    return urls


def _shown(facts: RunFacts) -> str:
    known = numbers(facts.metrics)
    return ", ".join(f"{name} = {value:g}" for name, value in sorted(known.items())[:8]) or "a run without metrics"
