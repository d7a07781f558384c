"""``hfver.record_run``: the record of a run on disk, in the configs repository, and in a later sync."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import hfver
from hfver import HuggingFaceManager
from hfver.errors import RefusedError, UsageError
from tests.support.gitting import git
from tests.support.hub import HubForTests
from tests.support.project import Project, new_project


@pytest.fixture
def project(tmp_path: Path, hub: HubForTests, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = new_project(tmp_path / "repo", hub)
    monkeypatch.chdir(made.top)
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    return made


def written(run: hfver.RecordedRun) -> dict[str, Any]:
    assert run.path is not None
    found: dict[str, Any] = json.loads(run.path.read_text(encoding="utf-8"))
    return found


def on_the_hub(project: Project, path: str) -> Any:
    with project.opened() as (_, client):
        raw = client.read(f"{project.repo_id}-configs", "main", path, limit=10**6)
    return None if raw is None else json.loads(raw)


def test_a_run_is_written_with_its_params_metrics_and_files(project: Project) -> None:
    (project.top / "plots").mkdir()
    (project.top / "plots" / "损失.svg").write_text("<svg/>")
    (project.top / "notes.txt").write_text("good")
    run = hfver.record_run("baseline", params={"lr": 0.1}, metrics={"accuracy": 0.9}, files=["plots", "notes.txt"])
    assert run.path == project.top / "experiments" / "baseline" / "experiment_metadata.json"
    assert written(run)["training_params"] == {"lr": 0.1}
    assert written(run)["eval_results"] == {"accuracy": 0.9}
    assert written(run)["git_commit"] == git(project.top, "rev-parse", "HEAD")
    assert {path.name for path in (run.path.parent / "results").iterdir()} == {"损失.svg", "notes.txt"}
    assert (run.path.parent / "config.yaml").read_bytes() == (project.top / "config.yaml").read_bytes()
    assert run.urls == {}


def test_two_files_of_one_name_are_not_one_file(project: Project) -> None:
    for folder in ("train", "eval"):
        (project.top / folder).mkdir()
        (project.top / folder / "loss.svg").write_text(folder)
    with pytest.raises(UsageError, match=r"^eval/loss\.svg: there is another loss\.svg among the files$"):
        hfver.record_run("baseline", files=["train/loss.svg", "eval/loss.svg"])
    assert not (project.top / "experiments").exists()


def test_given_params_go_before_those_in_files_and_secrets_are_left_out(project: Project) -> None:
    (project.top / "params.yaml").write_text("lr: 0.5\nepochs: 3\n")
    run = hfver.record_run("baseline", params={"lr": 0.1, "api_key": "abc"})
    assert written(run)["training_params"]["lr"] == 0.1
    assert written(run)["training_params"]["epochs"] == 3
    assert "abc" not in json.dumps(written(run))


def test_result_files_bring_their_metrics(project: Project) -> None:
    (project.top / "eval_results.json").write_text('{"f1": 0.5, "accuracy": 0.7}')
    run = hfver.record_run("baseline", metrics={"accuracy": 0.9}, files=["eval_results.json"])
    assert written(run)["eval_results"] == {"accuracy": 0.9, "f1": 0.5}


def test_sent_at_once_it_stands_in_the_configs_repository(project: Project) -> None:
    run = hfver.record_run("baseline", metrics={"accuracy": 0.9}, send=True)
    assert run.urls["experiment_url"].endswith("-configs/tree/main/experiments/baseline")
    assert on_the_hub(project, "experiments/baseline/experiment_metadata.json") == written(run)


def test_a_sync_keeps_what_was_recorded_before(project: Project) -> None:
    hfver.record_run("baseline", params={"lr": 0.1}, metrics={"f1": 0.5, "accuracy": 0.1})
    project.write({"model.bin": "weights", "eval_results.json": '{"accuracy": 0.9}'})
    HuggingFaceManager().sync_training_workflow("model", "baseline", "v1.0.0", params={"seed": 7})
    found = on_the_hub(project, "experiments/baseline/experiment_metadata.json")
    assert found["training_params"] == {"lr": 0.1, "seed": 7}
    listed = HuggingFaceManager().list_experiments()[0]
    assert listed.metrics["accuracy"] == 0.9  # what the model itself says is newer


def test_switched_off_nothing_is_written(project: Project) -> None:
    main = project.top / "config.yaml"
    main.write_text(main.read_text() + "  experiment_tracking: {enabled: false}\n")
    assert hfver.record_run("baseline", metrics={"accuracy": 0.9}) == hfver.RecordedRun("baseline", None)
    assert not (project.top / "experiments").exists()


def test_a_name_that_is_no_path_and_a_file_that_is_missing_are_refused(project: Project) -> None:
    with pytest.raises(UsageError, match="cannot name an experiment"):
        hfver.record_run("../escape")
    with pytest.raises(UsageError, match=r"missing\.png does not exist"):
        hfver.record_run("baseline", files=["missing.png"])
    assert not (project.top / "experiments").exists()


def test_what_looks_like_a_token_is_not_sent(project: Project) -> None:
    (project.top / "log.txt").write_text("token hf_" + "aB1" * 12)
    with pytest.raises(RefusedError, match="Hugging Face token"):
        hfver.record_run("baseline", files=["log.txt"], send=True)
