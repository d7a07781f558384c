"""Commands that change the repository, through GitPython.

It is imported on use: reading refs and objects must not pay for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hfver.adapters.git_process import GitCommandFailed, clean_environment


@contextmanager
def git_commands(top: Path, git_dir: Path) -> Iterator[Any]:
    """GitPython's command object (``git.add("--", path)``), bound to this repository whatever the environment says."""
    from git import Git
    from git.exc import GitCommandError

    git = Git(str(top))
    if clean_environment() != dict(os.environ):
        # We run inside a hook. GitPython can only add variables, so the inherited ones are overwritten.
        git.update_environment(GIT_DIR=str(git_dir), GIT_WORK_TREE=str(top), GIT_INDEX_FILE=str(git_dir / "index"))
    try:
        yield git
    except GitCommandError as exc:
        command = [str(part) for part in exc.command][1:] if isinstance(exc.command, list | tuple) else [exc.command]
        stderr = exc.stderr.strip().removeprefix("stderr: ").strip("'\n ")
        raise GitCommandFailed(command, exc.status if isinstance(exc.status, int) else 1, stderr) from exc
