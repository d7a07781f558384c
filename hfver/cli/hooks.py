"""``hfver hooks``: the git hooks of this repository."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from hfver.cli.answers.setup import Hook, Hooks
from hfver.cli.group import CommandGroup
from hfver.cli.options import common, output_options
from hfver.cli.output import Printer, Table
from hfver.errors import EXIT_DONE, EXIT_FAILED
from hfver.hooks.install import InstallReport, install, status, uninstall
from hfver.hooks.scripts import HOOKS

Command = TypeVar("Command", bound=Callable[..., object])


@click.group(cls=CommandGroup)
@output_options
def hooks() -> None:
    """Install, show and remove the git hooks.

    reference-transaction sees version tags and releases them, pre-push checks what is pushed, post-commit notices
    commits of programs that run no reference-transaction. Hooks that are there already go on running.
    """


def _names(command: Command) -> Command:
    return click.argument("names", metavar="[HOOK]...", nargs=-1, type=click.Choice(HOOKS))(command)


@hooks.command("install")
@_names
@common(Hooks)
def install_command(printer: Printer, names: tuple[str, ...]) -> int:
    """Install the hooks (all, or those named), or bring them up to date.

    \b
    Example:
      hfver hooks install
      hfver hooks install pre-push
    """
    return _show(printer, install(Path.cwd(), names or HOOKS))


@hooks.command("uninstall")
@_names
@common(Hooks)
def uninstall_command(printer: Printer, names: tuple[str, ...]) -> int:
    """Remove the hooks (all, or those named) and put back what was there before.

    \b
    Example:
      hfver hooks uninstall
    """
    _show(printer, uninstall(Path.cwd(), names or HOOKS))
    return EXIT_DONE


@hooks.command("status")
@common(Hooks)
def status_command(printer: Printer) -> int:
    """Show which hooks are installed; exit code 1 if one is not at work.

    \b
    Example:
      hfver hooks status
    """
    return _show(printer, status(Path.cwd()))


def _show(printer: Printer, report: InstallReport) -> int:
    found = [Hook(hook.name, hook.state.name.lower(), str(hook.path), hook.works) for hook in report.hooks]
    rows = [(hook.name, hook.state.value) for hook in report.hooks]
    printer.data(Hooks(str(report.directory), found, report.notes), Table(("HOOK", "STATE"), rows))
    for note in report.notes:
        printer.note(note)
    return EXIT_DONE if all(hook.works for hook in report.hooks) else EXIT_FAILED
