"""A release brings its configs, parameters and metrics along; what the mirror is owed stays owed until it is done."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hfver.owed import Work, do_owed, intend
from hfver.receipt import ConfigsRevision
from tests.support.gitting import git
from tests.support.hub import HubForTests
from tests.support.project import Project, new_project


@pytest.fixture
def project(tmp_path: Path, hub: HubForTests) -> Project:
    return new_project(tmp_path / "repo", hub)


def push(project: Project, *tags: str) -> Work:
    with project.opened() as (workspace, client):
        intend(workspace, tags, "test")
        return do_owed(workspace, client, project.told)


def owed(project: Project) -> list[tuple[str, str]]:
    with project.opened() as (workspace, _):
        return [(entry.kind, entry.name) for entry in workspace.outbox.entries().owed]


def receipt(project: Project, tag: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(project.hub_bytes(tag, ".hfver/release.json"))
    return found


def mirror_files(project: Project, revision: str) -> list[str]:
    return sorted(project.hub.api.list_repo_files(f"{project.repo_id}-configs", revision=revision))


def test_a_release_has_its_configs_under_the_same_tag(project: Project) -> None:
    project.train({"model.bin": "one"})
    project.tag("v1.0.0", message="First")
    work = push(project, "v1.0.0")
    assert [outcome.tag for outcome in work.released] == ["v1.0.0"]
    assert [step.repo for step in work.mirrored] == [f"{project.repo_id}-configs"] * 2
    assert mirror_files(project, "v1.0.0") == [
        ".gitattributes", "README.md", "configs/config.yaml", "configs/configs/huggingface_config.yaml",
        "releases/v1.0.0.json",
    ]  # fmt: skip
    assert receipt(project, "v1.0.0")["configs"] == {"repo": f"{project.repo_id}-configs", "revision": "v1.0.0"}
    assert ConfigsRevision(f"{project.repo_id}-configs", "v1.0.0").revision == "v1.0.0"
    card = project.hub_bytes("v1.0.0", "README.md").decode()
    assert f"[{project.repo_id}-configs](/{project.repo_id}-configs/tree/v1.0.0)" in card
    again = push(project, "v1.0.0")
    assert (again.mirrored, again.failed, owed(project)) == ((), (), [])


def test_parameters_and_metrics_reach_the_receipt_and_the_card(project: Project) -> None:
    (project.top / "params.yaml").write_text("lr: 0.1\n")
    project.train({"model.bin": "one", "eval_results.json": '{"accuracy": 0.875}'})
    project.tag("v1.0.0")
    push(project, "v1.0.0")
    found = receipt(project, "v1.0.0")
    assert (found["params"], found["metrics"]) == ({"lr": 0.1}, {"accuracy": 0.875})
    card = project.hub_bytes("v1.0.0", "README.md").decode()
    assert "| accuracy | 0.875 |" in card
    assert "value: 0.875" in card


def test_a_clone_without_the_models_bytes_tells_the_same_facts(project: Project, tmp_path: Path) -> None:
    project.train({"model.bin": "one", "eval_results.json": '{"accuracy": 0.875}'})
    project.tag("v1.0.0")
    push(project, "v1.0.0")
    (project.top / "params.yaml").write_text("lr: 0.2\n")
    project.commit("New parameters")
    project.tag("v1.0.1")
    clone = project.clone(tmp_path / "clone")
    (listing,) = project.top.glob(".dvc/cache/files/md5/*/*.dir")
    kept = clone.top / listing.relative_to(project.top)
    kept.parent.mkdir(parents=True)
    kept.write_bytes(listing.read_bytes())
    clone.release("v1.0.1", allow_same=True)
    assert receipt(project, "v1.0.1")["metrics"] == {"accuracy": 0.875}


def test_metrics_can_be_left_out(project: Project) -> None:
    main = (project.top / "config.yaml").read_text() + "  experiment_tracking: {include_metrics: false}\n"
    (project.top / "config.yaml").write_text(main)
    project.train({"model.bin": "one", "eval_results.json": '{"accuracy": 0.875}'})
    project.tag("v1.0.0")
    push(project, "v1.0.0")
    assert receipt(project, "v1.0.0")["metrics"] == {}
    assert "accuracy" not in project.hub_bytes("v1.0.0", "README.md").decode()


def test_without_config_among_the_upload_items_there_is_no_mirror(project: Project) -> None:
    main = (project.top / "config.yaml").read_text() + "  upload_items: [model]\n"
    (project.top / "config.yaml").write_text(main)
    project.train({"model.bin": "one"})
    project.tag("v1.0.0")
    work = push(project, "v1.0.0")
    assert (work.mirrored, owed(project)) == ((), [])
    assert not project.hub.api.repo_exists(f"{project.repo_id}-configs")
    assert receipt(project, "v1.0.0")["configs"] is None


def test_a_mirror_that_cannot_be_made_stays_owed_and_the_release_stands(project: Project) -> None:
    main = project.top / "config.yaml"
    main.write_text(main.read_text() + "    auto_create: false\n")
    project.train({"model.bin": "one"})
    project.hub.api.create_repo(project.repo_id, private=True)
    project.tag("v1.0.0")
    work = push(project, "v1.0.0")
    assert [outcome.tag for outcome in work.released] == ["v1.0.0"]
    assert [(failure.kind, failure.tag) for failure in work.failed] == [("mirror", "v1.0.0")]
    assert f"{project.repo_id}-configs does not exist on the Hub" in work.failed[0].error.message
    assert owed(project) == [("mirror", "v1.0.0")]
    project.hub.api.create_repo(f"{project.repo_id}-configs", private=True)
    again = push(project, "v1.0.0")
    assert (len(again.mirrored), again.failed, owed(project)) == (2, (), [])


def test_a_branch_that_moved_is_mirrored_when_the_owed_is_done(project: Project) -> None:
    from hfver.outbox import Owed

    project.train({"model.bin": "one"})
    (project.top / "configs" / "more.yaml").write_text("x: 1\n")
    tip = project.commit("More")
    with project.opened() as (workspace, client):
        entry = Owed("mirror", "refs/heads/main", tip, "", str(project.top), "test", "2026-01-01T00:00:00+00:00")
        workspace.outbox.add(entry)
        work = do_owed(workspace, client, project.told)
    assert len(work.mirrored) == 1
    assert "configs/configs/more.yaml" in mirror_files(project, "main")
    assert owed(project) == []


def test_a_deleted_tag_owes_no_mirror(project: Project) -> None:
    project.train({"model.bin": "one"})
    project.tag("v1.0.0")
    with project.opened() as (workspace, _):
        (entry,) = intend(workspace, ["v1.0.0"], "test")
        from hfver.mirror.owed import owe_release_mirror

        workspace.outbox.done(entry)
        owe_release_mirror(workspace, entry)
    git(project.top, "tag", "-d", "v1.0.0")
    assert push(project) == Work()
    assert owed(project) == []


@pytest.mark.parametrize("name", [b"\xff.yaml", b"new\nline.yaml", b"\x01.yaml"])
def test_a_config_whose_name_no_hub_can_hold_stays_behind(project: Project, name: bytes) -> None:
    project.train({"model.bin": "1"})
    for odd in (name, "-é \"q'.yaml".encode()):
        (project.top / "configs" / os.fsdecode(odd)).write_text("a: 1\n")
    project.commit()
    project.tag("v1.0.0")
    work = push(project, "v1.0.0")
    assert not work.failed
    assert {path for path in mirror_files(project, "v1.0.0") if path.startswith("configs/configs/")} == {
        "configs/configs/huggingface_config.yaml",
        "configs/configs/-é \"q'.yaml",
    }
