"""How hooks and workers find the program again: virtual environments move, GUIs have a short PATH.

<git common dir>/hfver/launcher      one line, the absolute path of the `hfver` program that ran here last
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from hfver.atomic import write_atomic

NAME = "launcher"


def this_program() -> Path | None:
    """The console script of the hfver that is running, as a path that can be started later."""
    for candidate in _candidates():
        for path in (candidate, candidate.with_suffix(".exe")):
            if path.stem == "hfver" and path.is_file() and os.access(path, os.X_OK):
                return path.absolute()
    return None


def _candidates() -> Iterator[Path]:
    yield Path(sys.argv[0])
    import sysconfig

    yield Path(sysconfig.get_path("scripts")) / "hfver"
    on_path = shutil.which("hfver")
    if on_path is not None:
        yield Path(on_path)


def command() -> list[str]:
    """The command line that starts this hfver again. -I: the work tree must not shadow a module."""
    program = this_program()
    if program is not None:
        return [str(program)]
    return [sys.executable, "-I", "-c", "import sys; from hfver.__main__ import main; sys.exit(main())"]


def remember(home: Path) -> None:
    """Note the running program for the hooks of one repository, if it is not noted yet."""
    program = this_program()
    if program is None or "\n" in str(program):
        return
    line = os.fsencode(program.as_posix()) + b"\n"
    path = home / NAME
    if not path.is_file() or path.read_bytes() != line:
        write_atomic(path, line)


def refresh(home: Path) -> None:
    """Keep the note true: called by every command."""
    try:
        remember(home)
    except OSError:
        return  # a read-only repository: its hooks look hfver up on PATH


def home_above(start: Path) -> Path | None:
    """hfver's files of the repository that ``start`` lies in, found without asking git; None where there are none."""
    for directory in (start, *start.parents):
        dot_git = directory / ".git"
        if dot_git.is_dir():
            home = dot_git / "hfver"
        elif dot_git.is_file():
            home = _common_dir(directory, dot_git) / "hfver"
        else:
            continue
        return home if home.is_dir() else None
    return None


def _common_dir(directory: Path, dot_git: Path) -> Path:
    """Follow the .git file of a linked work tree or a submodule, as gitrepository-layout(5) has it."""
    git_dir = directory / os.fsdecode(dot_git.read_bytes()).removeprefix("gitdir: ").rstrip("\n")
    try:
        common = os.fsdecode((git_dir / "commondir").read_bytes()).rstrip("\n")
    except FileNotFoundError:
        return git_dir
    return git_dir / common
