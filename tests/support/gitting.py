"""Git for tests: plain commands whose dates advance, so that order never depends on the clock's grain."""

from __future__ import annotations

import itertools
import os
import subprocess
from pathlib import Path

_seconds = itertools.count()


def git(cwd: Path, *args: str, stdin: str | None = None) -> str:
    """Run git with a committer date one minute after the last one; its output without the last newline."""
    minutes = next(_seconds)
    date = f"2026-01-{2 + minutes // 1440:02}T{minutes // 60 % 24:02}:{minutes % 60:02}:00+00:00"
    environment = {**os.environ, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    done = subprocess.run(["git", *args], cwd=cwd, env=environment, input=stdin, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"git {' '.join(args)} failed in {cwd}: {done.stderr}{done.stdout}")
    return done.stdout.removesuffix("\n")


def new_repo(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    git(path, "init", "--quiet")
    return path


def commit(repo: Path, message: str, files: dict[str, str] | None = None) -> str:
    """Write files, commit everything, return the commit."""
    for name, content in (files or {}).items():
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text(content, encoding="utf-8")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(repo, "rev-parse", "HEAD")
