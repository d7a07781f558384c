"""A Hub as the only store: content comes back from releases, and may go from the cache because of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from dvc.repo import Repo
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfver.checkout.bring import Options, bring
from hfver.checkout.pull import Pulled, pull
from hfver.collect import CollectPlan, collect, prepare_collect
from hfver.errors import IntegrityError, RefusedError
from hfver.local_hub.serve import EmbeddedHub
from hfver.reporting import Silent
from tests.support.damage import objects, wipe
from tests.support.gitting import git
from tests.support.hub import HubForTests
from tests.support.project import Project, new_project

VERSIONS = {
    "v1.0.0": {"w": "one", "shared": "s", "a/b c": "x"},
    "v1.1.0": {"w": "two", "shared": "s"},
    "v2.0.0": {"w": "three", "renamed": "x"},
}


@pytest.fixture(scope="module")
def released_once(tmp_path_factory: pytest.TempPathFactory, hub_server: EmbeddedHub) -> Project:
    """Three releases, then a commit with new content that is released nowhere."""
    project = new_project(tmp_path_factory.mktemp("pull") / "repo", HubForTests(hub_server), mirror=False)
    for tag, files in VERSIONS.items():
        project.train(files)
        project.tag(tag)
        project.release(tag)
    project.train({"w": "unreleased", "shared": "s"})
    return project


@pytest.fixture
def project(released_once: Project, tmp_path: Path) -> Project:
    shutil.copytree(released_once.top, tmp_path / "repo", symlinks=True)
    return Project(tmp_path / "repo", released_once.hub, released_once.repo_id)


def run_pull(project: Project, version: str | None = None, *, everything: bool = False) -> tuple[Pulled, ...]:
    with project.opened() as (workspace, _):
        return pull(workspace, version, (), Silent(), everything=everything)


def run_collect(project: Project, *, dry_run: bool = False) -> CollectPlan:
    with project.opened() as (workspace, hub):
        cache, plan, failed = prepare_collect(workspace, hub)
        assert failed == ()
        if not dry_run:
            collect(cache, plan)
        return plan


def check_out(project: Project, version: str) -> dict[str, str]:
    with project.opened() as (workspace, _):
        bring(workspace, Options(version), Silent())
    model = project.top / "model"
    return {str(path.relative_to(model)): path.read_text() for path in model.rglob("*") if path.is_file()}


def cache_of(project: Project) -> Path:
    return project.top / ".dvc" / "cache"


def test_pull_fills_the_cache_for_the_workspaces_own_pointers(project: Project) -> None:
    git(project.top, "checkout", "--quiet", "v1.1.0")
    shutil.rmtree(project.top / "model")
    wipe(cache_of(project))
    (done,) = run_pull(project)
    assert done.sources == {f"the Hub ({project.repo_id})": 2}
    with Repo(str(project.top)) as repo:
        repo.checkout()
        assert repo.status() == {}
    assert (project.top / "model" / "w").read_text() == "two"


def test_pull_of_a_version_leaves_the_workspace_alone(project: Project) -> None:
    wipe(cache_of(project))
    run_pull(project, "v1.0.0")
    assert {path.read_text() for path in objects(cache_of(project))} == {"one", "s", "x"}
    assert (project.top / "model" / "w").read_text() == "unreleased"
    assert run_pull(project, "v1.0.0")[0].sources == {}


def test_pull_of_content_no_release_has_says_so(project: Project) -> None:
    wipe(cache_of(project))
    shutil.rmtree(project.top / "model")
    with pytest.raises(IntegrityError, match="the list of files of model at the workspace"):
        run_pull(project)
    (done,) = run_pull(project, everything=True)
    assert done.error is not None


def test_gc_drops_what_releases_hold_and_keeps_the_rest(project: Project) -> None:
    plan = run_collect(project, dry_run=True)
    assert {(item.release, item.path) for item in plan.drop} == {("v2.0.0", "w"), ("v2.0.0", "renamed"),
                                                                 ("v1.1.0", "w"), ("v1.0.0", "w")}  # fmt: skip
    assert plan.kept_in_use == 1  # "s", which two of the releases hold
    assert len(list(objects(cache_of(project)))) == 6
    run_collect(project)
    assert {path.read_text() for path in objects(cache_of(project))} == {"unreleased", "s"}
    with Repo(str(project.top)) as repo:
        assert repo.status() == {}
    assert run_collect(project).drop == ()


def test_gc_believes_no_release_that_does_not_verify(project: Project, hub: HubForTests) -> None:
    other = new_project(project.top.parent / "other", hub, mirror=False)
    other.train({"w": "mine"})
    other.tag("v1.0.0")
    other.release("v1.0.0")
    other.train({"w": "next"})
    api = other.hub.api
    api.delete_tag(other.repo_id, tag="v1.0.0")
    api.upload_file(path_or_fileobj=b"evil", path_in_repo="w", repo_id=other.repo_id)
    api.create_tag(other.repo_id, tag="v1.0.0", revision="main")
    with other.opened() as (workspace, client):
        _, plan, failed = prepare_collect(workspace, client)
    assert plan.drop == ()
    assert [proof.tag for proof in failed] == ["v1.0.0"]


def test_gc_leaves_a_shared_cache_alone(project: Project, tmp_path: Path) -> None:
    (project.top / ".dvc" / "config.local").write_text(f"[cache]\n    dir = {tmp_path / 'shared'}\n")
    with pytest.raises(RefusedError, match="lies outside this repository"):
        run_collect(project)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations([*VERSIONS, "main"]), st.integers(0, 3))
def test_every_released_version_still_checks_out_after_gc(project: Project, order: list[str], at: int) -> None:
    expected = {**VERSIONS, "main": {"w": "unreleased", "shared": "s"}}
    for number, version in enumerate(order):
        assert check_out(project, version) == expected[version]
        if number == at:
            run_collect(project)
    check_out(project, "main")
