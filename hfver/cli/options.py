"""Options that several commands share, written once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from hfver.cli.output import Printer

Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Any], Any]
_ANSWER = "__hfver_answer__"


def common(answer: object) -> Decorator:
    """``--json`` and ``-q/--quiet``; the command receives them as one ``printer: Printer``.

    ``answer`` is the type of what the command prints with ``--json``: a dataclass of `hfver.cli.answers`, a list of
    them, or several of these. docs/json.md shows it, and tests hold the command to it.
    """

    def decorate(command: Callable[..., Any]) -> Any:
        decorated = click.make_pass_decorator(Printer, ensure=True)(output_options(command))
        setattr(decorated, _ANSWER, answer)
        return decorated

    return decorate


def answer_of(command: click.Command) -> object | None:
    """The type of a command's answer; None for a group."""
    return getattr(command.callback, _ANSWER, None)


def output_options(command: Command) -> Command:
    """The two options as groups have them: they may stand before the command as well."""
    for flags, name, text in (
        (("-q", "--quiet"), "quiet", "Print results and errors only."),
        (("--json",), "as_json", "Print the result as JSON."),
    ):
        command = click.option(*flags, is_flag=True, expose_value=False, callback=_remember(name), help=text)(command)
    return command


def _remember(name: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    def callback(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            setattr(context.ensure_object(Printer), name, True)

    return callback


def _path(*flags: str, directory: bool = True, **settings: Any) -> Decorator:
    return click.option(*flags, type=click.Path(path_type=Path, dir_okay=directory), **settings)


config_file: Decorator = _path("-c", "--config", "path", directory=False, help="Read this file, not config.yaml.")
dry_run: Decorator = click.option("-n", "--dry-run", is_flag=True, help="Print the plan and change nothing.")
yes: Decorator = click.option("-y", "--yes", is_flag=True, help="Answer yes to questions.")
model: Decorator = click.option("--model", metavar="NAME", help="Which configured model, when there are several.")
cached: Decorator = click.option(
    "--cached", is_flag=True, help="Do not ask the Hub: show what it had when it was last asked."
)
allow_same: Decorator = click.option(
    "--allow-same", is_flag=True, help="Release content again that the version before has already."
)
no_commit: Decorator = click.option("--no-commit", is_flag=True, help="Refuse if git does not record the model yet.")
private: Decorator = click.option(
    "--private/--public",
    default=None,
    help="Who may see it: with --private nothing is sent to a public repository, whatever the configuration says.",
)
version_tag: Decorator = click.option(
    "--version-tag", metavar="TAG", help="Version; without it one is made as the configuration says."
)
experiment_name: Decorator = click.option(
    "--experiment-name", metavar="NAME", required=True, help="Name of the experiment."
)


def model_path(*, required: bool) -> Decorator:
    return _path("--model-path", required=required, help="The trained model.")
