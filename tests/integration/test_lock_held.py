"""Whoever comes second to a clone is told who is at work there, and can give up; what is owed is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hfver.cli.owed import publish_owed
from hfver.locks import ATTENDED, UNATTENDED, LockBusyError, Patience
from tests.support.gitting import git
from tests.support.holding import holding
from tests.support.hub import HubForTests, running_hub
from tests.support.project import Project, new_project

SOON = Patience(0.0, 0.0, unnoticed=0.0)
STOPPED = Patience(None, 0.0, unnoticed=0.0)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[HubForTests]:
    with running_hub(tmp_path / "store") as hub:
        yield hub


@pytest.fixture
def project(tmp_path: Path, own: HubForTests) -> Project:
    project = new_project(tmp_path / "project", own, mirror=False)
    project.train({"config.json": "{}", "model.bin": "x"})
    project.tag("v1.0.0")
    return project


def lock_file(project: Project) -> Path:
    return project.top / ".git" / "hfver" / "worker.lock"


def test_a_release_waits_for_the_one_at_work_and_then_is_made(project: Project) -> None:
    from hfver.owed import do_owed, intend

    with holding(lock_file(project)) as holder, project.opened() as (workspace, client):

        class GivesUp(type(project.told)):  # type: ignore[misc]
            def note(self, message: str) -> None:
                super().note(message)
                holder.ask_to_give_up()

        told = GivesUp()
        intend(workspace, ["v1.0.0"], "test")
        work = do_owed(workspace, client, told, patience=Patience(None, None, unnoticed=0.0))
    assert [outcome.tag for outcome in work.released] == ["v1.0.0"]
    assert told.notes[0].startswith(f"waiting for process {holder.pid} (")


def test_giving_up_names_the_holder_and_keeps_what_is_owed(project: Project) -> None:
    from hfver.owed import do_owed, intend

    with holding(lock_file(project)) as holder, project.opened() as (workspace, client):
        intend(workspace, ["v1.0.0"], "test")
        with pytest.raises(LockBusyError, match=f"^process {holder.pid} .* works on this clone and holds ") as caught:
            do_owed(workspace, client, project.told, patience=SOON)
        assert caught.value.hints[-1].startswith("hfver push ")
        holder.stop()
        with pytest.raises(LockBusyError, match=f"^process {holder.pid} .* stands still") as caught:
            do_owed(workspace, client, project.told, patience=STOPPED)
        assert caught.value.hints[1] == f"kill -KILL {holder.pid}    (it ends)"
        (owed,) = workspace.outbox.entries().owed
        assert (owed.name, owed.attempts) == ("v1.0.0", 0)
        holder.kill()
        assert [one.tag for one in do_owed(workspace, client, project.told, patience=SOON).released] == ["v1.0.0"]


def test_the_hook_says_it_and_the_tag_stays(
    project: Project, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from hfver.owed import intend

    for name, value in project.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("hfver.locks.ATTENDED", SOON)
    with holding(lock_file(project)) as holder:
        with project.opened() as (workspace, _):
            intend(workspace, ["v1.0.0"], "test")
        assert publish_owed(project.top, progress=True, tags=["v1.0.0"]) == 1
        said = capfd.readouterr().err
        assert f"Error: process {holder.pid} (" in said
        assert "The tag stays; `hfver push` releases it." in said
    assert publish_owed(project.top, progress=True, tags=["v1.0.0"]) == 0
    assert "v1.0.0 released" in capfd.readouterr().err
    assert git(project.top, "tag") == "v1.0.0"


def test_somebody_who_looks_on_waits_ten_minutes_and_nobody_for_as_long_as_it_takes() -> None:
    assert (ATTENDED.longest, ATTENDED.stopped, ATTENDED.unnoticed, ATTENDED.again) == (600, 10, 1, 30)
    assert (UNATTENDED.longest, UNATTENDED.stopped) == (None, 3600)
