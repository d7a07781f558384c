"""The steps of a sync one by one, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from hfver.cli.answers.workflow import Downloaded, ListedVersion, UploadedConfig, UploadedModel, UploadedResults
from hfver.cli.options import (
    allow_same,
    common,
    config_file,
    experiment_name,
    model,
    model_path,
    no_commit,
    private,
    version_tag,
)
from hfver.cli.output import Printer, Table
from hfver.cli.project import opened, project, warn_of_unseen
from hfver.cli.told import cost_answer, cost_text
from hfver.visibility import private_option


@dataclass(frozen=True, slots=True)
class AskedModel:
    """The command line of `upload-model`, by the names of its options."""

    model_path: Path
    version_tag: str | None
    commit_message: str | None
    private: bool | None
    chunk_size: int | None
    no_commit: bool
    allow_same: bool
    model: str | None


@click.command()
@model_path(required=True)
@version_tag
@click.option("-m", "--commit-message", metavar="TEXT", help="Message of the tag, and so of the release.")
@private
@click.option("--chunk-size", type=int, metavar="BYTES", help="Bytes read at a time.")
@no_commit
@allow_same
@model
@config_file
@common(UploadedModel)
def upload_model(printer: Printer, path: Path | None, **typed: Any) -> None:
    """Release a model as a version.

    \b
    Example:
      hfver upload-model --model-path model --version-tag v1.2.0
    """
    from datetime import UTC, datetime

    from hfver.training.sync import SyncRequest
    from hfver.training.workflow import sync_and_tell

    asked = AskedModel(**typed)
    options = {
        "huggingface.enabled": True,
        "settings.upload.chunk_size": asked.chunk_size,
    }
    request = SyncRequest(
        asked.model_path, asked.model_path.resolve().name, asked.version_tag, message=asked.commit_message,
        model=asked.model, commit=not asked.no_commit, allow_same=asked.allow_same, items=frozenset({"model"}),
    )  # fmt: skip
    given = {key: value for key, value in options.items() if value is not None} | private_option(asked.private)
    with opened(printer, path, given, writes=True) as (workspace, hub):
        told = sync_and_tell(workspace, hub, request, printer, now=datetime.now(UTC))
    url = told.synced.urls["model_url"]
    printer.data(UploadedModel(told.synced.version, url, cost_answer(told.cost)), url)
    printer.note(cost_text(told))


@click.command()
@click.option(
    "--config-file",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The training configuration.",
)
@experiment_name
@model
@config_file
@common(UploadedConfig)
def upload_config(printer: Printer, path: Path | None, model: str | None, file: Path, experiment_name: str) -> None:
    """Put the configuration of an experiment into the configs repository.

    \b
    Example:
      hfver upload-config --config-file train.yaml --experiment-name base
    """
    from hfver.training import workflow

    with opened(printer, path, writes=True) as (workspace, hub):
        url = workflow.upload_config(workspace, hub, file, experiment_name, model)
    printer.data(UploadedConfig(url), url)


@click.command()
@click.option("--results-path", type=click.Path(path_type=Path), required=True, help="A file, or a directory of them.")
@experiment_name
@model
@config_file
@common(UploadedResults)
def upload_results(
    printer: Printer, path: Path | None, model: str | None, results_path: Path, experiment_name: str
) -> None:
    """Put evaluation results and the record of an experiment into the configs repository.

    \b
    Example:
      hfver upload-results --results-path results --experiment-name base
    """
    from datetime import UTC, datetime

    from hfver.training import workflow

    with opened(printer, path, writes=True) as (workspace, hub):
        url = workflow.upload_results(workspace, hub, results_path, experiment_name, datetime.now(UTC), model)
    printer.data(UploadedResults(url), url)


@click.command()
@click.option("--version-tag", metavar="TAG", default="latest", show_default=True, help="Version, or a range: ^1.2.")
@click.option(
    "--local-dir",
    type=click.Path(path_type=Path),
    default=Path("downloaded_model"),
    show_default=True,
    help="Where to.",
)
@click.option("--force", is_flag=True, help="Overwrite files that differ.")
@model
@config_file
@common(Downloaded)
def download_model(
    printer: Printer, path: Path | None, model: str | None, version_tag: str, local_dir: Path, force: bool
) -> None:
    """Fetch a version from the Hub, every file checked against its receipt.

    \b
    Example:
      hfver download-model --version-tag v1.2.0 --local-dir ./bert
    """
    from hfver.training import workflow

    with project(path) as workspace:
        place = workflow.download_model(workspace, version_tag, local_dir, printer, model=model, force=force)
    printer.data(Downloaded(version_tag, str(place)), str(place))


@click.command()
@config_file
@common(list[ListedVersion])
def list_versions(printer: Printer, path: Path | None) -> None:
    """List every version in git and on the Hub, newest first.

    \b
    Example:
      hfver list-versions --json
    """
    from hfver.training import workflow

    with opened(printer, path) as (workspace, hub):
        versions = [ListedVersion(**item) for item in workflow.list_versions(workspace, hub)]
        seen = {item.repo for item in versions if item.revision is not None}
        warn_of_unseen(
            printer,
            workspace,
            (one.repo for one in workspace.config.models if one.repo not in seen and hub.refs(one.repo) is None),
        )
    rows = [(item.version, item.state, (item.commit or "-")[:8], item.url or "-") for item in versions]
    printer.data(versions, Table(("VERSION", "STATE", "GIT", "WHERE"), rows, empty="There are no versions yet."))
