"""``hfver pull``: fill DVC's cache from the releases on the Hub."""

from __future__ import annotations

import click

from hfver.cli.answers.content import Pulled
from hfver.cli.options import common
from hfver.cli.output import Printer
from hfver.errors import EXIT_DONE, EXIT_INTEGRITY


@click.command()
@click.argument("version", required=False)
@click.option("--path", "paths", multiple=True, metavar="PATH", help="The output to get; may be given several times.")
@click.option("--all", "everything", is_flag=True, help="Every output DVC tracks, not only the models.")
@common(list[Pulled])
def pull(printer: Printer, version: str | None, paths: tuple[str, ...], everything: bool) -> int:
    """Get a version's content into DVC's cache and leave the workspace alone.

    Without VERSION, what the workspace's own pointers name. The content comes from the DVC remote if there is one, and
    from any release on the Hub that has it, so that a team needs no DVC remote at all.

    \b
    Example:
      hfver pull && dvc checkout     after a git pull
      hfver pull v1.0.0              before going offline
    """
    from hfver.checkout.pull import pull as run
    from hfver.workspace import open_workspace

    with open_workspace() as workspace:
        done = run(workspace, version, paths, printer, everything=everything)
    for item in done:
        for problem in (*item.problems, *([item.error] if item.error else [])):
            printer.warn(problem)
    answer = [Pulled(item.path, item.files, item.sources, item.problems, item.error) for item in done]
    printer.data(answer, "\n".join(map(_text, answer)))
    return EXIT_INTEGRITY if any(item.error for item in done) else EXIT_DONE


def _text(item: Pulled) -> str:
    if item.error:
        return f"{item.path}: not to be had"
    fresh = ", ".join(f"{count} from {place}" for place, count in item.sources.items())
    return f"{item.path}: {item.files} files in DVC's cache" + (f", {fresh}" if fresh else ", nothing was missing")
