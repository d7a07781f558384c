"""Starting git: one function, one environment, one error."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hfver.errors import HfverError, StateError
from hfver.redact import redact

# What git sets for its hooks to say "this repository, this index". Inherited by a git started for another place, or for
# a linked worktree, they make it read and even overwrite the wrong repository.
_REPOSITORY_VARIABLES = frozenset({
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_CONFIG", "GIT_DIR", "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_NAMESPACE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX",
    "GIT_QUARANTINE_PATH", "GIT_SHALLOW_FILE", "GIT_WORK_TREE", "GIT_EXEC_PATH", "GIT_REFLOG_ACTION",
})  # fmt: skip
# `git commit` exports these to its hooks, where they would name the author of commits we make; set by the user outside
# a hook they mean what they say and stay.
_HOOK_VARIABLES = frozenset({
    "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE", "GIT_EDITOR", "GIT_SEQUENCE_EDITOR",
})  # fmt: skip


class GitCommandFailed(HfverError):  # noqa: N818 (GitCommandError is the name of GitPython's)
    """git said no; carries what was asked and its answer."""

    def __init__(self, command: Sequence[str], code: int, stderr: str) -> None:
        self.command = tuple(command)
        self.code = code
        self.stderr = redact(stderr.strip())
        shown = self.stderr or f"exit code {code}"
        super().__init__(f"`git {' '.join(command)}` failed: {shown}")


@dataclass(frozen=True, slots=True)
class GitResult:
    code: int
    stdout: bytes
    stderr: bytes


def decode(raw: bytes) -> str:
    """Names and messages in git are bytes; what is not UTF-8 survives the way to a str and back."""
    return raw.decode("utf-8", "surrogateescape")


def readable(text: str) -> str:
    """A message for people and for the Hub, which take no surrogates; names must stay as they are."""
    return encode(text).decode("utf-8", "replace")


def encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def clean_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without what a calling git left in it."""
    source = os.environ if environ is None else environ
    dropped = set(_REPOSITORY_VARIABLES)
    if not _REPOSITORY_VARIABLES.isdisjoint(source):
        dropped |= _HOOK_VARIABLES
    return {name: value for name, value in source.items() if name not in dropped}


def execute_git(
    cwd: Path,
    args: Sequence[str],
    *,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    passthrough: bool = False,
) -> GitResult:
    """Run git and wait. ``passthrough`` leaves both output streams to the user, for commands whose hooks talk."""
    try:
        done = subprocess.run(
            ["git", *args],
            cwd=cwd,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None and not passthrough else None,
            capture_output=not passthrough,
            env={**clean_environment(), **(env or {})},
        )
    except FileNotFoundError as exc:
        if not cwd.is_dir():
            raise StateError(f"{cwd} is not a directory") from exc
        raise StateError("git is not installed, or not on PATH", hints=["install git 2.29 or newer"]) from exc
    return GitResult(done.returncode, done.stdout or b"", done.stderr or b"")
