"""Options that several commands share, written once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import click

from hfver.cli.output import Printer

Command = TypeVar("Command", bound=Callable[..., Any])


def common(command: Command) -> Command:
    """``--json`` and ``-q/--quiet``; the command receives them as one ``printer: Printer``."""

    def remember(name: str) -> Callable[[click.Context, click.Parameter, bool], None]:
        def callback(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
            printer = context.ensure_object(Printer)
            if value:
                setattr(printer, name, True)

        return callback

    for flags, name, text in (
        (("-q", "--quiet"), "quiet", "Print results and errors only."),
        (("--json",), "as_json", "Print the result as JSON."),
    ):
        command = click.option(*flags, name, is_flag=True, expose_value=False, callback=remember(name), help=text)(
            command
        )
    return cast("Command", click.make_pass_decorator(Printer, ensure=True)(command))


def dry_run(command: Command) -> Command:
    return click.option("-n", "--dry-run", is_flag=True, help="Print the plan and change nothing.")(command)


def yes(command: Command) -> Command:
    return click.option("-y", "--yes", is_flag=True, help="Answer yes to questions.")(command)
