"""The Hub under test: the embedded one, or another one named by HFVER_CONTRACT_ENDPOINT and HFVER_CONTRACT_TOKEN.

Against another Hub everything happens in private repositories that are made here and deleted again.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.hub import HubForTests

if TYPE_CHECKING:
    from huggingface_hub import HfApi

ELSEWHERE = os.environ.get("HFVER_CONTRACT_ENDPOINT")
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if ELSEWHERE is None:
        return
    skip = pytest.mark.skip(reason="needs switches or knowledge that only the embedded hub offers")
    for item in items:
        if item.path.is_relative_to(HERE) and {"hub", "own_hub"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(skip)


@dataclass(slots=True)
class Remote:
    """A Hub and somebody who may write to it."""

    endpoint: str
    token: str
    namespace: str
    embedded: HubForTests | None
    _made: list[tuple[str, str]] = field(default_factory=list)

    @property
    def api(self) -> HfApi:
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.endpoint, token=self.token)

    @property
    def anonymous(self) -> HfApi:
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.endpoint, token=False)

    def name(self) -> str:
        return f"{self.namespace}/contract-{secrets.token_hex(4)}"

    def repo(self, kind: str = "model", **options: Any) -> str:
        """A new repository, private when it is on somebody else's Hub."""
        repo_id = self.name()
        if self.embedded is None:
            options.setdefault("private", True)
        self.api.create_repo(repo_id, repo_type=kind, **options)
        self.made(repo_id, kind)
        return repo_id

    def made(self, repo_id: str, kind: str = "model") -> None:
        """To be deleted after the test."""
        self._made.append((repo_id, kind))

    def add(self, repo_id: str, files: dict[str, bytes], **options: Any) -> str:
        """Commit files; the id of the commit."""
        from huggingface_hub import CommitOperationAdd

        operations = [CommitOperationAdd(path, data) for path, data in files.items()]
        options.setdefault("commit_message", "add files")
        oid: str = self.api.create_commit(repo_id, operations, **options).oid
        return oid

    def files(self, repo_id: str, **options: Any) -> set[str]:
        """Paths at a revision, without the .gitattributes that every repository has."""
        return set(self.api.list_repo_files(repo_id, **options)) - {".gitattributes"}

    def clean_up(self) -> None:
        for repo_id, kind in self._made:
            self.api.delete_repo(repo_id, repo_type=kind, missing_ok=True)


@pytest.fixture
def remote(request: pytest.FixtureRequest) -> Iterator[Remote]:
    if ELSEWHERE is None:
        hub: HubForTests = request.getfixturevalue("hub")
        yield Remote(hub.endpoint, hub.token, hub.namespace, hub)
        return
    token = os.environ["HFVER_CONTRACT_TOKEN"]
    elsewhere = Remote(ELSEWHERE.rstrip("/"), token, "", None)
    elsewhere.namespace = elsewhere.api.whoami()["name"]
    yield elsewhere
    elsewhere.clean_up()


@pytest.fixture
def plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that behaves as if hf_xet were not installed."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
