"""A sync, an upload or `hfver bump` with a secret anywhere in it leaves git, the outbox and the Hub as they were."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hfver import HuggingFaceManager
from hfver.cli.main import run
from hfver.errors import RefusedError
from tests.support.gitting import git
from tests.support.hub import HubForTests
from tests.support.project import Project, new_project
from tests.support.published import everything

TOKEN = "hf_" + "NotARealToken" * 2 + "NotAReal"
AWS = "AKIA" + "IOSFODNN7EXAMPL3"


@pytest.fixture
def project(tmp_path: Path, hub: HubForTests, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = new_project(tmp_path / "repo", hub)
    made.train({"model.bin": "weights", "README.md": "# Model\n"})
    monkeypatch.chdir(made.top)
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    return made


def manager(project: Project) -> HuggingFaceManager:
    return HuggingFaceManager("config.yaml", environ=project.environ, reporter=project.told)


def left_behind(project: Project) -> object:
    """What a command could have left: commits, tags, a changed index, owed work, anything on the Hub."""
    with project.opened() as (workspace, _):
        owed = workspace.outbox.entries().owed
    return (
        git(project.top, "log", "--all", "--format=%H %D"),
        git(project.top, "status", "--porcelain"),
        owed,
        everything(project.hub),
    )


def refused(project: Project, do: Callable[[], object]) -> RefusedError:
    before = left_behind(project)
    with pytest.raises(RefusedError) as caught:
        do()
    assert left_behind(project) == before
    assert TOKEN not in caught.value.message + "".join(caught.value.hints)
    assert AWS not in caught.value.message
    return caught.value


def sync(project: Project, **options: Any) -> Callable[[], object]:
    asked = {"model_path": "model", "experiment_name": "base", "version_tag": "v1.0.0", **options}
    return lambda: manager(project).sync_training_workflow(**asked)


@dataclass(frozen=True)
class Leak:
    said: str
    options: dict[str, Any]
    files: dict[str, str]


LEAKS = {
    "experiment": Leak("the name of the experiment: Hugging Face token", {"experiment_name": TOKEN}, {}),
    "version": Leak("the name of the version: Hugging Face token", {"version_tag": f"exp-{TOKEN}-001"}, {}),
    "parameter": Leak("params.train.aws: AWS Access Key", {}, {"params.yaml": json.dumps({"train": {"aws": AWS}})}),
    "metric": Leak("metrics.note: AWS Access Key", {}, {"metrics.json": json.dumps({"note": f"key {AWS}"})}),
    "configuration": Leak(
        "experiments/base/config.yaml:5: AWS Access Key", {}, {"config.yaml": f"training: {{key: {AWS}}}\n"}
    ),
    "results": Leak(
        "experiments/base/results/eval.json:1: Secret Keyword",
        {"results_path": "results"},
        {"results/eval.json": '{"password": "hunter2long"}'},
    ),
    "model": Leak("model/README.md:2: Hugging Face token", {}, {"model/README.md": f"\n{TOKEN}\n"}),
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_a_sync_with_a_secret_records_and_sends_nothing(project: Project, leak: Leak) -> None:
    for name, text in leak.files.items():
        path = project.top / name
        path.parent.mkdir(exist_ok=True)
        path.write_text((path.read_text() if name == "config.yaml" else "") + text)
    error = refused(project, sync(project, **leak.options))
    assert f"\n  {leak.said}" in error.message


def test_a_branch_or_a_remote_with_a_secret_is_no_part_of_a_record(project: Project) -> None:
    git(project.top, "switch", "--quiet", "--create", f"try-{TOKEN}")
    git(project.top, "remote", "add", "origin", f"{TOKEN}@example.org:x.git")
    message = refused(project, sync(project)).message
    assert "\n  the name of the git branch: Hugging Face token" in message
    assert "\n  the URL of the git remote origin: Hugging Face token" in message


def test_a_secret_in_what_is_committed_is_said_before_the_version_is_made(project: Project) -> None:
    (project.top / "params.yaml").write_text("lr: 1\npassword: hunter2long\n")
    project.commit("Oops")
    assert "\n  params.yaml:2: Secret Keyword" in refused(project, sync(project)).message


def test_a_sync_of_a_version_that_exists_goes_by_its_commit(project: Project) -> None:
    sync(project)()
    (project.top / "params.yaml").write_text("lr: 1\npassword: hunter2long\n")
    project.commit("Oops")
    sync(project)()


def test_a_false_alarm_in_results_can_be_allowed(project: Project) -> None:
    results = project.top / "results"
    results.mkdir()
    (results / "eval.json").write_text('{"password": "hunter2long"}')
    digest = "1a0184912ced1bb6996fbfc923a24df0e912958c"
    allowed = {"results": {"experiments/base/results/eval.json": [{"hashed_secret": digest}]}}
    (project.top / ".secrets.baseline").write_text(json.dumps(allowed))
    sync(project, results_path=results)()
    manager(project).upload_training_results(results, "base")


def test_uploads_with_a_secret_send_nothing(project: Project) -> None:
    one = manager(project)
    results = project.top / "eval_results.json"
    results.write_text(json.dumps({"note": TOKEN}))
    error = refused(project, lambda: one.upload_training_results(results, "base"))
    assert "\n  experiments/base/results/eval_results.json:1: Hugging Face token" in error.message
    results.write_text("{}")
    assert "[hidden]" in refused(project, lambda: one.upload_training_results(results, TOKEN)).message
    assert "[hidden]" in refused(project, lambda: one.upload_training_config({"a": 1}, TOKEN)).message
    error = refused(project, lambda: one.upload_training_config({"a": 1, "key": AWS}, "base"))
    assert "\n  experiments/base/config.yaml:2: AWS Access Key" in error.message
    error = refused(project, lambda: one.upload_model("model", "v1.0.0", f"made with {TOKEN}"))
    assert "\n  the message: Hugging Face token" in error.message


def test_a_directory_without_git_is_no_way_around(tmp_path: Path, hub: HubForTests) -> None:
    top = tmp_path / "plain"
    (top / "model").mkdir(parents=True)
    (top / "config.yaml").write_text(f"huggingface: {{repository: {{model_name: {hub.namespace}/bert}}}}\nlr: 0.1\n")
    (top / "model" / "model.bin").write_text("one")
    environ = {**os.environ, "HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.token}
    one = HuggingFaceManager(top / "config.yaml", environ=environ)
    with pytest.raises(RefusedError, match="the message: Hugging Face token"):
        one.upload_model(top / "model", "v1.0.0", f"made with {TOKEN}")
    (top / "model" / "README.md").write_text(f"export HF_TOKEN={TOKEN}\n")
    with pytest.raises(RefusedError, match=r"model/README\.md:1: Hugging Face token"):
        one.upload_model(top / "model", "v1.0.0")
    assert everything(hub) == b""
    (top / "model" / "README.md").unlink()
    one.sync_training_workflow(top / "model", "base", "v1.0.0")
    assert b"v1.0.0" in everything(hub)


def test_track_warns_of_what_a_release_would_stop_at(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    (project.top / "model" / "a.py").write_text(f"x = 1\nKEY = '{AWS}'\n")
    assert run(["track", "model"]) == 0
    said = capsys.readouterr().err
    assert (
        "a release of it would be refused: what looks like a secret stands in\n  model/a.py:2: AWS Access Key" in said
    )
    assert AWS not in said


# -- bump -------------------------------------------------------------------------------------------------------------


def bump(project: Project, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    before = left_behind(project)
    capsys.readouterr()
    assert run(["bump", "minor", *arguments]) == 8
    assert left_behind(project) == before
    said = capsys.readouterr().err
    assert TOKEN not in said
    return said


def test_bump_makes_no_version_that_would_be_refused(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    said = bump(project, capsys, "-m", f"made with {TOKEN}")
    assert "the message of tag v0.1.0: Hugging Face token" in said
    assert "hfver bump --message 'another message'" in said
    project.commit(f"Use {TOKEN} in CI")
    assert "the subject of commit" in bump(project, capsys, "--dry-run")
    assert "the subject of commit" in bump(project, capsys)
    (project.top / "params.yaml").write_text("lr: 1\npassword: hunter2long\n")
    project.commit("Oops")
    said = bump(project, capsys)
    assert "params.yaml:2: Secret Keyword" in said
    assert "then commit what changed, and hfver bump again" in said
    (project.top / "params.yaml").unlink()
    project.train({"model.bin": "weights", "README.md": f"{TOKEN}\n"})
    assert "model/README.md:1: Hugging Face token" in bump(project, capsys)
    project.train({"model.bin": "weights"})
    assert run(["bump", "minor", "-m", "First"]) == 0
    assert git(project.top, "tag") == "v0.1.0"
    assert TOKEN.encode() not in everything(project.hub)
