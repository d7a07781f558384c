"""One process in the background that does what is owed.

It must leave nothing of its starter open: git waits for nobody, but whoever captured git's output waits for every
process that still holds a copy of it. So: a session of its own, descriptors 0 to 2 on the null device and on a log
file, none of the others, nothing of git's environment.
"""

from __future__ import annotations

import os
import subprocess
import sys

from hfver.adapters.git_process import clean_environment
from hfver.hooks.launcher import command
from hfver.hooks.repo import MARK, HookRepo


def start_worker(repo: HookRepo) -> int:
    """Start a worker for this repository and return its process id. It waits for its turn and ends by itself."""
    detached: dict[str, int | bool] = {"start_new_session": True}
    if sys.platform == "win32":
        detached = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    process = subprocess.Popen(
        [*command(), "hook", "worker"],
        cwd=repo.top,
        env={**clean_environment(), MARK: "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        close_fds=True,
        **detached,  # type: ignore[call-overload]
    )
    process.returncode = 0  # nobody waits for it on purpose: say so, or Popen complains when it is collected
    return int(process.pid)


def detach() -> None:
    """Leave the terminal's session, and let others go first: for a process that sh has put into the background."""
    if sys.platform == "win32":
        return
    if os.getpgrp() != os.getpid():  # the leader of a group cannot, and need not: it was started detached
        os.setsid()
    os.nice(10)
