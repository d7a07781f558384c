"""Fixtures everybody shares. The environment is replaced before any test module, and so huggingface_hub, is read."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hfver.secret_values import KNOWN
from tests.support.answers import undeclared
from tests.support.world import foreign_variables, own_world, stay_on_loopback

if TYPE_CHECKING:
    from hfver.local_hub.serve import EmbeddedHub
    from tests.support.hub import HubForTests

_WORLD = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    root = Path(tempfile.mkdtemp(prefix="hfver-tests-"))
    config.stash[_WORLD] = root
    for name in foreign_variables(os.environ):
        del os.environ[name]
    os.environ.update(own_world(root))
    if "HFVER_CONTRACT_ENDPOINT" not in os.environ:
        stay_on_loopback()


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[_WORLD], ignore_errors=True)


@pytest.fixture(autouse=True)
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test that makes files a home of its own; tests that make none keep the session's."""
    if "tmp_path" in request.fixturenames:
        root: Path = request.getfixturevalue("tmp_path")
        for name, value in own_world(root.with_name(root.name + "-world")).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(root.parent))
    yield


@pytest.fixture(autouse=True)
def forgotten_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret is known until its process ends; one of a test is no secret to the next."""
    monkeypatch.setattr(KNOWN, "_marks", KNOWN._marks)


@pytest.fixture(autouse=True)
def declared_answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test makes a command print with ``--json`` is what the command declares, and docs/json.md says."""
    with undeclared(monkeypatch) as found:
        yield
    assert found == []


@pytest.fixture(scope="session")
def hub_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedHub]:
    """One hub for the whole run; tests take `hub`, which gives each of them a namespace."""
    from hfver.local_hub.serve import EmbeddedHub

    with EmbeddedHub(tmp_path_factory.mktemp("hub-store")) as server:
        yield server


@pytest.fixture
def hub(hub_server: EmbeddedHub, tmp_path: Path) -> HubForTests:
    """The shared hub, with a namespace of the test's own and empty caches."""
    from tests.support.hub import HubForTests

    return HubForTests(hub_server)


@pytest.fixture
def own_hub(tmp_path: Path) -> Iterator[HubForTests]:
    """A hub with a store of its own, for tests that need faults or an empty store."""
    from tests.support.hub import running_hub

    with running_hub(tmp_path / "own-hub") as running:
        yield running
