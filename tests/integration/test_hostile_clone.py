"""What anybody's pull request may hold neither keeps a release busy nor eats the memory; it is named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hfver.errors import RefusedError, StateError
from hfver.workspace import open_workspace
from tests.support.gitting import git
from tests.support.hub import HubForTests, running_hub
from tests.support.project import Project, new_project
from tests.unit.test_yaml_bounds import ALIASED, laughs


@pytest.fixture
def own(tmp_path: Path) -> Iterator[HubForTests]:
    with running_hub(tmp_path / "store") as hub:
        yield hub


@pytest.fixture
def project(tmp_path: Path, own: HubForTests) -> Project:
    project = new_project(tmp_path / "project", own, mirror=False)
    project.train({"config.json": "{}", "vocab.txt": "x"})
    return project


def test_a_release_names_what_it_left_out_and_is_made(project: Project) -> None:
    for name in ("params.yaml", "dvc.yaml", "dvc.lock"):
        (project.top / name).write_bytes(laughs(9))
    (project.top / "metrics.json").write_text("[" * 100_000)
    (project.top / "eval_results.json").write_bytes(b'{"f1": 0.5}' + b" " * 20_000_000)
    (project.top / "dvclive").mkdir()
    (project.top / "dvclive" / "params.yaml").write_text("base: &b {lr: 0.1}\nrun: {<<: *b, seed: 1}\n")
    project.commit("From a pull request")
    project.tag("v1.0.0")
    outcome = project.release("v1.0.0")
    left_out = "its parameters and metrics are left out"
    assert outcome.warnings == (
        f"dvc.lock {ALIASED} (line 6): {left_out}",
        f"dvc.yaml {ALIASED} (line 6): {left_out}",
        f"params.yaml {ALIASED} (line 6): {left_out}",
        f"metrics.json is nested more than 40 levels deep: {left_out}",
        f"eval_results.json at v1.0.0 is 20,000,011 bytes; at most 16,777,216 are read: {left_out}",
    )
    receipt = project.hub_bytes("v1.0.0", ".hfver/release.json").decode()
    assert '"run": {\n' in receipt or '"run":{' in receipt
    assert "f1" not in receipt


def test_a_link_to_a_device_is_not_followed_in_the_work_tree(project: Project) -> None:
    from hfver.adapters.git_tree import WorkTree
    from hfver.experiments.run_facts import read_facts
    from hfver.hooks.repo import find_repo
    from hfver.hooks.settings import work_tree_settings

    os.mkfifo(project.top / "params.yaml")
    (project.top / "metrics.json").symlink_to("/dev/zero")
    with project.opened() as (workspace, _):
        said = "\n".join(read_facts(WorkTree(workspace.repo)).problems)
    assert "params.yaml is a device or a pipe, not a file: its parameters and metrics are left out" in said
    assert "metrics.json leads out of the repository (to /dev/zero): it is not read" in said
    (project.top / "config.yaml").unlink()
    (project.top / "config.yaml").symlink_to("/dev/zero")
    assert not work_tree_settings(find_repo(project.top)).configured
    with open_workspace(project.top) as workspace, pytest.raises(StateError, match="is a device or a pipe, not a"):
        _ = workspace.config


def test_a_configuration_file_too_large_for_the_configs_repository_is_refused_by_name(
    tmp_path: Path, own: HubForTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hfver.mirror.branch import configs_repo, mirror_branch

    project = new_project(tmp_path / "other", own)
    (project.top / "configs" / "data.bin").write_bytes(b"\0" * 5000)
    project.commit("Data among the configs")
    monkeypatch.setattr("hfver.mirror.branch.LARGEST_MIRRORED", 4000)
    with project.opened() as (workspace, client):
        config = workspace.config
        repo = configs_repo(client, config, config.models[0])
        with pytest.raises(
            RefusedError, match=r"^configs/data\.bin is not for the configs repository: .* 5,000 bytes"
        ) as caught:
            mirror_branch(workspace.repo, config, repo, "main", git(project.top, "rev-parse", "HEAD"))
    assert caught.value.hints[0] == "leave it out: mirror.exclude: [configs/data.bin]"
