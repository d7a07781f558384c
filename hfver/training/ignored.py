"""Directories below a repository whose content is no part of it: backups, what was downloaded."""

from __future__ import annotations

from pathlib import Path

from hfver.errors import StateError


def make_ignored(folder: Path) -> None:
    """Make the directory if it is missing, so that git leaves it alone; one that is there is left as it is."""
    if folder.exists():
        return
    try:
        folder.mkdir(parents=True)
        (folder / ".gitignore").write_text("*\n", encoding="ascii")
    except OSError as exc:
        raise StateError(f"{folder} could not be made: {exc.strerror or exc}") from exc
