"""Directories below a repository whose content is no part of it: backups, what was downloaded."""

from __future__ import annotations

from pathlib import Path

from hfver.checkout.apply import current_umask
from hfver.errors import StateError
from hfver.leftovers import scratch

_PREFIX = ".hfver-ignored-"


def make_ignored(folder: Path) -> None:
    """Make the directory if it is missing, so that git leaves it alone; one that is there is left as it is."""
    if folder.exists():
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with scratch(_PREFIX, folder.parent) as draft:
            (draft / ".gitignore").write_text("*\n", encoding="ascii")
            draft.chmod(0o777 & ~current_umask())
            draft.rename(folder)  # whole, or not there: a directory without the file would never get one
    except OSError as exc:
        if folder.is_dir():  # somebody else made it meanwhile
            return
        raise StateError(f"{folder} could not be made: {exc.strerror or exc}") from exc
