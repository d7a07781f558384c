"""A version whose model stood elsewhere than configured comes back to where it stood."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hfver import HuggingFaceManager
from hfver.cli.main import run
from tests.support.gitting import git
from tests.support.hub import HubForTests
from tests.support.project import Project, new_project


@pytest.fixture
def project(tmp_path: Path, hub: HubForTests, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = new_project(tmp_path / "repo", hub)
    monkeypatch.chdir(made.top)
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    for name in ("first", "second"):
        place = made.top / "runs" / name
        place.mkdir(parents=True)
        (place / "model.bin").write_text(name)
    manager = HuggingFaceManager("config.yaml", environ=dict(os.environ))
    manager.sync_training_workflow("runs/first", "first", "v1.0.0")
    manager.sync_training_workflow("runs/second", "second", "v1.1.0")
    return made


def test_the_tag_says_where_its_model_stood(project: Project) -> None:
    assert "Model-Path: runs/first" in git(project.top, "cat-file", "tag", "v1.0.0")
    assert run(["verify"]) == 0


def test_checkout_brings_it_back_there(project: Project) -> None:
    git(project.top, "rm", "-q", "--cached", "runs/first.dvc")
    git(project.top, "checkout", "-q", "HEAD", "--", "runs/first.dvc")
    (project.top / "runs" / "first" / "model.bin").unlink()
    assert run(["checkout", "v1.0.0"]) == 0
    assert (project.top / "runs" / "first" / "model.bin").read_text() == "first"
    assert run(["checkout", "v1.1.0"]) == 0
    assert (project.top / "runs" / "second" / "model.bin").read_text() == "second"


def test_a_tag_cannot_name_a_place_outside(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    git(project.top, "tag", "-a", "-m", "Mean", "-m", "Model-Path: ../../etc", "v9.0.0")
    assert run(["push", "v9.0.0"]) != 0
    assert "does not lie inside the git repository" in capsys.readouterr().err
