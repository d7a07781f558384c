"""LOG_LEVEL tells the story of a release to whoever has to find out what went wrong, and no secret."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.hub import HubForTests
from tests.support.project import Project, new_project

STORY = ("is owed", "send 2 files", "checked before", "uploading", "committing", "creating tag", "is revision")


@pytest.fixture
def project(tmp_path: Path, hub: HubForTests) -> Project:
    project = new_project(tmp_path / "repo", hub)
    project.train({"model.safetensors": b"weights" * 1000, "config.json": "{}"})
    project.tag("v1.0.0")
    return project


def push(project: Project, level: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "hfver", "push", "v1.0.0"],
        cwd=project.top,
        env={**os.environ, **project.environ, "LOG_LEVEL": level},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_debug_tells_the_steps_of_a_release_in_their_order(project: Project) -> None:
    told = push(project, "debug")
    places = [told.find(words) for words in STORY]
    assert -1 not in places, dict(zip(STORY, places, strict=True))
    assert places == sorted(places)


def test_debug_tells_no_secret(project: Project) -> None:
    assert project.hub.token.startswith("hf_")
    assert project.hub.token not in push(project, "DEBUG")


def test_info_leaves_the_steps_out(project: Project) -> None:
    assert "DEBUG" not in push(project, "INFO")


def test_a_secret_in_a_log_line_is_hidden(capfd: pytest.CaptureFixture[str]) -> None:
    program = (
        "import logging, os\n"
        "from hfver.logs import follow_log_level\n"
        "follow_log_level({'LOG_LEVEL': 'DEBUG'})\n"
        "logging.getLogger('hfver.x').debug('sent %s to %s', 'hf_' + 'a' * 34, 'https://me:secret@hub.example/x')\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    told = capfd.readouterr().err
    assert "sent [hidden] to https://hub.example/x" in told
