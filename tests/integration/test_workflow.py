"""The training workflow: `HuggingFaceManager` on the embedded hub, with real git and real DVC."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hfver import HuggingFaceManager
from hfver.errors import ConfigError, RefusedError, StateError, UnreachableError, UsageError
from hfver.training.operations import peak_memory
from tests.support.gitting import git
from tests.support.hub import HubForTests
from tests.support.project import Project, new_project


@pytest.fixture
def project(tmp_path: Path, hub: HubForTests, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = new_project(tmp_path / "repo", hub)
    main = made.top / "config.yaml"
    main.write_text(main.read_text().replace("    model_path: model\n", "") + "training: {lr: 0.1}\n")
    made.commit("No fixed place for the model")
    monkeypatch.chdir(made.top)
    return made


def manager(project: Project) -> HuggingFaceManager:
    return HuggingFaceManager("config.yaml", environ=project.environ, reporter=project.told)


def model(project: Project, name: str = "model", text: str = "weights", **results: float) -> Path:
    place = project.top / name
    place.mkdir(exist_ok=True)
    (place / "model.bin").write_text(text)
    if results:
        (place / "eval_results.json").write_text(json.dumps(results))
    return place


def mirror(project: Project, revision: str = "main") -> list[str]:
    return sorted(project.hub.api.list_repo_files(f"{project.repo_id}-configs", revision=revision))


def record(project: Project, name: str) -> dict[str, Any]:
    with project.opened() as (_, client):
        path = f"experiments/{name}/experiment_metadata.json"
        raw = client.read(f"{project.repo_id}-configs", "main", path, limit=10**6)
    assert raw is not None
    found: dict[str, Any] = json.loads(raw)
    return found


def test_a_sync_releases_the_model_with_its_config_results_and_record(project: Project) -> None:
    model(project, accuracy=0.9)
    urls = manager(project).sync_training_workflow("./model", "baseline", version_tag="v1.0.0", private=True)
    base = f"{project.hub.endpoint}/{project.repo_id}"
    assert urls == {
        "model_url": f"{base}/tree/v1.0.0",
        "config_url": f"{base}-configs/blob/main/experiments/baseline/config.yaml",
        "results_url": f"{base}-configs/tree/main/experiments/baseline/results",
        "experiment_url": f"{base}-configs/tree/main/experiments/baseline",
        "version": "v1.0.0",
    }
    assert project.hub_bytes("v1.0.0", "model.bin") == b"weights"
    assert set(mirror(project, "v1.0.0")) >= {
        "experiments/baseline/config.yaml",
        "experiments/baseline/experiment_metadata.json",
        "experiments/baseline/results/eval_results.json",
        "releases/v1.0.0.json",
        "configs/config.yaml",
    }
    found = record(project, "baseline")
    assert found["eval_results"] == {"accuracy": 0.9}
    assert found["training_params"] == {"lr": 0.1}
    assert found["git_commit"] == git(project.top, "rev-parse", "v1.0.0^{commit}")
    assert git(project.top, "cat-file", "-t", "v1.0.0") == "tag"
    assert git(project.top, "status", "--porcelain") == ""


def test_only_the_pointer_is_committed_and_other_work_stays_as_it_was(project: Project) -> None:
    (project.top / "staged.txt").write_text("staged")
    git(project.top, "add", "staged.txt")
    (project.top / "config.yaml").write_text((project.top / "config.yaml").read_text() + "# edited\n")
    (project.top / "new.txt").write_text("untracked")
    model(project)
    manager(project).upload_model("model", "v1.0.0", "Upload fine-tuned model")
    assert git(project.top, "show", "--name-only", "--format=%s", "HEAD").split("\n") == [
        "Upload fine-tuned model", "", ".gitignore", "model.dvc",
    ]  # fmt: skip
    assert git(project.top, "status", "--porcelain").split("\n") == [" M config.yaml", "A  staged.txt", "?? new.txt"]


def test_parameters_that_the_release_will_not_have_are_mentioned(project: Project) -> None:
    (project.top / "params.yaml").write_text("lr: 0.1\n")
    project.commit("Parameters")
    (project.top / "params.yaml").write_text(
        "lr: 0.25\n"
    )  # of another size: git misses a change within a second otherwise
    model(project)
    manager(project).sync_training_workflow("model", "baseline", "v1.0.0")
    told = [text for text in project.told.warnings if "not committed" in text]
    assert told == ["params.yaml has changes that are not committed: the release goes by what is committed"]


def test_no_commit_refuses_what_git_does_not_record(project: Project) -> None:
    model(project)
    with pytest.raises(RefusedError, match="model is not tracked by DVC"):
        manager(project).upload_model("model", "v1.0.0", commit=False)
    project.train({"model.bin": "weights"})
    assert manager(project).upload_model("model", "v1.0.0", commit=False).endswith("/tree/v1.0.0")
    model(project, text="other")
    with pytest.raises(RefusedError, match=r"model has changed since DVC recorded it in model\.dvc"):
        manager(project).upload_model("model", "v1.1.0", commit=False)
    assert git(project.top, "status", "--porcelain") == ""
    assert git(project.top, "tag") == "v1.0.0"


def test_several_experiments_from_several_places_become_versions_of_one_model(project: Project) -> None:
    experiments = [("exp1", "baseline", "v1.0.0"), ("exp2", "optimized", "v1.1.0"), ("exp3", "final", "v2.0.0")]
    for number, (path, name, tag) in enumerate(experiments):
        model(project, path, f"weights {number}", accuracy=[0.7, 0.8, 0.9][number])
        results = manager(project).sync_training_workflow(path, name, tag)
        assert results["model_url"].endswith(tag)
    for number, (_, _, tag) in enumerate(experiments):
        assert project.hub_bytes(tag, "model.bin") == f"weights {number}".encode()
    assert [item["version"] for item in manager(project).list_versions()] == ["v2.0.0", "v1.1.0", "v1.0.0"]
    assert {item["state"] for item in manager(project).list_versions()} == {"aligned"}
    listed = manager(project).list_experiments(sort="-accuracy")
    assert [(one.name, one.metrics["accuracy"]) for one in listed] == [
        ("final", 0.9), ("optimized", 0.8), ("baseline", 0.7),
    ]  # fmt: skip
    assert [one.name for one in manager(project).list_experiments(where="accuracy < 0.75")] == ["baseline"]


def test_versions_are_made_as_configured(project: Project) -> None:
    model(project)
    first = manager(project).sync_training_workflow("model", "baseline")["version"]
    assert len(first) == len("v20240101-120000")
    main = project.top / "config.yaml"
    main.write_text(
        main.read_text().replace("  repository:", "  versioning: {tag_format: 'v{version}'}\n  repository:")
    )
    model(project, text="two")
    assert manager(project).sync_training_workflow("model", "baseline")["version"] == "v0.0.1"
    main.write_text(main.read_text().replace("v{version}", "exp-{experiment_name}-{number:03d}"))
    model(project, text="three")
    assert manager(project).sync_training_workflow("model", "baseline")["version"] == "exp-baseline-001"
    model(project, text="four")
    assert manager(project).sync_training_workflow("model", "baseline")["version"] == "exp-baseline-002"
    details = project.top / "configs/huggingface_config.yaml"
    details.write_text(details.read_text().replace("settings:\n", "settings:\n  auto_versioning: false\n"))
    model(project, text="five")
    with pytest.raises(UsageError, match=r"no version was given, and settings\.auto_versioning is false"):
        manager(project).sync_training_workflow("model", "baseline")


def test_a_model_that_git_tracks_is_named_with_the_command_that_changes_it(project: Project) -> None:
    model(project)
    project.commit("Everything, the model too")
    with pytest.raises(StateError, match="git tracks .*/model itself") as caught:
        manager(project).upload_model("model", "v1.0.0")
    subprocess.run(caught.value.hints[0], shell=True, cwd=project.top, check=True, capture_output=True)
    assert manager(project).upload_model("model", "v1.0.0").endswith("/tree/v1.0.0")
    assert git(project.top, "ls-tree", "-r", "--name-only", "v1.0.0", "model/") == ""
    assert git(project.top, "status", "--porcelain") == ""


def test_results_that_come_later_leave_the_rest_of_the_record(project: Project) -> None:
    place = model(project, accuracy=0.9)
    manager(project).sync_training_workflow("model", "baseline", "v1.0.0")
    before = record(project, "baseline")
    (place / "eval_results.json").write_text('{"accuracy": 0.8, "f1": 0.7}')
    manager(project).upload_training_results(place / "eval_results.json", "baseline")
    assert record(project, "baseline") == {**before, "eval_results": {"accuracy": 0.8, "f1": 0.7}}


def test_a_version_the_hub_could_not_be_told_of_is_owed(project: Project) -> None:
    model(project)
    away = HuggingFaceManager("config.yaml", environ=project.environ | {"HF_ENDPOINT": "http://127.0.0.1:9"})
    with pytest.raises(UnreachableError) as caught:
        away.upload_model("model", "v1.0.0")
    assert caught.value.hints[-1] == "v1.0.0 is kept and owed: hfver push"


def test_a_sync_run_again_goes_on_with_the_version_of_the_first(project: Project) -> None:
    model(project)
    first = manager(project).sync_training_workflow("model", "baseline")["version"]
    (project.top / "notes.txt").write_text("Something else")
    project.commit("Only code")
    assert manager(project).sync_training_workflow("model", "baseline")["version"] == first
    assert git(project.top, "tag") == first
    assert f"model is {first} already, so there is no new version" in project.told.notes
    model(project, text="newer")
    second = manager(project).sync_training_workflow("model", "baseline")["version"]
    assert git(project.top, "tag").split() == sorted([first, second])


def test_a_version_that_exists_is_the_same_model_or_refused(project: Project) -> None:
    model(project)
    manager(project).sync_training_workflow("model", "baseline", "v1.0.0")
    again = manager(project).sync_training_workflow("model", "baseline", "v1.0.0")
    assert again["version"] == "v1.0.0"
    model(project, text="other")
    with pytest.raises(RefusedError, match=r"v1\.0\.0 exists already, with another model"):
        manager(project).sync_training_workflow("model", "baseline", "v1.0.0")
    with pytest.raises(UsageError, match="1.2 is not a version of model: tags look like v{major}"):
        manager(project).sync_training_workflow("model", "baseline", "1.2")


def test_a_condition_decides_whether_anything_happens(project: Project) -> None:
    model(project, accuracy=0.7)
    before = git(project.top, "rev-parse", "HEAD")
    assert manager(project).sync_training_workflow("model", "a", "v1.0.0", condition="accuracy > 0.8") == {}
    assert (git(project.top, "rev-parse", "HEAD"), git(project.top, "tag")) == (before, "")
    model(project, accuracy=0.9)
    assert manager(project).sync_training_workflow("model", "a", "v1.0.0", condition="accuracy > 0.8")["version"]
    with pytest.raises(UsageError, match="there is no metric 'f1'; there are accuracy"):
        manager(project).sync_training_workflow("model", "a", "v1.0.1", condition="f1 > 0.8")


def test_switched_off_means_nothing_happens_unless_forced(project: Project) -> None:
    main = project.top / "config.yaml"
    main.write_text(main.read_text().replace("huggingface:\n", "huggingface:\n  enabled: false\n"))
    model(project)
    assert manager(project).sync_training_workflow("model", "a", "v1.0.0") == {}
    assert manager(project).sync_training_workflow("model", "a", "v1.0.0", force=True)["version"] == "v1.0.0"


def test_the_steps_work_one_by_one(project: Project) -> None:
    place = model(project, accuracy=0.9)
    one = manager(project)
    repos = one.create_repositories(private=True)
    assert set(repos) == {"model_repo", "config_repo"}
    assert project.hub.api.model_info(project.repo_id).private
    assert one.upload_training_config(one.config, "baseline").endswith("experiments/baseline/config.yaml")
    assert one.upload_training_results(place / "eval_results.json", "baseline").endswith("baseline/results")
    assert record(project, "baseline")["eval_results"] == {"accuracy": 0.9}
    assert "experiments/baseline/config.yaml" in mirror(project)
    with pytest.raises(UsageError, match="cannot name an experiment"):
        one.upload_training_config({}, "../escape")
    with pytest.raises(RefusedError, match=r"experiments/leak/config\.yaml:1: Hugging Face token"):
        one.upload_training_config({"token": "hf_" + "aB1" * 12}, "leak")


def test_a_model_comes_back_from_the_hub_checked(project: Project, tmp_path: Path) -> None:
    model(project)
    one = manager(project)
    one.upload_model("model", "v1.0.0")
    model(project, text="newer")
    one.upload_model("model", "v1.1.0")
    assert (one.download_model("v1.0.0", tmp_path / "old") / "model.bin").read_text() == "weights"
    assert (one.download_model(None, tmp_path / "latest") / "model.bin").read_text() == "newer"
    assert (project.top / ".cache" / "huggingface").is_dir()
    project.hub.forget_requests()
    one.download_model("v1.0.0", tmp_path / "again")
    assert not [path for _, path in project.hub.requests if "model.bin" in path], "kept in cache_dir"


def test_a_card_is_made_for_a_model_that_is_not_released_yet(project: Project) -> None:
    place = model(project, accuracy=0.9)
    card = manager(project).generate_model_card(place, "v1.0.0", {"limitations": "It may be biased."})
    assert "license: mit" in card
    assert f'snapshot_download("{project.repo_id}", revision="v1.0.0")' in card
    assert "## Limitations\n\nIt may be biased." in card
    assert "| accuracy | 0.9 |" in card


def test_the_configuration_is_plain_data_and_can_be_checked(project: Project) -> None:
    one = manager(project)
    assert one.config["training"] == {"lr": 0.1}
    assert one.validate_config() is True
    (project.top / "config.yaml").write_text("huggingface: {enabled: maybe}\n")
    with pytest.raises(ConfigError, match="expected true or false"):
        one.validate_config()


def test_backups_are_made_before_and_old_ones_removed(project: Project) -> None:
    details = project.top / "configs/huggingface_config.yaml"
    details.write_text(details.read_text() + "backup: {enabled: true, keep_backups: 2, local_backup_dir: ./backups}\n")
    for number in range(3):
        model(project, text=f"weights {number}", accuracy=0.5)
        manager(project).sync_training_workflow("model", "a", f"v1.{number}.0")
    backups = sorted((project.top / "backups").glob("2*"))
    assert [path.name.split("-")[1] for path in backups] == ["v1.1.0", "v1.2.0"]
    assert (backups[0] / "model" / "model.bin").read_text() == "weights 1"
    assert (backups[0] / "results" / "eval_results.json").is_file()
    assert (backups[0] / "config.yaml").read_text() == (project.top / "config.yaml").read_text()


def test_a_pipeline_output_is_recorded_in_its_lock(project: Project) -> None:
    (project.top / "train.py").write_text("import pathlib; p = pathlib.Path('out'); p.mkdir(exist_ok=True); "
                                          "(p / 'w.bin').write_text('one')\n")  # fmt: skip
    (project.top / "dvc.yaml").write_text(
        "stages:\n  train:\n    cmd: python train.py\n    deps: [train.py]\n    outs: [out]\n"
    )
    (project.top / "out").mkdir()
    (project.top / "out" / "w.bin").write_text("one")
    (project.top / ".gitignore").write_text("/out\n")
    project.commit("Pipeline")
    manager(project).upload_model("out", "v1.0.0")
    assert project.hub_bytes("v1.0.0", "w.bin") == b"one"
    assert git(project.top, "show", "--name-only", "--format=", "HEAD").split() == ["dvc.lock"]


def test_memory_is_measured() -> None:
    assert peak_memory() > 10_000_000


def test_what_is_asked_for_by_name_is_done_where_nothing_happens_by_itself(project: Project) -> None:
    main = project.top / "config.yaml"
    main.write_text(main.read_text().replace("huggingface:\n", "huggingface:\n  enabled: false\n"))
    project.commit("Nothing by itself")
    model(project)
    assert manager(project).sync_training_workflow("model", "baseline") == {}
    assert manager(project).upload_model("model", "v1.0.0").endswith("/tree/v1.0.0")


def test_what_is_downloaded_and_kept_is_no_news_to_git(project: Project) -> None:
    model(project)
    manager(project).upload_model("model", "v1.0.0")
    (project.top / ".git" / "info" / "exclude").write_text("/elsewhere\n")
    manager(project).download_model("v1.0.0", "elsewhere")
    assert (project.top / ".cache" / "huggingface").is_dir()
    assert git(project.top, "status", "--porcelain") == ""
