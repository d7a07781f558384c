"""A second process that holds a lock, and can be made to stand still as Ctrl-Z does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_HOLD = """
import sys
from pathlib import Path
from hfver.locks import FileLock
lock = FileLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.readline()
lock.release()
print("given up", flush=True)
sys.stdin.readline()
"""


@dataclass(frozen=True, slots=True)
class LockHolder:
    """Every step is waited for: a line on a pipe, or the system's word that the process stopped."""

    process: subprocess.Popen[str]

    @property
    def pid(self) -> int:
        return self.process.pid

    def await_held(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "held\n"

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def ask_to_give_up(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def give_up(self) -> None:
        self.ask_to_give_up()
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "given up\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def started(path: Path, *words: str) -> Iterator[LockHolder]:
    """Started, not yet waited for. ``words`` stand on its command line."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield LockHolder(process)
        finally:
            process.kill()


@contextmanager
def holding(path: Path, *words: str) -> Iterator[LockHolder]:
    with started(path, *words) as holder:
        holder.await_held()
        yield holder
