"""``hfver checkout``: a version's code, configs and model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click

from hfver.cli.answers.content import CheckedOut, Exported, OutputChange
from hfver.cli.options import common
from hfver.cli.output import Printer
from hfver.cli.tag_completion import complete_tags
from hfver.errors import UsageError

if TYPE_CHECKING:
    from hfver.checkout.bring import Outcome
    from hfver.checkout.run import Result


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line, by the names of its options."""

    version: str
    model_only: bool
    directory: Path | None
    repo: str | None
    endpoint: str | None
    paths: tuple[str, ...]
    model: str | None
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    force: bool

    @property
    def only_with_directory(self) -> bool:
        return bool(self.repo or self.endpoint or self.include or self.exclude)


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
@common(CheckedOut | Annotated[Exported, "with `--to`"])
def checkout(printer: Printer, **typed: Any) -> None:
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
    asked = Asked(**typed)
    if asked.directory is None and asked.only_with_directory:
        raise UsageError("--repo, --endpoint, --include and --exclude go with --to", hints=["--to DIRECTORY"])
    if asked.directory is None:
        _bring(printer, asked)
    elif asked.model_only:
        raise UsageError("--to leaves the workspace alone; --model-only changes it: say one of them")
    else:
        _export(printer, asked, asked.directory)


def _export(printer: Printer, asked: Asked, directory: Path) -> None:
    from hfver.checkout.export import Filters, export

    done = export(
        asked.version, directory, printer, repo=asked.repo, endpoint=asked.endpoint, paths=asked.paths,
        model=asked.model, force=asked.force, filters=Filters(asked.include, asked.exclude),
    )  # fmt: skip
    answer = Exported(done.version, done.directory, done.written, done.unchanged, done.sources)
    printer.data(answer, f"{done.version}: {len(done.written)} files written to {done.directory}, verified")


def _bring(printer: Printer, asked: Asked) -> None:
    from hfver.checkout.bring import Options, bring
    from hfver.workspace import open_workspace

    with open_workspace() as workspace:
        options = Options(asked.version, asked.paths, asked.model, asked.model_only, asked.force)
        _report(printer, bring(workspace, options, printer))


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
    printer.data(_answer(outcome), "\n".join([head, *map(_result_text, outcome.outputs)]))


def _answer(outcome: Outcome) -> CheckedOut:
    outputs = [
        OutputChange(one.path, one.md5, one.written, one.removed, one.unchanged, one.sources, one.problems, one.saved)
        for one in outcome.outputs
    ]
    return CheckedOut(outcome.version, outcome.commit, outcome.moved, outputs, outcome.left, outcome.updated_pointers)


def _result_text(result: Result) -> str:
    changes = [f"{len(result.written)} written"] if result.written else []
    changes += [f"{len(result.removed)} removed"] if result.removed else []
    origin = "".join(f", {count} from {place}" for place, count in result.sources.items())
    if not changes:
        return f"{result.path}: {result.unchanged} files, nothing to change"
    return f"{result.path}: {', '.join(changes)}, {result.unchanged} unchanged{origin}"
