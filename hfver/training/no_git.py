"""A project without git: configuration, a model directory and a Hub. What needs history says so.

Stands in for `GitRepo` where only the place matters; anything else raises a UsageError naming `git init`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

from hfver.errors import UsageError
from hfver.secret_values import KNOWN

if TYPE_CHECKING:
    from hfver.experiments.run_facts import Files
    from hfver.workspace import Workspace


class NoGit:
    """The directory of a project that is in no git repository."""

    def __init__(self, top: Path) -> None:
        self.top = top

    def head(self) -> None:
        return None

    def branch(self) -> None:
        return None

    def is_dirty(self) -> bool:
        return False

    def remote_url(self) -> None:
        return None

    def __getattr__(self, name: str) -> NoReturn:
        raise UsageError(f"{self.top} is not in a git repository, and this needs its history", hints=["git init"])


class PlainFiles:
    """The files of a directory that matter for parameters and metrics, as ``run_facts.Files``."""

    label = "the directory"

    def __init__(self, top: Path) -> None:
        self._top = top

    def read(self, path: str) -> bytes | None:
        place = self._top / path
        return place.read_bytes() if place.is_file() else None

    def paths(self) -> Sequence[str]:
        return [name for name in ("dvc.yaml", "dvc.lock") if (self._top / name).is_file()]


@contextmanager
def open_project(
    start: Path,
    *,
    environ: Mapping[str, str],
    config_path: Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> Iterator[Workspace]:
    """The workspace ``start`` lies in, or one without git for a directory that is in no repository."""
    from hfver.adapters.git_repo import GitRepo
    from hfver.outbox import Outbox
    from hfver.state import State
    from hfver.workspace import Workspace, open_workspace

    if any((folder / ".git").exists() for folder in (start, *start.parents)):
        with open_workspace(start, environ=environ, config_path=config_path, options=options) as workspace:
            yield workspace
        return
    KNOWN.add_named(environ)
    home = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hfver"
    state = State(home / "state.db")
    try:
        repo = cast("GitRepo", NoGit(start))
        yield Workspace(repo, state, Outbox(home), environ, config_path, options or {})
    finally:
        state.close()


def has_git(workspace: Workspace) -> bool:
    return not isinstance(workspace.repo, NoGit)


def project_files(workspace: Workspace) -> Files:
    """The files that tell about a run: what git would see, or the directory itself."""
    from hfver.adapters.git_tree import WorkTree

    return WorkTree(workspace.repo) if has_git(workspace) else PlainFiles(workspace.repo.top)
