"""Where a repository's hooks go: the directory git looks in, who decided that, and whether hfver may write there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from hfver.adapters.git_process import decode, execute_git
from hfver.errors import StateError
from hfver.hooks.repo import HookRepo

OLDEST_GIT = (2, 29)  # 2.28 calls the wrong file for reference-transaction, and its rebase dies of it
CONFIG_HOOKS_GIT = (2, 54)


class Method(Enum):
    FILE = "file"  # a script in the hooks directory
    CONFIG = "config"  # hook.<name>.command in the repository's config, git 2.54 and newer


@dataclass(frozen=True, slots=True)
class HookPlace:
    directory: Path  # the hooks directory git uses
    method: Method
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class HooksPath:
    """core.hooksPath: who set it, to what."""

    scope: str  # local, worktree, global, system, command
    value: str


def git_version(repo: HookRepo) -> tuple[int, int]:
    match = re.search(r"(\d+)\.(\d+)", repo.ask("--version") or "")
    return (int(match[1]), int(match[2])) if match else (0, 0)


def hooks_directory(repo: HookRepo) -> Path:
    """As git sees it here, linked work trees and core.hooksPath considered."""
    return (repo.top / _ask(repo, "rev-parse", "--git-path", "hooks")).absolute()


def hooks_path(repo: HookRepo) -> HooksPath | None:
    scope, tab, value = _ask(repo, "config", "--show-scope", "--get", "core.hooksPath").partition("\t")
    return HooksPath(scope, value) if tab else None


def choose_place(repo: HookRepo) -> HookPlace:
    """Decide where and how to install, or say why not and what to do."""
    version = git_version(repo)
    if version < OLDEST_GIT:
        found = ".".join(map(str, version))
        raise StateError(f"git {found} runs no usable hooks for tags", hints=["install git 2.29 or newer"])
    directory = hooks_directory(repo)
    path = hooks_path(repo)
    if path is None or directory.resolve() == (repo.common_dir / "hooks").resolve():
        return HookPlace(directory, Method.FILE)
    if version >= CONFIG_HOOKS_GIT:
        return HookPlace(directory, Method.CONFIG)
    inside = directory.resolve().is_relative_to(repo.top.resolve())
    if path.scope in ("local", "worktree") and inside:
        return HookPlace(directory, Method.FILE, _warning(repo, directory, path))
    raise StateError(
        f"core.hooksPath ({path.scope} configuration) sends git to {directory}, which other repositories use too",
        hints=[
            "git config --local core.hooksPath .git/hooks gives this repository hooks of its own",
            "or install git 2.54 or newer, where hfver needs no file there",
        ],
    )


def _warning(repo: HookRepo, directory: Path, path: HooksPath) -> str | None:
    if Path(path.value).is_absolute() or repo.bare:
        return None
    return (
        f"core.hooksPath is {path.value}, which every linked work tree has on its own: "
        f"run `hfver hooks install` in each of them ({directory} has them now)"
    )


def _ask(repo: HookRepo, *arguments: str) -> str:
    # Not by repo.git: that switches hooks off by the very setting that is asked for here.
    return decode(execute_git(repo.top, arguments).stdout).removesuffix("\n")
