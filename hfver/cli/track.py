"""``hfver track``: hand a model to DVC."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hfver.cli.answers.releases import Tracked
from hfver.cli.options import common
from hfver.cli.output import Printer
from hfver.errors import ConfigError, StateError, UsageError

if TYPE_CHECKING:
    from hfver.workspace import Workspace


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@common(Tracked)
def track(printer: Printer, path: Path) -> None:
    """Track a model file or directory with DVC, and stage the pointer that git keeps.

    Large files are hashed for the Hub in the same go, so that their release has nothing left to hash.

    An output of a DVC pipeline (dvc.yaml) is tracked already; `dvc repro` or `dvc commit` records what it became.

    \b
    Example:
      hfver track model && git commit -m "Train on more data"
    """
    from hfver.adapters.git_tree import WorkTree
    from hfver.mirror.secret_scan import refusal_of
    from hfver.outputs.resolve import resolve_pointer
    from hfver.release_secrets import work_tree_findings
    from hfver.workspace import open_workspace

    with open_workspace() as workspace:
        top = workspace.repo.top
        place = Path.cwd() / path
        if not place.exists():
            raise UsageError(f"there is no file or directory {str(path)!r} here")
        try:
            relative = place.resolve().relative_to(top.resolve()).as_posix()
        except ValueError:
            raise UsageError(f"{path} lies outside the git repository {top}") from None
        try:
            pointer = resolve_pointer(WorkTree(workspace.repo), relative)
        except StateError:
            pointer = None
        if pointer is not None and pointer.stage is not None:
            printer.data(Tracked(relative, pointer.pointer_file, pointer.stage))
            printer.note(
                f"{relative} is an output of stage {pointer.stage} in {pointer.pointer_file}: tracked already."
            )
            return
        written = workspace.dvc(pointer.dvc_root if pointer else "").add(place, bars=printer.shows_progress)
        names = [file.relative_to(top).as_posix() for file in written]
        printer.data(Tracked(relative, names[0], None))
        printer.note(f"{relative} is tracked by DVC; {', '.join(names)} is staged.")
        refused = refusal_of(work_tree_findings(top, relative))
        if refused is not None:
            printer.warn(f"a release of it would be refused: {refused.message}")
        printer.note(f"Next: git commit, then {'hfver bump patch' if _has_versions(workspace) else 'git tag v1.0.0'}")


def _has_versions(workspace: Workspace) -> bool:
    try:
        return any(workspace.config.version_of(tag.name) for tag in workspace.repo.tags())
    except ConfigError:
        return False  # tracking needs no configuration, and says nothing about one
