"""Opening the project a workflow command works in, with or without its Hub."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfver.cli.output import Printer

if TYPE_CHECKING:
    from hfver.adapters.hub_client import HubClient
    from hfver.workspace import Workspace


def project(config_path: Path | None, options: Mapping[str, Any] | None = None) -> AbstractContextManager[Workspace]:
    """The git repository here, or a directory without one; ``options`` are dotted keys that win over the files."""
    from hfver.training.no_git import open_project

    main = config_path.absolute() if config_path is not None else None
    return open_project(Path.cwd(), environ=os.environ, config_path=main, options=options)


def warn_of_unseen(printer: Printer, workspace: Workspace, repos: Iterable[str]) -> None:
    """Without a token a private repository looks as if there were none, and its versions as if never released."""
    from hfver.trust import resolve_token

    config = workspace.config
    if config.is_embedded or resolve_token(config.endpoint, workspace.environ) is not None:
        return
    for repo in repos:
        printer.warn(f"{repo} is not there, or private and not to be seen without a token (`hf auth login`)")


@contextmanager
def opened(
    printer: Printer, config_path: Path | None, options: Mapping[str, Any] | None = None, *, writes: bool = False
) -> Iterator[tuple[Workspace, HubClient]]:
    from hfver.hub_session import open_hub

    with project(config_path, options) as workspace:
        config = workspace.config
        bars = printer.shows_progress
        with open_hub(config.endpoint, workspace.environ, writes=writes, progress_bars=bars) as hub:
            yield workspace, hub
