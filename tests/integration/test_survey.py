"""What status knows of the Hub: now, and from the last time it was asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from hfver.alignment import VersionState
from hfver.survey import survey
from hfver.workspace import open_workspace
from tests.support.hub import HubForTests
from tests.support.project import Project, new_project

ELSEWHERE = "http://127.0.0.1:9"  # nobody answers there


@pytest.fixture
def project(tmp_path: Path, hub: HubForTests) -> Project:
    return new_project(tmp_path / "project", hub)


def remembered(project: Project, endpoint: str | None = None) -> tuple[list[VersionState], str | None]:
    environ = project.environ | ({"HF_ENDPOINT": endpoint} if endpoint else {})
    with open_workspace(project.top, environ=environ) as workspace:
        (found,) = survey(workspace, None)
        return [version.state for version in found.versions], found.asked


def test_without_a_hub_the_versions_are_as_when_it_was_last_asked(project: Project) -> None:
    project.train({"model.bin": "1"})
    project.tag("v1.0.0")
    assert remembered(project) == ([VersionState.UNPUBLISHED], "never")
    project.release("v1.0.0")
    with project.opened() as (workspace, client):
        survey(workspace, client)
    states, asked = remembered(project)
    assert states != [VersionState.UNPUBLISHED]
    assert asked not in (None, "never")


def test_what_is_remembered_of_one_hub_is_not_told_of_another(project: Project) -> None:
    project.train({"model.bin": "1"})
    project.tag("v1.0.0")
    project.release("v1.0.0")
    with project.opened() as (workspace, client):
        survey(workspace, client)
    assert remembered(project)[1] != "never"
    assert remembered(project, ELSEWHERE) == ([VersionState.UNPUBLISHED], "never")
