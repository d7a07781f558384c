"""Keys whose effect shows in a whole sync only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hfver import HuggingFaceManager
from hfver.errors import UnauthorisedError, UnreachableError
from hfver.trust import Trust, write_trust
from tests.support.gitting import git
from tests.support.hub import HubForTests
from tests.support.project import Project, new_project


@pytest.fixture
def project(tmp_path: Path, own_hub: HubForTests, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = new_project(tmp_path / "repo", own_hub)
    monkeypatch.chdir(made.top)
    return made


def configure(project: Project, details: str) -> HuggingFaceManager:
    (project.top / "configs/huggingface_config.yaml").write_text(details)
    project.commit("Configure")
    model(project, "one")
    return HuggingFaceManager("config.yaml", environ=project.environ, reporter=project.told)


def model(project: Project, text: str) -> None:
    (project.top / "model").mkdir(exist_ok=True)
    (project.top / "model" / "model.bin").write_text(text)
    (project.top / "model" / "eval_results.json").write_text('{"accuracy": 0.9}')


def configs(project: Project) -> list[str]:
    return project.hub.api.list_repo_files(f"{project.repo_id}-configs")


def test_the_message_template_makes_every_message(project: Project) -> None:
    manager = configure(
        project, "settings: {commit_message_template: '{item_type} of {experiment_name} ({version}{git_commit})'}\n"
    )
    manager.sync_training_workflow("model", "base", "v1.0.0")
    assert git(project.top, "log", "-1", "--format=%s") == "model of base (v1.0.0)"
    commit = git(project.top, "rev-parse", "--short=10", "HEAD")
    assert git(project.top, "tag", "-l", "--format=%(subject)") == f"model of base (v1.0.0{commit})"
    titles = [found.title for found in project.hub.api.list_repo_commits(f"{project.repo_id}-configs")]
    assert "base: config+model+results of base (v1.0.0)" in titles


def test_the_record_has_the_configured_file_name(project: Project) -> None:
    manager = configure(project, "experiment_tracking: {metadata_file: 记录.json}\n")
    manager.sync_training_workflow("model", "base", "v1.0.0")
    assert "experiments/base/记录.json" in configs(project)
    assert manager.list_experiments()[0].metrics == {"accuracy": 0.9}


def test_without_tracking_there_are_no_records(project: Project) -> None:
    main = project.top / "config.yaml"
    main.write_text(main.read_text() + "  experiment_tracking: {enabled: false}\n")
    configure(project, "").sync_training_workflow("model", "base", "v1.0.0")
    assert "experiments/base/config.yaml" in configs(project)
    assert not [path for path in configs(project) if path.endswith("experiment_metadata.json")]


@pytest.mark.parametrize("details", ["sync: {backup_before_upload: true}\n", "backup: {enabled: true}\n", ""])
def test_either_key_makes_backups(project: Project, details: str) -> None:
    configure(project, details).sync_training_workflow("model", "base", "v1.0.0")
    assert (project.top / "backups").is_dir() is bool(details)


def test_backups_leave_the_repository_only_with_trust(project: Project, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    manager = configure(project, f"backup: {{enabled: true, local_backup_dir: '{place}'}}\n")
    with pytest.raises(UnauthorisedError, match="without your trust"):
        manager.sync_training_workflow("model", "base", "v1.0.0")
    assert not place.exists()
    assert git(project.top, "tag") == ""
    write_trust(Trust().with_entry(str(place)), project.environ)
    manager.sync_training_workflow("model", "base", "v1.0.0")
    assert len(list(place.glob("*-v1.0.0"))) == 1


@pytest.mark.parametrize(("retries", "finished"), [(0, False), (2, True)])
def test_retries_are_as_many_as_configured(project: Project, retries: int, finished: bool) -> None:
    manager = configure(project, f"settings: {{upload: {{max_retries: {retries}, retry_delay: 0}}}}\n")
    # A status the client itself does not try again.
    project.hub.faults.fail("POST", f"{project.repo_id}/commit/", 408, times=2)
    if finished:
        assert manager.upload_model("model", "v1.0.0").endswith("/tree/v1.0.0")
        return
    with pytest.raises(UnreachableError):
        manager.upload_model("model", "v1.0.0")
    assert git(project.top, "tag") == "v1.0.0"


def test_partial_downloads_are_continued_or_started_again(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hfver.training.workflow

    seen: list[bool] = []
    left = project.top / ".cache" / "huggingface" / "hfver-tmp" / "partial"

    def look(*_args: Any, **_kwargs: Any) -> None:
        seen.append(left.exists())

    monkeypatch.setattr("hfver.checkout.export.export", look)
    for resume in ("true", "false"):
        left.parent.mkdir(parents=True, exist_ok=True)
        left.write_text("half a file")
        manager = configure(project, f"settings: {{download: {{resume_download: {resume}}}}}\n")
        manager.download_model("v1.0.0", tmp_path / "got")
    assert seen == [True, False]
    assert hfver.training.workflow.download_model is not None


def test_a_chunk_size_reads_the_same_content(project: Project) -> None:
    big = bytes(range(256)) * 40_000
    manager = configure(project, "")
    (project.top / "model" / "model.bin").write_bytes(big)
    manager.upload_model("model", "v1.0.0", chunk_size=65_536)
    assert project.hub_bytes("v1.0.0", "model.bin") == big


def test_a_configuration_that_is_not_committed_is_mentioned(project: Project) -> None:
    manager = configure(project, "")
    (project.top / "configs/huggingface_config.yaml").write_text("model_card: {license: apache-2.0}\n")
    manager.sync_training_workflow("model", "base", "v1.0.0")
    assert project.told.warnings[:1] == [
        "configs/huggingface_config.yaml has changes that are not committed: the release goes by what is committed"
    ]
    assert "apache" not in project.hub_bytes("v1.0.0", "README.md").decode()


def test_private_and_public_are_chosen_when_a_repository_is_created(project: Project) -> None:
    configure(project, "settings: {default_private: false}\n").sync_training_workflow("model", "base", "v1.0.0")
    assert not project.hub.api.model_info(project.repo_id).private


def test_the_record_tells_git_and_system_as_configured(project: Project) -> None:
    manager = configure(project, "sync: {include_git_info: true, include_system_info: false}\n")
    manager.sync_training_workflow("model", "base", "v1.0.0")
    record = manager.list_experiments()[0].record
    assert record["git_info"]["branch"] == "main"
    assert "system_info" not in record
    assert json.dumps(record)
