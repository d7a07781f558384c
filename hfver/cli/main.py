"""The command group, and the one boundary at which errors become sentences and exit codes.

Commands are named here with their one-line help, so that ``hfver --help`` imports none of their modules.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from hfver.cli.answers import Error
from hfver.cli.group import CommandGroup
from hfver.cli.options import output_options
from hfver.cli.output import Printer, accept_any_text, discard_output, error_answer
from hfver.errors import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE, HfverError
from hfver.secret_values import KNOWN


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: the module that holds it, the attribute there, and its line in ``--help``."""

    module: str
    attribute: str
    help: str


SECTIONS: dict[str, dict[str, Entry]] = {
    "Release a model": {
        "init": Entry("hfver.cli.init", "init", "Set up hfver in this git repository."),
        "track": Entry("hfver.cli.track", "track", "Track a model file or directory with DVC."),
        "bump": Entry("hfver.cli.bump", "bump", "Make the next version tag and release it."),
        "push": Entry("hfver.cli.push", "push", "Release tags, and whatever else is owed."),
    },
    "Look": {
        "status": Entry("hfver.cli.status", "status", "Show every version and its state."),
        "log": Entry("hfver.cli.log", "log", "Show git and Hub histories side by side."),
        "diff": Entry("hfver.cli.diff", "diff", "Show in what files two versions differ."),
        "verify": Entry("hfver.cli.verify", "verify", "Prove that git, DVC and the Hub agree."),
        "repair": Entry("hfver.cli.verify", "repair", "Mend what can be mended."),
    },
    "Get a version": {
        "checkout": Entry("hfver.cli.checkout", "checkout", "Bring back code, configs and model of a version."),
        "pull": Entry("hfver.cli.pull", "pull", "Get a version's content into DVC's cache."),
        "gc": Entry("hfver.cli.gc", "gc", "Free the DVC cache of what verified releases hold."),
    },
    "Training workflow": {
        "sync": Entry("hfver.cli.sync", "sync", "Model, configuration and results of a run, in one step."),
        "upload-model": Entry("hfver.cli.upload", "upload_model", "Release a model as a version."),
        "upload-config": Entry("hfver.cli.upload", "upload_config", "Send the configuration of an experiment."),
        "upload-results": Entry("hfver.cli.upload", "upload_results", "Send the results of an experiment."),
        "download-model": Entry("hfver.cli.upload", "download_model", "Fetch a version, every file checked."),
        "list-versions": Entry("hfver.cli.upload", "list_versions", "List versions in git and on the Hub."),
        "list-experiments": Entry("hfver.cli.experiments", "list_experiments", "List experiments with their metrics."),
        "compare": Entry("hfver.cli.experiments", "compare", "Show in what two experiments differ."),
        "card": Entry("hfver.cli.card", "card", "Print the card a release would get."),
    },
    "Set up and serve": {
        "config": Entry("hfver.cli.config", "config", "Look at the configuration and check it."),
        "validate-config": Entry("hfver.cli.config", "validate_config", "Check both configuration files."),
        "trust": Entry("hfver.cli.trust", "trust", "Let repositories use a Hub, a server or a directory."),
        "doctor": Entry("hfver.cli.doctor", "doctor", "Check that everything is in place; --fix mends it."),
        "hooks": Entry("hfver.cli.hooks", "hooks", "Install, show and remove the git hooks."),
        "hub": Entry("hfver.cli.hub", "hub", "Run and look after the embedded hub."),
        "completion": Entry("hfver.cli.completion", "completion", "Print the completion script of a shell."),
    },
}
COMMANDS = {name: entry for section in SECTIONS.values() for name, entry in section.items()}


class Group(CommandGroup):
    """Loads a command when it is used, and shows them in sections."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = getattr(importlib.import_module(entry.module), entry.attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))
        for title, entries in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), entry.help) for name, entry in entries.items()])


def _show_version(context: click.Context, _parameter: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        from hfver.cli.about import version_text

        Printer().show(version_text())
        context.exit()


@click.command(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the versions of hfver and of what it stands on.",
)
@output_options
def hfver() -> None:
    """A git tag is a model release.

    hfver publishes the bytes DVC recorded at a tag's commit as a Hugging Face Hub revision of the same name, and brings
    code, configs and model of any version back together.
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    KNOWN.add_named(os.environ)
    printer = Printer(as_json="--json" in arguments)  # said before the command line is understood: it may never be
    if os.environ.get("LOG_LEVEL"):
        from hfver.logs import follow_log_level

        follow_log_level(os.environ)
    accept_any_text()
    try:
        return _run(arguments, printer)
    except BrokenPipeError:
        # The reader of our output has gone (`hfver log | head`): that is its right, and no error of ours.
        discard_output()
        return 128 + signal.SIGPIPE


def _run(arguments: Sequence[str], printer: Printer) -> int:
    try:
        _look_after_hooks(arguments, printer)
        result = hfver.main(list(arguments), prog_name="hfver", standalone_mode=False, obj=printer)
    except HfverError as error:
        printer.fail(error_answer(error))
        return error.exit_code
    except click.UsageError as error:
        return _explain_usage(error, printer)
    except (KeyboardInterrupt, click.Abort):
        if sys.stderr.isatty():
            sys.stderr.write("\n")  # behind the terminal's ^C
        printer.fail(Error("interrupted", EXIT_INTERRUPTED, "interrupted", []))
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:
        from hfver.cli.crash import unforeseen

        printer.fail(unforeseen(error, arguments))
        return EXIT_FAILED
    return result if isinstance(result, int) else EXIT_DONE


def _explain_usage(error: click.UsageError, printer: Printer) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return EXIT_USAGE
    hints = []
    if error.ctx is not None:
        if not isinstance(error.ctx.command, click.Group):
            printer.note(error.ctx.get_usage())
        hints = [f"{error.ctx.command_path} --help"]
    printer.fail(Error("usage", EXIT_USAGE, error.format_message(), hints))
    return EXIT_USAGE


def _look_after_hooks(arguments: Sequence[str], printer: Printer) -> None:
    """Hooks find the program that ran last; and whoever lost one to another tool hears of it here."""
    if not arguments or arguments[0].startswith("-") or arguments[0] in ("hooks", "doctor", "init", "completion"):
        return
    from hfver.hooks.launcher import home_above, refresh
    from hfver.hooks.watch import displaced_hooks
    from hfver.leftovers import sweep_once

    home = home_above(Path.cwd())
    if home is None:
        return
    sweep_once(str(home))
    refresh(home)
    displaced = displaced_hooks(home)
    if displaced:
        names = " and ".join(displaced)
        printer.warn(f"another program took the place of hfver's {names} hook; `hfver hooks install` puts it in front")
