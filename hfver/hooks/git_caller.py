"""Which git command a hook is running for: the subcommand of the nearest git among our ancestors.

git tells a hook what changed, never why: a tag that somebody makes and a tag that arrives by fetch look the same. The
command line of the git process above us is the one thing that tells them apart. Reading it is the system's business:
/proc on Linux, psutil elsewhere, `ps` where psutil is missing. Standard library only at import.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

_LONGEST_CHAIN = 64
_VALUE_OPTIONS = frozenset({
    "-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--attr-source", "--super-prefix",
})  # fmt: skip
_PROGRAM = re.compile(r"git(?:-(?P<subcommand>[a-z][a-z0-9-]*))?(?:\.exe)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Process:
    parent: int
    arguments: tuple[str, ...]


ProcessTable = Callable[[int], Process | None]
"""Looks a process up by its id; None when it is gone or hidden."""


def calling_subcommand(table: ProcessTable, start: int) -> str | None:
    """The subcommand (``tag``, ``fetch``, ...) of the nearest git process at or above ``start``; None if unreadable."""
    current = start
    for _ in range(_LONGEST_CHAIN):
        if current < 1:  # in a container git itself may be process 1
            return None
        process = table(current)
        if process is None:
            return None
        found = git_subcommand(process.arguments)
        if found is not None:
            return found
        current = process.parent
    return None


def git_subcommand(arguments: Sequence[str]) -> str | None:
    """``fetch`` for ``git -C dir fetch --all``; None when this is no git command."""
    if not arguments:
        return None
    name = (PureWindowsPath(arguments[0]) if "\\" in arguments[0] else PurePosixPath(arguments[0])).name
    program = _PROGRAM.fullmatch(name)
    if program is None:
        return None
    if program["subcommand"]:
        return program["subcommand"].lower()
    rest = iter(arguments[1:])
    for word in rest:
        if word in _VALUE_OPTIONS:
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return None


def system_table(platform: str = sys.platform) -> ProcessTable:
    """The best way to look at processes here."""
    if platform == "linux" and Path("/proc/self/cmdline").exists():
        return proc_table()
    try:
        import psutil  # noqa: F401
    except ImportError:
        return ps_table()
    return psutil_process


def proc_table(root: Path = Path("/proc")) -> ProcessTable:
    def look_up(pid: int) -> Process | None:
        try:
            stat = (root / str(pid) / "stat").read_bytes()
            arguments = (root / str(pid) / "cmdline").read_bytes()
        except OSError:
            return None
        # The name in parentheses may itself hold parentheses and spaces: the parent is the second word after the last.
        parent = int(stat.rpartition(b")")[2].split()[1])
        return Process(parent, tuple(os.fsdecode(word) for word in arguments.split(b"\0")[:-1]))

    return look_up


def psutil_process(pid: int) -> Process | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return Process(process.ppid(), tuple(process.cmdline()))
    except psutil.Error:
        return None


def run_ps(pid: int) -> str | None:
    """What ``ps`` prints about one process, or None."""
    try:
        done = subprocess.run(
            ["ps", "-ww", "-o", "ppid=,command=", "-p", str(pid)],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=5,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return os.fsdecode(done.stdout) if done.returncode == 0 else None


def ps_table(run: Callable[[int], str | None] = run_ps) -> ProcessTable:
    """By ``ps``, which loses the borders between arguments.

    After an option with a separate value nobody can say where the value ends, so the subcommand then reads as ``?``:
    evidence of nothing, never of a deliberate tag.
    """

    def look_up(pid: int) -> Process | None:
        match = re.match(r"\s*(\d+)\s+(.*)", run(pid) or "", re.DOTALL)
        if match is None:
            return None
        program, *words = match[2].split() or [""]
        options = itertools.takewhile(lambda word: word.startswith("-"), words)
        return Process(int(match[1]), (program, "?") if _VALUE_OPTIONS.intersection(options) else (program, *words))

    return look_up
