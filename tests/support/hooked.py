"""A repository with hfver's hooks, whose releases are written down instead of made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hfver.hooks.seen import SeenRefs
from hfver.outbox import Outbox
from tests.support.git_builds import SYSTEM, GitBuild

CONFIG = """\
huggingface:
  endpoint: embedded
  repository:
    model_name: team/model
    model_path: model
"""

DETAILS = "configs/huggingface_config.yaml"
# There is no model in these repositories, so the guard would rightly refuse every version.
FILES = {"config.yaml": CONFIG, DETAILS: "hooks: {tag_guard: false}\n"}
GUARDED = {DETAILS: "hooks: {tag_guard: true}\n"}

# The real program with its last step replaced: what would be published is appended to a file next to it.
PROGRAM = """\
#!{python} -I
import json, os, sys, types
from pathlib import Path
here = Path(__file__).parent
def publish_owed(top, *, progress, tags=(), fresh_releases=True):
    with (here / "published").open("a") as log:
        git = sorted(name for name in os.environ if name.startswith("GIT_"))
        print(json.dumps({{"top": str(top), "progress": progress, "environment": git}}), file=log)
    if (here / "behaviour.py").exists():
        exec((here / "behaviour.py").read_text())
    return int((here / "code").read_text()) if (here / "code").exists() else 0
owed = types.ModuleType("hfver.cli.owed")
owed.publish_owed = publish_owed
sys.modules["hfver.cli.owed"] = owed
from hfver.__main__ import main
sys.exit(main())
"""


@dataclass(frozen=True, slots=True)
class Program:
    """The hfver that hooks start in a test."""

    path: Path

    def published(self) -> list[dict[str, Any]]:
        """What was published while git waited."""
        return [entry for entry in self._log() if entry["progress"]]

    def published_quietly(self) -> list[dict[str, Any]]:
        """What a worker or a wake-up published."""
        return [entry for entry in self._log() if not entry["progress"]]

    def _log(self) -> list[dict[str, Any]]:
        log = self.path.with_name("published")
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def returns(self, code: int) -> None:
        self.path.with_name("code").write_text(str(code))

    def does(self, python: str) -> None:
        """Run this instead of only writing down that something would be published."""
        self.path.with_name("behaviour.py").write_text(python)


def make_program(directory: Path) -> Program:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "hfver"
    path.write_text(PROGRAM.format(python=sys.executable))
    path.chmod(0o755)
    return Program(path)


@dataclass(frozen=True, slots=True)
class Repo:
    """A repository seen from one of its work trees, driven by one git."""

    path: Path
    build: GitBuild = SYSTEM
    environment: dict[str, str] = field(default_factory=dict)

    def run(
        self,
        *args: str,
        check: bool = True,
        stdin: str = "",
        timeout: float = 60,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run git with captured output: whatever keeps it open would hang here until the time is up."""
        done = subprocess.run(
            ["git", *args],
            cwd=self.path,
            env={**os.environ, **self.build.environment(), **self.environment, **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"git {' '.join(args)}: code {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def git(self, *args: str, **env: str) -> str:
        return self.run(*args, env=env).stdout.removesuffix("\n")

    def commit(self, message: str, files: dict[str, str] | None = None) -> str:
        for name, content in (files or {}).items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(content, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    @property
    def common_dir(self) -> Path:
        return self.path / self.git("rev-parse", "--git-common-dir")

    @property
    def hooks(self) -> Path:
        return self.path / self.git("rev-parse", "--git-path", "hooks")

    def owed(self) -> set[tuple[str, str]]:
        """The releases in the outbox: tag and object."""
        owed, problems = Outbox(self.common_dir).entries()
        assert problems == []
        return {(entry.name, entry.oid) for entry in owed if entry.kind == "release"}

    def mirror_owed(self) -> dict[str, tuple[str, str]]:
        """What the mirror is owed: branch -> (from, to)."""
        entries = Outbox(self.common_dir).entries().owed
        return {entry.name: (entry.old, entry.oid) for entry in entries if entry.kind == "mirror"}

    def tag_object(self, name: str) -> str:
        return self.git("rev-parse", f"refs/tags/{name}")

    def seen(self) -> set[str]:
        return {ref.removeprefix("refs/tags/") for ref, _ in SeenRefs(self.common_dir).pairs()}


def new_repo(path: Path, build: GitBuild = SYSTEM, *options: str, **environment: str) -> Repo:
    path.mkdir(parents=True)
    repo = Repo(path, build, environment)
    repo.git("init", "--quiet", *options)
    return repo
