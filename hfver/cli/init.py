"""``hfver init``: set a repository up."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hfver.cli.answers.releases import Initialised
from hfver.cli.options import common, yes
from hfver.cli.output import Printer
from hfver.errors import UsageError
from hfver.small_files import LARGEST, read_start

if TYPE_CHECKING:
    from hfver.setup import Report


@click.command()
@click.option("--model-name", metavar="NAMESPACE/NAME", help="Hub repository of the model.")
@click.option("--path", default="model", show_default=True, help="The model in this repository: what DVC tracks.")
@click.option("--endpoint", metavar="embedded|URL", help="The Hub: the one on this machine, or the URL of another.")
@yes
@common(Initialised)
def init(printer: Printer, model_name: str | None, path: str, endpoint: str | None, yes: bool) -> None:
    """Set up hfver in this git repository.

    Sets up DVC if needed, writes the huggingface section of config.yaml and configs/huggingface_config.yaml, and
    installs the git hooks. What is there already is kept, so it can be run again.

    \b
    Example:
      hfver init
      hfver init --model-name team/bert --path models/bert
      hfver init --endpoint https://huggingface.co
    """
    from hfver.adapters.git_repo import GitRepo
    from hfver.setup import Choices, initialise

    repo = GitRepo.discover(Path.cwd())
    _ask(printer, repo.top, model_name, yes=yes)
    report = initialise(repo, Choices(model_name, path, endpoint), os.environ)
    printer.data(Initialised(report.repo, report.endpoint, report.done, report.kept, report.warnings))
    _tell(printer, report, path)


def _tell(printer: Printer, report: Report, path: str) -> None:
    from hfver.hub_state import EMBEDDED

    for sentence in report.done:
        printer.note(f"  + {sentence}")
    for sentence in report.kept:
        printer.note(f"  = {sentence}")
    for warning in report.warnings:
        printer.warn(warning)
    printer.note(f"\nModel {report.repo} on {report.endpoint}.")
    if report.endpoint == EMBEDDED:
        printer.note(
            "There is no Hub token here, so releases go to the embedded hub on this machine.\n"
            "To use huggingface.co: `hf auth login`, then set huggingface.endpoint in config.yaml to "
            "https://huggingface.co"
        )
    printer.note(f'\nNext: hfver track {path}, git commit -a -m "First model", git tag v1.0.0')


def _ask(printer: Printer, top: Path, model_name: str | None, *, yes: bool) -> None:
    """A question only where somebody can answer it, and only when there is something to ask."""
    if yes or printer.quiet or printer.as_json or not sys.stdin.isatty() or model_name is not None:
        return
    if b"huggingface:" in (read_start(top / "config.yaml", LARGEST) or b""):
        return
    if not click.confirm(f"Set up hfver in {top}?", default=True, err=True):
        raise UsageError("nothing was changed")
