"""Other processes, as far as one has to know them to wait for one. Standard library only: hooks use it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from hfver.redact import redact

State = Literal["running", "stopped", "gone", "unknown"]
_LONGEST_COMMAND = 200


@dataclass(frozen=True, slots=True)
class Process:
    """``stopped`` is what Ctrl-Z and ``kill -STOP`` do. ``run`` tells it from a later process of the same number."""

    state: State
    run: str | None = None


def look(pid: int) -> Process:
    """What becomes of a process now."""
    if sys.platform == "win32" or pid < 1:  # os.kill there ends what it asks about
        return Process("unknown")
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return Process("gone")
    except PermissionError:
        pass  # somebody else's
    found = _in_proc(pid) if Path("/proc/self/stat").exists() else _in_ps(pid)
    return found or Process("unknown")


def own_command() -> str:
    """The words this process was started with, for people."""
    program, *words = sys.argv or [""]
    if program.startswith("-") or not program:  # `python -c`, or no command at all
        return _shown([Path(sys.executable).name, program, *words])
    name = Path(program).parent.name if Path(program).name == "__main__.py" else Path(program).name
    return _shown([name, *words])


def command_of(pid: int) -> str:
    """The words another process was started with, empty where they cannot be read."""
    try:
        words = os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")[:-1]
    except OSError:
        return ""
    if len(words) > 1 and Path(words[0]).name.startswith("python") and not words[1].startswith("-"):
        words = words[1:]  # an installed command: its name is enough
    return _shown([Path(words[0]).name, *words[1:]]) if words else ""


def flock_holder(path: Path) -> int | None:
    """The process that the kernel says holds ``flock`` on a file; None where it cannot be told."""
    try:
        inode, real = str(path.stat().st_ino), os.path.realpath(path)
        # proc(5): `1: FLOCK  ADVISORY  WRITE 4711 08:01:523 0 EOF`; with `->` behind the number for one that waits
        lines = [line.split() for line in Path("/proc/locks").read_text(encoding="ascii").splitlines()]
        found = [words[4] for words in lines if words[1] == "FLOCK" and words[5].rpartition(":")[2] == inode]
        return next((int(pid) for pid in found if _has_open(pid, real)), None)
    except (OSError, ValueError, IndexError):
        return None


def _has_open(pid: str, real: str) -> bool:
    """The number of a file is only unique on its device, and what that is called depends on who is asked."""
    try:
        return any(str(link.readlink()) == real for link in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def called(pid: int, command: str, since: datetime | None = None, now: datetime | None = None) -> str:
    """How to name it: ``process 4711 (hfver push, since 14:02:11)``."""
    today = (now or datetime.now().astimezone()).date()
    moment = "" if since is None else f"{since:%H:%M:%S}" if since.date() == today else f"{since:%Y-%m-%d %H:%M:%S}"
    known = ", ".join(part for part in (command, f"since {moment}" if moment else "") if part)
    return f"process {pid} ({known})" if known else f"process {pid}"


def ways_on(pid: int) -> list[str]:
    """What brings a stopped process out of the way. An ordinary ``kill`` waits until it goes on."""
    return [f"kill -CONT {pid}    (it goes on)", f"kill -KILL {pid}    (it ends)"]


def _shown(words: list[str]) -> str:
    text = redact(shlex.join(words))
    text = "".join(sign if sign.isprintable() else "?" for sign in text)
    return text if len(text) <= _LONGEST_COMMAND else text[: _LONGEST_COMMAND - 1] + "…"


def _in_proc(pid: int) -> Process | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # proc(5): behind the name in parentheses, which may hold any sign, the state is the 3rd field, the start the 22nd.
    fields = stat.rpartition(")")[2].split()
    return Process(_state(fields[0]), fields[19])


def _in_ps(pid: int) -> Process | None:
    try:
        done = subprocess.run(
            ["ps", "-o", "stat=,lstart=", "-p", str(pid)],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=5,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    letters, _, start = done.stdout.strip().partition(" ")
    return Process(_state(letters), start.strip()) if letters else None


def _state(letters: str) -> State:
    if letters[:1] in ("Z", "X"):  # what is dead holds nothing any more
        return "gone"
    return "stopped" if letters[:1] in ("T", "t") else "running"
