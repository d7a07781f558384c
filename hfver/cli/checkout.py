"""``hfver checkout``: a version's code, configs and model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hfver.cli.completion import complete_tags
from hfver.cli.options import common
from hfver.cli.output import Printer
from hfver.errors import UsageError

if TYPE_CHECKING:
    from hfver.checkout.bring import Outcome
    from hfver.checkout.export import Exported
    from hfver.checkout.run import Result


@click.command()
@click.argument("version", shell_complete=complete_tags)
@click.option("--model-only", is_flag=True, help="Leave git where it is; bring the model and update its pointer file.")
@click.option("--to", "directory", type=click.Path(path_type=Path), help="Write the model into this directory instead.")
@click.option("--repo", metavar="NS/NAME", help="With --to: a model repository on the Hub; no git repository needed.")
@click.option("--endpoint", metavar="URL", help="With --repo: the Hub it is on, or `embedded`.")
@click.option("--path", "paths", multiple=True, metavar="PATH", help="The output to bring; may be given several times.")
@click.option("--model", metavar="NAME", help="With several models: whose versions `latest` and ranges are about.")
@click.option("--include", multiple=True, metavar="GLOB", help="With --to: only files that match.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="With --to: no files that match.")
@click.option("-f", "--force", is_flag=True, help="Overwrite unknown content; it is saved in the DVC cache first.")
@common
def checkout(
    printer: Printer,
    version: str,
    model_only: bool,
    directory: Path | None,
    repo: str | None,
    endpoint: str | None,
    paths: tuple[str, ...],
    model: str | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    force: bool,
) -> None:
    """Bring back code, configs and model of VERSION, from whichever place still has the bytes.

    VERSION is a tag, a branch, a commit, `-` (where you were before), `latest`, or a range such as `^1.2`. Everything
    is fetched and verified before the first file changes.

    \b
    Example:
      hfver checkout v1.2.0                 git and the model
      hfver checkout v1.2.0 --model-only    the model alone
      hfver checkout latest --to ./export   a copy elsewhere
      hfver checkout v1.2.0 --to ./export --repo team/bert    outside git
    """
    if directory is None and (repo or endpoint or include or exclude):
        raise UsageError("--repo, --endpoint, --include and --exclude go with --to", hints=["--to DIRECTORY"])
    if directory is not None and model_only:
        raise UsageError("--to leaves the workspace alone; --model-only changes it: say one of them")
    if directory is not None:
        from hfver.checkout.export import Filters, export

        exported = export(
            version, directory, printer, repo=repo, endpoint=endpoint, paths=paths, model=model, force=force,
            filters=Filters(include, exclude),
        )  # fmt: skip
        printer.data(exported, _exported_text(exported))
        return
    from hfver.checkout.bring import Options, bring
    from hfver.workspace import open_workspace

    with open_workspace() as workspace:
        outcome = bring(workspace, Options(version, paths, model, model_only, force), printer)
    _report(printer, outcome)


def _report(printer: Printer, outcome: Outcome) -> None:
    for result in outcome.outputs:
        for problem in result.problems:
            printer.warn(problem)
        for path, md5 in result.saved.items():
            printer.note(f"Saved {path} in the DVC cache as {md5}.")
    for path in outcome.left:
        printer.warn(f"{path} stays as it was: the DVC cache lacks that version (`dvc pull {path}` gets it)")
    for pointer in outcome.updated_pointers:
        printer.note(f"Updated {pointer}; `git commit {pointer}` makes that a version of its own.")
    verb = "is now at" if outcome.moved else "stays where it is, the model is at"
    head = f"git {verb} {outcome.version}"
    printer.data(outcome, "\n".join([head, *map(_result_text, outcome.outputs)]))


def _result_text(result: Result) -> str:
    changes = [f"{len(result.written)} written"] if result.written else []
    changes += [f"{len(result.removed)} removed"] if result.removed else []
    origin = "".join(f", {count} from {place}" for place, count in result.sources.items())
    if not changes:
        return f"{result.path}: {result.unchanged} files, nothing to change"
    return f"{result.path}: {', '.join(changes)}, {result.unchanged} unchanged{origin}"


def _exported_text(exported: Exported) -> str:
    return f"{exported.version}: {len(exported.written)} files written to {exported.directory}, verified"
