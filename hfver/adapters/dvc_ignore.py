"""Which files ``.dvcignore`` hides from DVC: they are neither missing nor surplus, and never touched."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from hfver.adapters.git_process import NEUTRAL, decode, execute_git

_IGNORE_FILE = ".dvcignore"


def ignored_by_dvc(project: Path, root: str, paths: Collection[str]) -> frozenset[str]:
    """Those of the paths below ``root`` that are hidden. The patterns are git's, so git reads them."""
    if not any((folder / _IGNORE_FILE).is_file() for folder in _folders(project, Path(root), paths)):
        return frozenset()
    prefix = os.path.relpath(root, project)
    found = execute_git(
        project,
        [
            *NEUTRAL,
            "ls-files",
            "-z",
            "--others",
            "--ignored",
            f"--exclude-per-directory={_IGNORE_FILE}",
            "--",
            f":(literal){prefix}",
        ],
    )
    hidden = {decode(line) for line in found.stdout.split(b"\0") if line}
    return frozenset(path for path in paths if _below(prefix, path) in hidden)


def _below(prefix: str, path: str) -> str:
    return f"{prefix}/{path}" if path else prefix


def _folders(project: Path, root: Path, paths: Collection[str]) -> set[Path]:
    """Where a .dvcignore that matters can be."""
    folders = {project, root}
    folders.update(parent for parent in root.parents if parent.is_relative_to(project))
    folders.update(root / path.rpartition("/")[0] for path in paths)
    return folders
