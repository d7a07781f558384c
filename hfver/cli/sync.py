"""``hfver sync``: a training run to the Hub in one step, or many of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hfver.cli.config import config_file
from hfver.cli.options import common
from hfver.cli.output import Printer, Table, human_bytes
from hfver.cli.project import MODEL, opened
from hfver.errors import EXIT_DONE, HfverError, UsageError

if TYPE_CHECKING:
    from hfver.adapters.hub_client import HubClient
    from hfver.training.workflow import Told
    from hfver.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Asked:
    """One experiment of a batch."""

    path: Path
    name: str
    tag: str | None = None
    results: Path | None = None


@click.command()
@click.option("--model-path", type=click.Path(path_type=Path), help="The trained model.")
@click.option("--experiment-name", metavar="NAME", help="Name of the experiment.")
@click.option("--version-tag", metavar="TAG", help="Version; without it one is made as the configuration says.")
@click.option("--results", type=click.Path(path_type=Path), help="Result file or directory; else those in the model.")
@click.option("--private/--public", default=None, help="Visibility of repositories that are created.")
@click.option("--experiment", "listed", multiple=True, metavar="NAME=PATH[@TAG]", help="One of several; repeat it.")
@click.option("--all", "batch", type=click.Path(path_type=Path, dir_okay=False), help="YAML list of experiments.")
@click.option("--if", "condition", metavar="CONDITION", help='Only if it holds: "accuracy > 0.8 and loss < 1".')
@MODEL
@click.option("--no-commit", is_flag=True, help="Refuse if git does not record the model yet.")
@click.option("--allow-same", is_flag=True, help="Release content again that the version before has already.")
@click.option("--force-hf-sync", "--force", "force", is_flag=True, help="Even if huggingface.enabled is false.")
@config_file
@common
def sync(
    printer: Printer,
    path: Path | None,
    model_path: Path | None,
    experiment_name: str | None,
    version_tag: str | None,
    results: Path | None,
    private: bool | None,
    listed: tuple[str, ...],
    batch: Path | None,
    condition: str | None,
    model: str | None,
    no_commit: bool,
    allow_same: bool,
    force: bool,
) -> int:
    """Release a trained model with its configuration, results and record, in one step.

    The model is recorded in DVC and git first (one commit of exactly DVC's files), then tagged and released as by
    `git tag`.

    \b
    Example:
      hfver sync --model-path model --experiment-name base --version-tag v1.0.0
      hfver sync --model-path model --experiment-name new --if "accuracy > 0.8"
      hfver sync --experiment a=runs/a@v1.0.0 --experiment b=runs/b@v1.1.0
      hfver sync --all experiments.yaml
    """
    from hfver.experiments.conditions import parse_condition
    from hfver.training.sync import SyncRequest

    asked = _asked(model_path, experiment_name, version_tag, results, listed, batch)
    parsed = parse_condition(condition) if condition else None
    options: dict[str, Any] = {} if private is None else {"huggingface.repository.private": private}
    options |= {"huggingface.enabled": True} if force else {}
    requests = [
        SyncRequest(
            one.path, one.name, one.tag, model=model, results=one.results, condition=parsed, commit=not no_commit,
            allow_same=allow_same,
        )
        for one in asked
    ]  # fmt: skip
    with opened(printer, path, options, writes=True) as (workspace, hub):
        if len(requests) == 1 and batch is None and not listed:
            told = _one(workspace, hub, printer, requests[0])
            _show(printer, told)
            return EXIT_DONE
        return _many(workspace, hub, printer, requests)


def _one(workspace: Workspace, hub: HubClient, printer: Printer, request: Any) -> Told:
    from datetime import UTC, datetime

    from hfver.training.workflow import sync_and_tell

    return sync_and_tell(workspace, hub, request, printer, now=datetime.now(UTC))


def _many(workspace: Workspace, hub: HubClient, printer: Printer, requests: Sequence[Any]) -> int:
    """One failure does not stop the others; the exit code is that of the first."""
    rows, body = [], []
    code = EXIT_DONE
    for request in requests:
        try:
            told = _one(workspace, hub, printer, request)
        except HfverError as error:
            code = code or error.exit_code
            printer.warn(f"{request.experiment}: {error.message}")
            rows.append((request.experiment, request.version_tag or "", "failed", error.message.split("\n")[0]))
            body.append({"experiment": request.experiment, "status": "failed", "error": error.message})
            continue
        done = told.synced
        status = "skipped" if done.skipped else "done"
        rows.append((done.experiment, done.version or "", status, done.skipped or done.urls.get("model_url", "")))
        body.append(_body(told) | {"status": status})
    printer.data(body, Table(("EXPERIMENT", "VERSION", "STATUS", "WHERE"), rows))
    return code


def _show(printer: Printer, told: Told) -> None:
    done = told.synced
    if done.skipped:
        printer.data(_body(told))
        printer.note(f"{done.experiment} was not synced: {done.skipped}")
        return
    rows = [(key.removesuffix("_url"), url) for key, url in done.urls.items()]
    printer.data(_body(told), Table(("WHAT", "WHERE"), rows))
    printer.note(cost_text(told))


def cost_text(told: Told) -> str:
    cost = told.cost
    rate = f" ({human_bytes(round(cost.bytes_per_second))}/s)" if cost.sent_bytes else ""
    memory = f", peak memory {human_bytes(cost.peak_memory)}" if cost.peak_memory else ""
    what = told.synced.version or told.synced.experiment
    return f"{what}: {cost.seconds:.1f} s, {human_bytes(cost.sent_bytes)} sent{rate}{memory}"


def _body(told: Told) -> dict[str, Any]:
    done = told.synced
    return {
        "experiment": done.experiment, "version": done.version, "urls": done.urls, "skipped": done.skipped,
        "cost": told.cost.as_dict(),
    }  # fmt: skip


def _asked(
    model_path: Path | None,
    name: str | None,
    tag: str | None,
    results: Path | None,
    listed: Sequence[str],
    batch: Path | None,
) -> list[Asked]:
    single = model_path is not None or name is not None
    if sum((single, bool(listed), batch is not None)) != 1:
        raise UsageError(
            "name one experiment, several, or a file of them",
            hints=["hfver sync --model-path model --experiment-name baseline", "hfver sync --all experiments.yaml"],
        )
    if single:
        if model_path is None:
            raise UsageError("--model-path is missing")
        return [Asked(model_path, name or model_path.resolve().name, tag, results)]
    if tag is not None or results is not None:
        raise UsageError("--version-tag and --results belong to a single experiment")
    return list(_from_file(batch)) if batch is not None else [_from_option(text) for text in listed]


def _from_option(text: str) -> Asked:
    name, equals, rest = text.partition("=")
    path, _, tag = rest.partition("@")
    if not equals or not name or not path:
        raise UsageError(f"--experiment {text!r}: expected NAME=PATH or NAME=PATH@TAG")
    return Asked(Path(path), name, tag or None)


def _from_file(path: Path) -> Iterator[Asked]:
    """A list of ``{path, name, tag, results}``; every problem has its line."""
    from hfver.config.marks import parse_yaml
    from hfver.config.problems import InvalidConfigError

    if not path.is_file():
        raise UsageError(f"{path} does not exist")
    document, problems = parse_yaml(path.read_bytes(), str(path))
    entries = document.data
    if not problems and (not isinstance(entries, list) or not entries):
        problems = [
            document.problem((), "expected a list of experiments: - {name: baseline, path: ./exp1, tag: v1.0.0}")
        ]
    for number, entry in enumerate(entries if not problems else []):
        if not isinstance(entry, Mapping) or not {"name", "path"} <= set(entry) <= {"name", "path", "tag", "results"}:
            problems.append(
                document.problem((number,), "an experiment has a name and a path, and may have tag and results")
            )
        elif not all(isinstance(value, str) for value in entry.values()):
            problems.append(document.problem((number,), "the values of an experiment are text; put them in quotes"))
    if problems:
        raise InvalidConfigError(problems)
    for entry in entries:
        results = entry.get("results")
        yield Asked(Path(entry["path"]), entry["name"], entry.get("tag"), Path(results) if results else None)
