"""Fixtures everybody shares. The environment is replaced before any test module, and so huggingface_hub, is read."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.world import foreign_variables, own_world, stay_on_loopback

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
