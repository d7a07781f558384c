"""A project as a user has it: git, DVC, a configuration, and a Hub. Reads like a story in tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hfver.hub_session import open_hub
from hfver.hub_view import read_hub_state
from hfver.release import release
from hfver.reporting import Silent
from hfver.target import target_of
from hfver.workspace import Workspace, open_workspace
from tests.support.gitting import git, new_repo

if TYPE_CHECKING:
    from hfver.adapters.hub_client import HubClient
    from hfver.hub_state import HubState
    from hfver.publish import Checkpoint, Outcome
    from tests.support.hub import HubForTests

CONFIG = """\
huggingface:
  repository:
    model_name: {repo}
    model_path: model
"""
DETAILS = """\
settings:
  upload:
    max_retries: 0
    retry_delay: 0
model_card:
  license: mit
"""


class Told(Silent):
    """Collects what long work says."""

    is_heard = True

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@dataclass
class Project:
    top: Path
    hub: HubForTests
    repo_id: str
    told: Told = field(default_factory=Told)

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, "HF_ENDPOINT": self.hub.endpoint, "HF_TOKEN": self.hub.token}

    # -- git and DVC ----------------------------------------------------------------------------------------------

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Make the model directory hold exactly these files."""
        model = self.top / "model"
        shutil.rmtree(model, ignore_errors=True)
        for name, content in files.items():
            path = model / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def train(self, files: Mapping[str, str | bytes], message: str = "Train") -> str:
        """A new model, tracked by DVC and committed; returns the commit."""
        from hfver.adapters.dvc_outputs import DvcProject

        self.write(files)
        DvcProject.find(self.top).add(self.top / "model")
        return self.commit(message)

    def commit(self, message: str = "Change") -> str:
        git(self.top, "add", "--all")
        git(self.top, "commit", "--quiet", "--allow-empty", "-m", message)
        return git(self.top, "rev-parse", "HEAD")

    def tag(self, name: str, commit: str = "HEAD", *, message: str | None = None) -> None:
        git(self.top, "tag", *(["-a", "-m", message] if message else []), name, commit)

    def clone(self, path: Path) -> Project:
        """Another machine: the git repository, no DVC cache, no memory."""
        git(self.top.parent, "clone", "--quiet", str(self.top), str(path))
        return Project(path, self.hub, self.repo_id)

    # -- hfver ----------------------------------------------------------------------------------------------------

    @contextmanager
    def opened(self) -> Iterator[tuple[Workspace, HubClient]]:
        with (
            open_workspace(self.top, environ=self.environ) as workspace,
            open_hub(workspace.config.endpoint, self.environ) as client,
        ):
            yield workspace, client

    def release(self, tag: str, *, allow_same: bool = False, checkpoint: Checkpoint = lambda _step: None) -> Outcome:
        with self.opened() as (workspace, client):
            target = target_of(workspace, tag)
            return release(workspace, client, target, self.told, allow_same=allow_same, checkpoint=checkpoint)

    # -- the Hub --------------------------------------------------------------------------------------------------

    def hub_state(self) -> HubState:
        with self.opened() as (workspace, client):
            return read_hub_state(client, self.repo_id, workspace.state)

    def hub_files(self, revision: str) -> set[str]:
        return set(self.hub.api.list_repo_files(self.repo_id, revision=revision))

    def hub_bytes(self, revision: str, path: str) -> bytes:
        from huggingface_hub import hf_hub_download

        found = hf_hub_download(self.repo_id, path, revision=revision, endpoint=self.hub.endpoint, token=self.hub.token)
        return Path(found).read_bytes()


def new_project(top: Path, hub: HubForTests, *, name: str = "model", mirror: bool = True) -> Project:
    """An empty project whose model is ``<the test's namespace>/<name>``; its hooks are not installed."""
    from hfver.adapters.dvc_outputs import DvcProject

    new_repo(top)
    DvcProject.init(top)
    repo_id = f"{hub.namespace}/{name}"
    items = "" if mirror else "  upload_items: [model]\n"
    (top / "config.yaml").write_text(CONFIG.format(repo=repo_id) + items, encoding="utf-8")
    (top / "configs").mkdir()
    (top / "configs" / "huggingface_config.yaml").write_text(DETAILS, encoding="utf-8")
    project = Project(top, hub, repo_id)
    project.commit("Set up")
    return project
