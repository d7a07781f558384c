"""The user's clone with everything hfver keeps beside it, opened once per command."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfver.adapters.git_repo import GitRepo
from hfver.leftovers import sweep_once
from hfver.outbox import Outbox
from hfver.secret_values import KNOWN
from hfver.state import State

if TYPE_CHECKING:
    from hfver.adapters.dvc_outputs import DvcProject
    from hfver.config.settings import Config


@dataclass
class Workspace:
    """A git repository, its configuration, its memory and the work it owes."""

    repo: GitRepo
    state: State
    outbox: Outbox
    environ: Mapping[str, str]
    config_path: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)  # dotted keys given on the command line: they win

    @cached_property
    def config(self) -> Config:
        """The configuration of the work tree; ConfigError with every problem in it."""
        from hfver.config.load import load_workspace

        return load_workspace(
            self.repo.top,
            environ=self.environ,
            config_path=self.config_path,
            options=self.options,
            memory=self.state,
        )

    def dvc(self, dvc_root: str = "") -> DvcProject:
        """The DVC repository at ``dvc_root`` (relative to the top, as in OutputPointer)."""
        from hfver.adapters.dvc_outputs import DvcProject

        return DvcProject.find(self.repo.top, dvc_root, self.state)

    @property
    def cache_dirs(self) -> tuple[Path, ...]:
        """DVC's cache, which links in a model may lead to; none where DVC is not set up."""
        return (self.dvc().settings.cache_dir,) if (self.repo.top / ".dvc").is_dir() else ()

    def other_dvc(self, dvc_root: str = "") -> Iterator[DvcProject]:
        """The same DVC repository in the other work trees: each has a cache of its own, unless it was moved."""
        from hfver.adapters.dvc_outputs import DvcProject

        for top in self.repo.worktrees():
            if top.resolve() != self.repo.top.resolve() and (top / dvc_root / ".dvc").is_dir():
                yield DvcProject.find(top, dvc_root, self.state)


def sweep_work_tree(top: Path) -> None:
    """Remove what a run that was killed left where hfver writes into the work tree."""
    for name in ("", "configs"):
        sweep_once(str(top / name))


@contextmanager
def open_workspace(
    start: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    config_path: Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> Iterator[Workspace]:
    """Open the workspace ``start`` (the current directory) lies in; UsageError when it is in no git repository."""
    repo = GitRepo.discover(start or Path.cwd())
    sweep_work_tree(repo.top)
    state = State(repo.common_dir / "hfver" / "state.db")
    try:
        used = os.environ if environ is None else environ
        KNOWN.add_named(used)
        yield Workspace(repo, state, Outbox(repo.common_dir), used, config_path, options or {})
    finally:
        state.close()
