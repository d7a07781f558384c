"""Hooks in the git configuration, for git 2.54 and newer: they run wherever core.hooksPath points.

    hook.hfver-<name>.command   sh -c '...guard...' <script>      written first, because an event without
    hook.hfver-<name>.event     <name>                            a command fails every git command that runs it

The script lies in <git common dir>/hfver/hooks/. The guard makes a script that is gone do nothing.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from hfver.atomic import write_atomic
from hfver.errors import StateError
from hfver.hooks.repo import HookRepo
from hfver.hooks.scripts import script

_GUARD = '[ -x "$0" ] || exit 0; exec "$0" "$@"'


def script_path(repo: HookRepo, name: str) -> Path:
    return repo.home / "hooks" / name


def is_configured(repo: HookRepo, name: str) -> bool:
    return repo.config(f"hook.hfver-{name}.event") == name


def configure(repo: HookRepo, name: str) -> Path:
    path = script_path(repo, name)
    if not path.is_file() or path.read_bytes() != script(name):
        write_atomic(path, script(name), 0o755)
    _set(repo, f"hook.hfver-{name}.command", f"sh -c {shlex.quote(_GUARD)} {shlex.quote(str(path))}")
    _set(repo, f"hook.hfver-{name}.event", name)
    return path


def unconfigure(repo: HookRepo, name: str) -> None:
    if is_configured(repo, name):
        repo.git("config", "--local", "--remove-section", f"hook.hfver-{name}")
    script_path(repo, name).unlink(missing_ok=True)


def _set(repo: HookRepo, key: str, value: str) -> None:
    if repo.config(key) == value:
        return
    result = repo.git("config", "--local", key, value)
    if result.code != 0:
        raise StateError(f"git config {key} failed: {result.stderr.decode('utf-8', 'replace').strip()}")
