"""What stands at a hook's place now."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from hfver.hooks.file import is_called_by_pre_commit, read_hook, sibling
from hfver.hooks.git_config import is_configured, script_path
from hfver.hooks.place import hooks_directory
from hfver.hooks.record import read_record
from hfver.hooks.repo import HookRepo
from hfver.hooks.scripts import digest, hook_name, script

ORIGINAL = ".hfver-orig"  # the hook that was there before ours, and that ours runs first
SHELVED = ".old"  # where lefthook moves a hook, to run it never


class State(Enum):
    ABSENT = "not installed"
    INSTALLED = "installed"
    CHAINED = "installed; runs the hook that was there before first"
    CALLED = "installed; called by the pre-commit framework"
    CONFIGURED = "installed in the git configuration"
    OUTDATED = "installed, from another version of hfver"
    CHANGED = "installed, but changed by somebody"
    FOREIGN = "another program's hook stands there and does not call hfver"
    UNUSABLE = "installed, but git cannot run it"


WORKING = frozenset({State.INSTALLED, State.CHAINED, State.CALLED, State.CONFIGURED, State.OUTDATED, State.CHANGED})


@dataclass(frozen=True, slots=True)
class HookState:
    name: str
    state: State
    path: Path

    @property
    def works(self) -> bool:
        return self.state in WORKING


def hook_state(repo: HookRepo, name: str) -> HookState:
    path = hooks_directory(repo) / name
    if is_configured(repo, name):
        path = script_path(repo, name)
        state = State.CONFIGURED if read_hook(path) == script(name) else State.OUTDATED
        return HookState(name, state if path.is_file() else State.UNUSABLE, path)
    return HookState(name, _file_state(repo, name, path), path)


def _file_state(repo: HookRepo, name: str, path: Path) -> State:
    content = read_hook(path)
    if content is None:
        return State.ABSENT
    if hook_name(content) != name:
        return State.CALLED if is_called_by_pre_commit(path, name) else State.FOREIGN
    if b"\r\n" in content or not _executable(path):
        return State.UNUSABLE
    if content != script(name):
        recorded = read_record(repo.home).hooks.get(name)
        return State.OUTDATED if recorded is not None and recorded.sha256 == digest(content) else State.CHANGED
    return State.CHAINED if sibling(path, ORIGINAL).exists() else State.INSTALLED


def _executable(path: Path) -> bool:
    return sys.platform == "win32" or os.access(path, os.X_OK)
