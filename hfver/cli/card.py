"""``hfver card``: the model card a release would get."""

from __future__ import annotations

from pathlib import Path

import click

from hfver.cli.answers.workflow import Card
from hfver.cli.options import common, config_file, model
from hfver.cli.output import Printer
from hfver.cli.project import project
from hfver.errors import UsageError


@click.command()
@click.option("--model-path", type=click.Path(path_type=Path), help="The model; else the configured one.")
@click.option("--version-tag", metavar="TAG", help="The version the card speaks of.")
@click.option("--section", "sections", multiple=True, metavar="NAME=TEXT", help="A section of your own; repeat it.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
@model
@config_file
@common(Card)
def card(
    printer: Printer,
    path: Path | None,
    model: str | None,
    model_path: Path | None,
    version_tag: str | None,
    sections: tuple[str, ...],
    output: Path | None,
) -> None:
    """Print the card a release of the model as it stands would get.

    \b
    Example:
      hfver card
      hfver card --version-tag v1.3.0 --output CARD.md
    """
    from hfver.training import workflow

    custom = dict(_section(text) for text in sections)
    with project(path) as workspace:
        configured = workspace.config.model(model).path
        if model_path is None and configured is None:
            raise UsageError("which model?", hints=["hfver card --model-path PATH"])
        place = model_path or workspace.repo.top / str(configured)
        text = workflow.generate_card_text(workspace, place, version_tag, custom, model)
    if output is None:
        printer.data(Card(None, text), text)
        return
    output.write_text(text, encoding="utf-8")
    printer.data(Card(str(output), text), str(output))


def _section(text: str) -> tuple[str, str]:
    name, equals, body = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"--section {text!r}: expected NAME=TEXT")
    return name.strip(), body
