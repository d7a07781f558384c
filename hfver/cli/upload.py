"""The steps of a sync one by one, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hfver.cli.config import config_file
from hfver.cli.options import common
from hfver.cli.output import Printer, Table
from hfver.cli.project import MODEL, opened, project


@click.command()
@click.option("--model-path", type=click.Path(path_type=Path), required=True, help="The trained model.")
@click.option("--version-tag", metavar="TAG", help="Version; without it one is made as the configuration says.")
@click.option("-m", "--commit-message", metavar="TEXT", help="Message of the tag, and so of the release.")
@click.option("--private/--public", default=None, help="Visibility of the repository, if it is created.")
@click.option("--chunk-size", type=int, metavar="BYTES", help="Bytes read at a time.")
@click.option("--no-commit", is_flag=True, help="Refuse if git does not record the model yet.")
@click.option("--allow-same", is_flag=True, help="Release content again that the version before has already.")
@MODEL
@config_file
@common
def upload_model(
    printer: Printer,
    path: Path | None,
    model: str | None,
    model_path: Path,
    version_tag: str | None,
    commit_message: str | None,
    private: bool | None,
    chunk_size: int | None,
    no_commit: bool,
    allow_same: bool,
) -> None:
    """Release a model as a version.

    \b
    Example:
      hfver upload-model --model-path model --version-tag v1.2.0
    """
    from datetime import UTC, datetime

    from hfver.cli.sync import cost_text
    from hfver.training.sync import SyncRequest
    from hfver.training.workflow import sync_and_tell

    options: dict[str, Any] = {} if private is None else {"huggingface.repository.private": private}
    options |= {} if chunk_size is None else {"settings.upload.chunk_size": chunk_size}
    name = model_path.resolve().name
    request = SyncRequest(
        model_path, name, version_tag, message=commit_message, model=model, commit=not no_commit,
        allow_same=allow_same, items=frozenset({"model"}),
    )  # fmt: skip
    with opened(printer, path, options | {"huggingface.enabled": True}, writes=True) as (workspace, hub):
        told = sync_and_tell(workspace, hub, request, printer, now=datetime.now(UTC))
    url = told.synced.urls["model_url"]
    printer.data({"version": told.synced.version, "model_url": url, "cost": told.cost.as_dict()}, url)
    printer.note(cost_text(told))


@click.command()
@click.option(
    "--config-file",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The training configuration.",
)
@click.option("--experiment-name", metavar="NAME", required=True, help="Name of the experiment.")
@MODEL
@config_file
@common
def upload_config(printer: Printer, path: Path | None, model: str | None, file: Path, experiment_name: str) -> None:
    """Put the configuration of an experiment into the configs repository.

    \b
    Example:
      hfver upload-config --config-file train.yaml --experiment-name base
    """
    from hfver.training import workflow

    with opened(printer, path, writes=True) as (workspace, hub):
        url = workflow.upload_config(workspace, hub, file, experiment_name, model)
    printer.data({"config_url": url}, url)


@click.command()
@click.option("--results-path", type=click.Path(path_type=Path), required=True, help="A file, or a directory of them.")
@click.option("--experiment-name", metavar="NAME", required=True, help="Name of the experiment.")
@MODEL
@config_file
@common
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
    printer.data({"results_url": url}, url)


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
@MODEL
@config_file
@common
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
    printer.data({"version": version_tag, "path": place}, str(place))


@click.command()
@config_file
@common
def list_versions(printer: Printer, path: Path | None) -> None:
    """List every version in git and on the Hub, newest first.

    \b
    Example:
      hfver list-versions --json
    """
    from hfver.training import workflow

    with opened(printer, path) as (workspace, hub):
        found = workflow.list_versions(workspace, hub)
    rows = [(item["version"], item["state"], (item["commit"] or "")[:10], item["url"] or "") for item in found]
    printer.data(found, Table(("VERSION", "STATE", "GIT", "WHERE"), rows, empty="There are no versions yet."))
