"""The workflow in a directory that is in no git repository."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hfver import HuggingFaceManager
from hfver.errors import ConflictError, RefusedError, UsageError
from tests.support.hub import HubForTests


@pytest.fixture
def manager(tmp_path: Path, hub: HubForTests, monkeypatch: pytest.MonkeyPatch) -> HuggingFaceManager:
    top = tmp_path / "plain 目录"
    top.mkdir()
    (top / "config.yaml").write_text(f"huggingface: {{repository: {{model_name: {hub.namespace}/bert}}}}\nlr: 0.1\n")
    (top / "model" / "sub").mkdir(parents=True)
    (top / "model" / "model.bin").write_text("one")
    (top / "model" / "sub" / "配置.json").write_text("{}")
    (top / "model" / "eval_results.json").write_text('{"accuracy": 0.9}')
    monkeypatch.chdir(top)
    environ = {**os.environ, "HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.token}
    return HuggingFaceManager("config.yaml", environ=environ)


def receipt(hub: HubForTests, revision: str) -> dict[str, object]:
    from huggingface_hub import hf_hub_download

    path = hf_hub_download(
        f"{hub.namespace}/bert", ".hfver/release.json", revision=revision, endpoint=hub.endpoint, token=hub.token
    )
    found: dict[str, object] = json.loads(Path(path).read_text())
    return found


def test_a_directory_becomes_a_release_whose_receipt_names_no_commit(
    manager: HuggingFaceManager, hub: HubForTests, tmp_path: Path
) -> None:
    urls = manager.sync_training_workflow("model", "baseline", "v1.0.0")
    assert set(urls) == {"model_url", "config_url", "results_url", "experiment_url", "version"}
    found = receipt(hub, "v1.0.0")
    assert found["git"] is None
    assert found["metrics"] == {"accuracy": 0.9}
    assert found["params"] == {"lr": 0.1}
    files = hub.api.list_repo_files(f"{hub.namespace}/bert", revision="v1.0.0")
    assert {"model.bin", "sub/配置.json", "eval_results.json", "README.md"} <= set(files)
    configs = hub.api.list_repo_files(f"{hub.namespace}/bert-configs", revision="v1.0.0")
    assert {"releases/v1.0.0.json", "experiments/baseline/experiment_metadata.json"} <= set(configs)
    assert [item["version"] for item in manager.list_versions()] == ["v1.0.0"]
    assert (manager.download_model("v1.0.0", tmp_path / "got") / "model.bin").read_text() == "one"


def test_again_nothing_happens_and_other_content_is_refused(manager: HuggingFaceManager, hub: HubForTests) -> None:
    manager.upload_model("model", "v1.0.0")
    commits = len(hub.api.list_repo_commits(f"{hub.namespace}/bert"))
    manager.upload_model("model", "v1.0.0")
    assert len(hub.api.list_repo_commits(f"{hub.namespace}/bert")) == commits
    with pytest.raises(RefusedError, match=r"^model is v1\.0\.0 already: v1\.1\.0 would be the same content again$"):
        manager.upload_model("model", "v1.1.0")
    Path("model/model.bin").write_text("two")
    with pytest.raises(ConflictError, match=r"v1\.0\.0 is released already, with another model"):
        manager.upload_model("model", "v1.0.0")
    manager.upload_model("model", "v1.1.0")
    assert len(hub.api.list_repo_commits(f"{hub.namespace}/bert")) == commits + 1


def test_what_is_refused_leaves_no_record(manager: HuggingFaceManager) -> None:
    manager.sync_training_workflow("model", "base", "v1.0.0")
    with pytest.raises(RefusedError, match="would be the same content again"):
        manager.sync_training_workflow("model", "same", "v1.1.0")
    Path("model/model.bin").write_text("two")
    Path("model/eval_results.json").write_text('{"accuracy": 0.1}')
    with pytest.raises(ConflictError, match="with another model"):
        manager.sync_training_workflow("model", "base", "v1.0.0")
    assert [(known.name, known.metrics["accuracy"]) for known in manager.list_experiments()] == [("base", 0.9)]


def test_the_same_model_without_a_version_is_the_version_it_is(manager: HuggingFaceManager) -> None:
    first = manager.sync_training_workflow("model", "base")
    again = manager.sync_training_workflow("model", "base")
    assert again["version"] == first["version"]
    assert len(manager.list_versions()) == 1
    assert manager.upload_model("model", "v2.0.0", allow_same=True).endswith("/tree/v2.0.0")


def test_versions_count_on_from_those_on_the_hub(manager: HuggingFaceManager) -> None:
    main = Path("config.yaml")
    main.write_text(main.read_text().replace("{repository", "{versioning: {tag_format: 'v{version}'}, repository"))
    assert manager.sync_training_workflow("model", "a")["version"] == "v0.0.1"
    Path("model/model.bin").write_text("two")
    assert manager.sync_training_workflow("model", "a")["version"] == "v0.0.2"


def test_what_needs_history_says_git_init(manager: HuggingFaceManager) -> None:
    from hfver.training.no_git import open_project

    with open_project(Path.cwd(), environ=os.environ) as workspace, pytest.raises(UsageError) as caught:
        workspace.repo.tags()
    assert caught.value.hints == ["git init"]


def test_backups_are_copies(manager: HuggingFaceManager) -> None:
    Path("configs").mkdir()
    Path("configs/huggingface_config.yaml").write_text("backup: {enabled: true}\n")
    manager.sync_training_workflow("model", "a", "v1.0.0")
    (backup,) = Path("backups").glob("*-v1.0.0")
    Path("model/model.bin").write_text("changed in place")
    assert (backup / "model" / "model.bin").read_text() == "one"
