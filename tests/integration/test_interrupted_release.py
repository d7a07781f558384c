"""A release cut short at any point is finished by running it again, and ends as if nothing had happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hfver.errors import UnreachableError
from hfver.locks import NONE
from hfver.trailers import parse_trailers
from tests.support.gitting import git
from tests.support.hub import HubForTests, running_hub
from tests.support.project import Project, new_project
from tests.support.together import together

STEPS = ("locate", "repository", "visibility", "branch", "content", "receipt", "commit", "tag")
COMMIT = r"/commit/"
TAG = r"/tag/"


class Crash(BaseException):
    """The process dies here."""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[HubForTests]:
    with running_hub(tmp_path / "store") as hub:
        yield hub


@pytest.fixture
def project(tmp_path: Path, hub: HubForTests) -> Project:
    return new_project(tmp_path / "project", hub)


def crash_after(step: str) -> Callable[[str], None]:
    def checkpoint(done: str) -> None:
        if done == step:
            raise Crash(step)

    return checkpoint


def shape(project: Project) -> tuple[dict[str, list[str]], dict[str, bytes]]:
    """What a Hub repository holds, without ids and dates: titles of every line, and the model of every tag."""
    state = project.hub_state()
    lines = {branch: [commit.title for commit in line] for branch, line in state.lines.items()}
    return lines, {tag: project.hub_bytes(tag, "model.bin") for tag in state.refs.tags}


def history(project: Project) -> list[str]:
    """Three versions, the last of them a hotfix that needs a branch; returns the tags in the order of release."""
    first = project.train({"model.bin": "1", "config.json": "{}"})
    project.tag("v1.0.0")
    project.train({"model.bin": "2", "config.json": "{}"})
    project.tag("v2.0.0")
    git(project.top, "checkout", "--quiet", "-b", "fix", first)
    project.train({"model.bin": "1.0.1", "config.json": "{}"})
    project.tag("v1.0.1")
    return ["v1.0.0", "v2.0.0", "v1.0.1"]


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_after_any_step_of_any_release_is_healed_by_running_again(
    project: Project, tmp_path: Path, step: str
) -> None:
    for tag in history(project):
        with pytest.raises(Crash):
            project.release(tag, checkpoint=crash_after(step))
        project.release(tag)
    undisturbed = new_project(tmp_path / "undisturbed", HubForTests(project.hub.server))
    for tag in history(undisturbed):
        undisturbed.release(tag)
    assert shape(project) == shape(undisturbed)


@pytest.mark.parametrize("work_first", [False, True], ids=["the request was lost", "the answer was lost"])
@pytest.mark.parametrize("route", [COMMIT, TAG], ids=["commit", "tag"])
def test_an_unknown_outcome_is_looked_up_before_anything_is_tried_again(
    tmp_path: Path, own: HubForTests, route: str, work_first: bool
) -> None:
    project = new_project(tmp_path / "project", own)
    project.train({"model.bin": "1"})
    project.tag("v1.0.0")
    own.faults.fail("POST", route, 500, work_first=work_first)
    try:
        project.release("v1.0.0")
    except UnreachableError:
        project.release("v1.0.0")
    line = project.hub_state().lines["main"]
    assert [commit.title for commit in line] == ["v1.0.0: Train", "initial commit"]
    assert project.hub_state().refs.tags == {"v1.0.0": line[0].sha}


def test_a_cut_connection_after_the_commit_was_made_makes_no_second_commit(tmp_path: Path, own: HubForTests) -> None:
    project = new_project(tmp_path / "project", own)
    project.train({"model.bin": "1"})
    project.tag("v1.0.0")
    own.faults.cut("POST", COMMIT, work_first=True)
    project.release("v1.0.0")
    assert len(project.hub_state().lines["main"]) == 2


def test_a_rate_limited_hub_is_asked_again_after_the_time_it_names(tmp_path: Path, own: HubForTests) -> None:
    project = new_project(tmp_path / "project", own)
    config = project.top / "configs" / "huggingface_config.yaml"
    config.write_text(config.read_text().replace("max_retries: 0", "max_retries: 10"), encoding="utf-8")
    project.train({"model.bin": "1"})
    project.tag("v1.0.0")
    own.faults.fail("POST", COMMIT, 429, headers={"Retry-After": "1"})
    project.release("v1.0.0")
    assert any("trying again in 1 s" in warning for warning in project.told.warnings)


def many_versions(project: Project) -> list[str]:
    tags = [f"v1.{number}.0" for number in range(4)]
    for tag in tags:
        project.train({"model.bin": tag})
        project.tag(tag)
    return tags


def test_many_releases_go_on_when_the_hub_takes_commits_again(tmp_path: Path, own: HubForTests) -> None:
    from hfver.owed import do_owed, intend

    project = new_project(tmp_path / "project", own, mirror=False)
    tags = many_versions(project)
    limit = {"RateLimit": '"api";r=0;t=1500', "Retry-After": "1"}
    own.faults.fail("POST", COMMIT, 429, nth=2, headers=limit)
    own.faults.fail("POST", COMMIT, 429, nth=3, headers=limit)
    pauses = []
    with project.opened() as (workspace, client):

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            with workspace.outbox.lock(NONE):  # others may work meanwhile
                pass

        intend(workspace, tags, "test")
        work = do_owed(workspace, client, project.told, patient=True, sleep=sleep)
    assert [outcome.tag for outcome in work.released] == tags
    assert work.failed == ()
    assert pauses == [1501, 1501]
    assert "The Hub takes no more for now; going on at " in project.told.notes[0]
    assert project.hub_state().refs.branches.keys() == {"main"}


def test_a_wait_that_brings_nothing_is_the_last(tmp_path: Path, own: HubForTests) -> None:
    from hfver.owed import do_owed, intend

    project = new_project(tmp_path / "project", own, mirror=False)
    tags = many_versions(project)
    own.faults.fail("POST", COMMIT, 429, times=100, headers={"Retry-After": "900"})
    pauses: list[float] = []
    with project.opened() as (workspace, client):
        intend(workspace, tags, "test")
        work = do_owed(workspace, client, project.told, patient=True, sleep=pauses.append)
        assert len(workspace.outbox.entries().owed) == 4
    assert pauses == [900]
    assert [failure.tag for failure in work.failed] == ["v1.0.0"]


def test_a_single_release_does_not_wait_for_an_hour(tmp_path: Path, own: HubForTests) -> None:
    from hfver.owed import do_owed, intend

    project = new_project(tmp_path / "project", own, mirror=False)
    tags = many_versions(project)
    own.faults.fail("POST", COMMIT, 429, headers={"Retry-After": "900"})
    with project.opened() as (workspace, client):
        intend(workspace, tags[:1], "test")
        work = do_owed(workspace, client, project.told)
    assert [type(failure.error).__name__ for failure in work.failed] == ["UnreachableError"]


def test_two_clones_that_release_the_same_tag_at_once_make_one_release(project: Project, tmp_path: Path) -> None:
    project.train({"model.bin": "1"})
    project.tag("v1.0.0")
    clones = [project.clone(tmp_path / f"clone{number}") for number in range(2)]
    for clone in clones:
        share_cache(project, clone)
    results = together(*(lambda clone=clone: clone.release("v1.0.0") for clone in clones))
    assert [result for result in results if isinstance(result, Exception)] == []
    state = project.hub_state()
    assert [commit.title for commit in state.lines["main"]] == ["v1.0.0: Train", "initial commit"]
    assert state.refs.tags == {"v1.0.0": state.lines["main"][0].sha}


def test_a_repository_somebody_else_creates_meanwhile_is_planned_for_again(project: Project, tmp_path: Path) -> None:
    project.train({"model.bin": "1", "only-in-the-old.txt": "1"})
    project.tag("v1.0.0")
    project.train({"model.bin": "2"})
    project.tag("v1.1.0")
    other = project.clone(tmp_path / "other")
    share_cache(project, other)

    def be_overtaken(step: str) -> None:
        if step == "locate" and not project.hub.api.repo_exists(project.repo_id):
            other.release("v1.0.0")

    project.release("v1.1.0", checkpoint=be_overtaken)
    assert "only-in-the-old.txt" not in project.hub_files("v1.1.0")
    assert [commit.title for commit in project.hub_state().lines["main"]] == [
        "v1.1.0: Train",
        "v1.0.0: Train",
        "initial commit",
    ]


def test_eight_clones_that_release_different_tags_at_once_make_eight_releases(project: Project, tmp_path: Path) -> None:
    tags = [f"v1.{number}.0" for number in range(8)]
    for tag in tags:
        project.train({"model.bin": tag})
        project.tag(tag)
    clones = {tag: project.clone(tmp_path / f"clone-{tag}") for tag in tags}
    for clone in clones.values():
        share_cache(project, clone)
    results = together(*(lambda tag=tag: clones[tag].release(tag) for tag in tags))
    assert [result for result in results if isinstance(result, Exception)] == []
    state = project.hub_state()
    assert set(state.refs.tags) == set(tags)
    for tag in tags:
        assert project.hub_bytes(tag, "model.bin") == tag.encode()
    # Whoever came first, main only ever moved on: its releases are in git's order.
    on_main = [trailers.tag for commit in state.lines["main"] if (trailers := parse_trailers(commit.description))]
    assert on_main == sorted(on_main, reverse=True)


def share_cache(project: Project, clone: Project) -> None:
    git(clone.top, "config", "--local", "core.fsmonitor", "false")
    (clone.top / ".dvc" / "config.local").write_text(
        f"[cache]\n    dir = {project.top / '.dvc' / 'cache'}\n", encoding="utf-8"
    )
