"""Time, CPU and memory of whole commands, in an environment in which nothing of the user's is touched."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of wall clock and of CPU, and the peak of resident memory in bytes, of one command."""

    wall: float
    cpu: float
    memory: int = 0


def own_environment(root: Path) -> dict[str, str]:
    """Home, caches and git identity below ``root``."""
    # PYTHON…: where PYTHONDONTWRITEBYTECODE is set, every start would compile what an installed program has compiled.
    foreign = ("GIT_", "HF_", "DVC_", "HFVER_", "XDG_", "PYTHON")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(foreign) and name != "CI"}
    config = root / "gitconfig"
    config.write_text("[user]\n\tname = Bench\n\temail = bench@example.org\n[init]\n\tdefaultBranch = main\n")
    return environ | {
        "HOME": str(root),
        "XDG_CONFIG_HOME": str(root / "config"),
        "XDG_CACHE_HOME": str(root / "cache"),
        "XDG_DATA_HOME": str(root / "data"),
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_CONFIG_NOSYSTEM": "1",
        "HF_HOME": str(root / "hf"),
        "HF_XET_LOG_DEST": os.devnull,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "DVC_SITE_CACHE_DIR": str(root / "site"),
        "DVC_NO_ANALYTICS": "1",
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "USER": "bench",
    }


def once(command: list[str], cwd: Path, environ: dict[str, str]) -> Timing:
    """Run a command; SystemExit with its output when it fails."""
    started = time.perf_counter()
    with (cwd / ".bench-output").open("w+") as output:
        process = subprocess.Popen(command, cwd=cwd, env=environ, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        if process.returncode != 0:
            output.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{output.read()}")
    (cwd / ".bench-output").unlink()
    return Timing(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def timed(command: list[str], cwd: Path, environ: dict[str, str], runs: int = 3) -> Timing:
    """The quickest of some runs."""
    return min((once(command, cwd, environ) for _ in range(runs)), key=lambda timing: timing.wall)


@dataclass(frozen=True, slots=True)
class ServedHub:
    """A hub in a process of its own, as every client of a comparison uses it."""

    endpoint: str
    token: str
    store: Path
    process: psutil.Process

    @property
    def environ(self) -> dict[str, str]:
        return {"HF_ENDPOINT": self.endpoint, "HF_TOKEN": self.token}

    def stored(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.store.rglob("*") if path.is_file())


@contextmanager
def served_hub(store: Path, environ: dict[str, str]) -> Iterator[ServedHub]:
    program = (
        "import sys; from pathlib import Path; from hfver.local_hub.serve import serve\n"
        "serve(Path(sys.argv[1]), 0, lambda hub: print(hub.endpoint, hub.token, flush=True))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(store)], env=environ, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        endpoint, token = process.stdout.readline().split()
        yield ServedHub(endpoint, token, store, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
