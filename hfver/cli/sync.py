"""``hfver sync``: a training run to the Hub in one step, or many of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click

from hfver.cli.answers.workflow import Synced
from hfver.cli.options import allow_same, common, config_file, model, model_path, no_commit, private, version_tag
from hfver.cli.output import Printer, Table, error_answer
from hfver.cli.project import opened
from hfver.cli.told import cost_answer, cost_text
from hfver.errors import EXIT_DONE, HfverError, UsageError
from hfver.visibility import private_option

if TYPE_CHECKING:
    from hfver.adapters.hub_client import HubClient
    from hfver.training.sync import SyncRequest
    from hfver.training.workflow import Told
    from hfver.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Experiment:
    """One run to sync."""

    path: Path
    name: str
    tag: str | None = None
    results: Path | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line, by the names of its options."""

    model_path: Path | None
    experiment_name: str | None
    version_tag: str | None
    results: Path | None
    private: bool | None
    listed: tuple[str, ...]
    batch: Path | None
    condition: str | None
    model: str | None
    no_commit: bool
    allow_same: bool
    force: bool

    @property
    def is_single(self) -> bool:
        return self.batch is None and not self.listed

    @property
    def config_options(self) -> dict[str, Any]:
        """Keys of the configuration that the command line decides."""
        return private_option(self.private) | ({"huggingface.enabled": True} if self.force else {})


@click.command()
@model_path(required=False)
@click.option("--experiment-name", metavar="NAME", help="Name of the experiment [default: that of the model].")
@version_tag
@click.option("--results", type=click.Path(path_type=Path), help="Result file or directory; else those in the model.")
@private
@click.option("--experiment", "listed", multiple=True, metavar="NAME=PATH[@TAG]", help="One of several; repeat it.")
@click.option("--all", "batch", type=click.Path(path_type=Path, dir_okay=False), help="YAML list of experiments.")
@click.option("--if", "condition", metavar="CONDITION", help='Only if it holds: "accuracy > 0.8 and loss < 1".')
@model
@no_commit
@allow_same
@click.option("--force-hf-sync", "--force", "force", is_flag=True, help="Even if huggingface.enabled is false.")
@config_file
@common(Synced | Annotated[list[Synced], "with `--all` or `--experiment`"])
def sync(printer: Printer, path: Path | None, **typed: Any) -> int:
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
    asked = Asked(**typed)
    requests = _requests(asked)
    with opened(printer, path, asked.config_options, writes=True) as (workspace, hub):
        if not asked.is_single:
            return _many(workspace, hub, printer, requests)
        _show(printer, _one(workspace, hub, printer, requests[0]))
        return EXIT_DONE


def _requests(asked: Asked) -> list[SyncRequest]:
    from hfver.experiments.conditions import parse_condition
    from hfver.training.sync import SyncRequest

    experiments = _experiments(asked)
    condition = parse_condition(asked.condition) if asked.condition else None
    return [
        SyncRequest(
            one.path, one.name, one.tag, model=asked.model, results=one.results, condition=condition,
            commit=not asked.no_commit, allow_same=asked.allow_same,
        )
        for one in experiments
    ]  # fmt: skip


def _one(workspace: Workspace, hub: HubClient, printer: Printer, request: SyncRequest) -> Told:
    from datetime import UTC, datetime

    from hfver.training.workflow import sync_and_tell

    return sync_and_tell(workspace, hub, request, printer, now=datetime.now(UTC))


def _many(workspace: Workspace, hub: HubClient, printer: Printer, requests: Sequence[SyncRequest]) -> int:
    """One failure does not stop the others; the exit code is that of the first."""
    answers = []
    code = EXIT_DONE
    for request in requests:
        try:
            answers.append(_answer(_one(workspace, hub, printer, request)))
        except HfverError as error:
            code = code or error.exit_code
            printer.warn(f"{request.experiment}: {error.message}")
            version = request.version_tag
            answers.append(Synced(request.experiment, "failed", version, {}, None, None, error_answer(error)))
    printer.data(answers, Table(("EXPERIMENT", "VERSION", "STATUS", "WHERE"), list(map(_row, answers))))
    return code


def _row(one: Synced) -> tuple[str, str, str, str]:
    problem = one.error.message.split("\n")[0] if one.error else one.skipped
    return one.experiment, one.version or "-", one.status, problem or one.urls.get("model_url", "-")


def _show(printer: Printer, told: Told) -> None:
    answer = _answer(told)
    if answer.skipped:
        printer.data(answer)
        printer.note(f"{answer.experiment} was not synced: {answer.skipped}")
        return
    rows = [(key.removesuffix("_url"), url) for key, url in answer.urls.items()]
    printer.data(answer, Table(("WHAT", "WHERE"), rows))
    printer.note(cost_text(told))


def _answer(told: Told) -> Synced:
    done = told.synced
    return Synced(
        done.experiment,
        "skipped" if done.skipped else "done",
        done.version,
        done.urls,
        done.skipped,
        cost_answer(told.cost),
    )


def _experiments(asked: Asked) -> list[Experiment]:
    single = asked.model_path is not None or asked.experiment_name is not None
    if sum((single, bool(asked.listed), asked.batch is not None)) != 1:
        raise UsageError(
            "name one experiment, several, or a file of them",
            hints=["hfver sync --model-path model --experiment-name baseline", "hfver sync --all experiments.yaml"],
        )
    if single:
        if asked.model_path is None:
            raise UsageError("--model-path is missing", hints=["hfver sync --model-path model"])
        name = asked.experiment_name or asked.model_path.resolve().name
        return [Experiment(asked.model_path, name, asked.version_tag, asked.results)]
    if asked.version_tag is not None or asked.results is not None:
        raise UsageError(
            "--version-tag and --results belong to a single experiment", hints=["--experiment NAME=PATH@TAG"]
        )
    return list(_from_file(asked.batch)) if asked.batch is not None else [_from_option(one) for one in asked.listed]


def _from_option(text: str) -> Experiment:
    name, equals, rest = text.partition("=")
    path, _, tag = rest.partition("@")
    if not equals or not name or not path:
        raise UsageError(f"--experiment {text!r}: expected NAME=PATH or NAME=PATH@TAG")
    return Experiment(Path(path), name, tag or None)


def _from_file(path: Path) -> Iterator[Experiment]:
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
        yield Experiment(Path(entry["path"]), entry["name"], entry.get("tag"), Path(results) if results else None)
