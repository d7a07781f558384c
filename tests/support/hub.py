"""The embedded hub for tests, over real HTTP, and the real client that talks to it."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfver.local_hub.faults import Faults
from hfver.local_hub.serve import EmbeddedHub

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_NUMBERS = itertools.count(1)


@dataclass(slots=True)
class HubForTests:
    """A running hub seen by one test: a namespace of its own and the requests made since the test began."""

    server: EmbeddedHub
    namespace: str = field(default_factory=lambda: f"team{os.getpid()}x{next(_NUMBERS)}")
    _first_request: int = 0

    def __post_init__(self) -> None:
        self.forget_requests()

    @property
    def endpoint(self) -> str:
        return self.server.endpoint

    @property
    def token(self) -> str:
        return self.server.token

    @property
    def user(self) -> str:
        return self.server.user

    @property
    def faults(self) -> Faults:
        assert self.server.faults is not None
        return self.server.faults

    @property
    def api(self) -> HfApi:
        return self.api_with(self.token)

    def api_with(self, token: str | bool) -> HfApi:
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.endpoint, token=token)

    def repo(self, name: str = "model", **options: Any) -> str:
        """Make a repo in the test's namespace and return its id."""
        repo_id = f"{self.namespace}/{name}"
        self.api.create_repo(repo_id, **options)
        return repo_id

    def git_dir(self, repo_id: str, kind: str = "model") -> Path:
        """The bare git repository behind a repo."""
        from hfver.local_hub.kinds import RepoKind

        namespace, name = repo_id.split("/")
        found = self.server.hub.repos.find(RepoKind(kind), namespace, name)
        assert found is not None
        return self.server.hub.git.path(found.id)

    @property
    def requests(self) -> list[tuple[str, str]]:
        """(method, raw path and query) of each request since the test began or `forget_requests`."""
        return list(self.server.requests)[self._first_request :]

    def forget_requests(self) -> None:
        self._first_request = len(self.server.requests)

    def environment(self) -> dict[str, str]:
        """For a child process that should use this hub as its Hub."""
        return {**os.environ, "HF_ENDPOINT": self.endpoint, "HF_TOKEN": self.token}

    def hf(self, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the real `hf` command against this hub."""
        command = [str(Path(sys.executable).with_name("hf")), *map(str, arguments)]
        return subprocess.run(command, env={**self.environment(), **environment}, capture_output=True, text=True)

    def run_python(self, program: str, **environment: str) -> Any:
        """Run a program in a fresh interpreter that finds this hub; its last line of output is JSON."""
        child = subprocess.run(
            [sys.executable, "-c", program], env={**self.environment(), **environment}, capture_output=True, text=True
        )
        assert child.returncode == 0, child.stderr
        lines = child.stdout.strip().splitlines()
        return json.loads(lines[-1]) if lines else None


@contextmanager
def running_hub(store: Path, **options: Any) -> Iterator[HubForTests]:
    """A hub of its own that can misbehave (`.faults`)."""
    with EmbeddedHub(store, faults=Faults(), **options) as server:
        yield HubForTests(server)
