"""The repository a hook runs for: asked of git itself, because the current directory and GIT_DIR say too little."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hfver.adapters.git_process import GitResult, blob_start, clean_environment, decode, execute_git
from hfver.errors import StateError, UsageError

NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")
MARK = "HFVER_IN_HOOK"  # in the environment of everything a hook starts, so that hfver's hooks stay quiet below it


@dataclass(frozen=True, slots=True)
class HookRepo:
    """Absolute places of one repository, as seen from one of its work trees."""

    git_dir: Path
    common_dir: Path
    top: Path  # of the work tree; of a bare repository the git dir

    @property
    def home(self) -> Path:
        """Where hfver keeps its files for all work trees of this repository."""
        return self.common_dir / "hfver"

    @property
    def bare(self) -> bool:
        return self.top == self.git_dir

    def git(self, *arguments: str, stdin: bytes | None = None) -> GitResult:
        """Run git here, without hooks and without what a calling git left in the environment."""
        return execute_git(self.top, [*NO_HOOKS, *arguments], stdin=stdin, env={MARK: "1"})

    def ask(self, *arguments: str) -> str | None:
        """What git prints, without the last line end; None when it says no."""
        result = self.git(*arguments)
        return decode(result.stdout).removesuffix("\n") if result.code == 0 else None

    def start_of_blob(self, name: str, size: int) -> bytes | None:
        """At most the first ``size`` bytes of what git has by this name; None where there is none."""
        return blob_start(self.top, name, size, env={MARK: "1"})

    def config(self, name: str) -> str | None:
        return self.ask("config", "--get", name)


def find_repo(start: Path | None = None, environ: Mapping[str, str] = os.environ) -> HookRepo:
    """The repository of the directory ``start``; without one, what git means here and now, as it told its hook."""
    cwd = Path.cwd() if start is None else start
    environment = dict(environ) if start is None else clean_environment(environ)
    git_dir = _ask("--absolute-git-dir", cwd, environment)
    if git_dir is None:
        raise UsageError(f"{cwd} is not in a git repository", hints=["git init"])
    common_dir = _ask("--git-common-dir", cwd, environment) or git_dir
    top = _ask("--show-toplevel", cwd, environment)
    if top is None:
        lost = _ask("--is-bare-repository", cwd, environment) == "false"
    else:  # `git --git-dir=... tag` takes the directory it was typed in for the work tree, whatever that is
        lost = "GIT_DIR" in environment and not _leads_to(git_dir, Path(top), environment)
    if lost:
        top = _top_of(Path(git_dir), cwd, environment)
    return HookRepo(Path(git_dir), (cwd / common_dir).resolve(), Path(top or git_dir))


def _leads_to(git_dir: str, top: Path, environment: Mapping[str, str]) -> bool:
    """Whether git finds this very repository from there without being told, as whatever comes later does."""
    return _ask("--absolute-git-dir", top, clean_environment(environment)) == git_dir


def _top_of(git_dir: Path, cwd: Path, environment: Mapping[str, str]) -> str | None:
    """The work tree of a git dir we stand in, where git itself names none: hooks of pushes and of dulwich do."""
    configured = execute_git(cwd, ["config", "--get", "core.worktree"], env=environment)
    if configured.code == 0:
        return str((git_dir / decode(configured.stdout).removesuffix("\n")).resolve())
    return str(git_dir.parent) if git_dir.name == ".git" else None


def leave_git(environ: dict[str, str] | os._Environ[str] = os.environ) -> None:
    """Drop from this process's environment what git set for its hook, before anything else runs git from here."""
    kept = clean_environment(environ)
    for name in set(environ) - set(kept):
        del environ[name]
    environ[MARK] = "1"


def _ask(question: str, cwd: Path, environment: Mapping[str, str]) -> str | None:
    """One question per call: a path may hold any byte but NUL, so answers of several could not be told apart."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", question], cwd=cwd, env=environment, capture_output=True, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError as exc:
        raise StateError("git is not installed, or not on PATH", hints=["install git 2.29 or newer"]) from exc
    return decode(done.stdout).removesuffix("\n") if done.returncode == 0 else None
