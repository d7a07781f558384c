"""A real project whose hooks start the real program, and a git server to push to."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from hfver.hooks.install import install
from tests.support.hooked import Repo
from tests.support.hub import HubForTests
from tests.support.project import Project, new_project

HFVER = Path(sys.executable).with_name("hfver")


@dataclass(frozen=True, slots=True)
class HookProject:
    project: Project
    repo: Repo  # the same place, for git commands whose output matters
    origin: Repo

    @property
    def top(self) -> Path:
        return self.project.top


def new_hook_project(root: Path, hub: HubForTests) -> HookProject:
    """A project with one trained and committed model, hooks, and an empty remote called origin.

    Commits are not mirrored, so that no wake-up works in the background of a test.
    """
    project = new_project(root / "project", hub)
    details = project.top / "configs" / "huggingface_config.yaml"
    details.write_text(details.read_text() + "mirror: {branches: []}\n")
    project.train({"weights.bin": "one", "config.json": "{}"})
    environment = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.token}
    repo = Repo(project.top, environment=environment)
    origin = root / "origin.git"
    repo.git("init", "--quiet", "--bare", str(origin))
    repo.git("remote", "add", "origin", str(origin))
    install(project.top)
    (repo.common_dir / "hfver" / "launcher").write_text(f"{HFVER}\n")
    assert os.access(HFVER, os.X_OK)
    return HookProject(project, repo, Repo(origin))
