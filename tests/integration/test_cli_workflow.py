"""The workflow commands as they are typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hfver.cli.main import run
from tests.support.gitting import git
from tests.support.hub import HubForTests
from tests.support.project import Project, new_project

Json = Callable[..., Any]


@pytest.fixture
def project(tmp_path: Path, hub: HubForTests, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = new_project(tmp_path / "repo", hub)
    monkeypatch.chdir(made.top)
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    return made


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Json:
    def typed(*arguments: str, code: int = 0) -> Any:
        capsys.readouterr()
        assert run([*arguments, "--json"]) == code, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return typed


def model(project: Project, name: str, text: str, **results: float) -> None:
    place = project.top / name
    place.mkdir(exist_ok=True)
    (place / "model.bin").write_text(text)
    (place / "eval_results.json").write_text(json.dumps(results))


def test_the_commands_of_the_workflow_work_together(project: Project, ask: Json, tmp_path: Path) -> None:
    (project.top / "params.yaml").write_text("lr: 0.1\n")
    project.commit("Parameters")
    model(project, "model", "one", accuracy=0.75)
    done = ask("sync", "--model-path", "model", "--experiment-name", "baseline", "--version-tag", "v1.0.0", "--private")
    assert done["version"] == "v1.0.0"
    assert done["cost"]["operation"] == "sync"
    assert done["cost"]["sent_bytes"] > 0
    (project.top / "params.yaml").write_text("lr: 0.2\n")
    project.commit("Other parameters")
    model(project, "model", "two", accuracy=1.0)
    again = ask("sync", "--model-path", "model", "--experiment-name", "tuned", "--version-tag", "v1.1.0")
    assert again["urls"]["model_url"].endswith("/tree/v1.1.0")
    assert [item["version"] for item in ask("list-versions")] == ["v1.1.0", "v1.0.0"]
    assert [item["name"] for item in ask("list-experiments", "--sort", "accuracy")] == ["baseline", "tuned"]
    assert [item["name"] for item in ask("list-experiments", "--where", "accuracy > 0.8")] == ["tuned"]
    assert ask("compare", "baseline", "tuned")["differences"] == [
        {"kind": "param", "name": "lr", "first": 0.1, "second": 0.2, "change": 0.1},
        {"kind": "metric", "name": "accuracy", "first": 0.75, "second": 1.0, "change": 0.25},
    ]
    assert ask("compare", "v1.0.0", "v1.1.0")["differences"] == ask("compare", "baseline", "tuned")["differences"]
    assert ask("compare", "baseline", "nothing", code=2)["error"]["message"].startswith(
        "there is no experiment or version 'nothing'"
    )
    got = ask("download-model", "--version-tag", "v1.0.0", "--local-dir", str(tmp_path / "got"))
    assert (Path(got["path"]) / "model.bin").read_text() == "one"


def test_single_steps(project: Project, ask: Json) -> None:
    model(project, "model", "one", accuracy=0.75)
    url = ask("upload-config", "--config-file", "config.yaml", "--experiment-name", "baseline")["config_url"]
    assert url.endswith("experiments/baseline/config.yaml")
    url = ask("upload-results", "--results-path", "model/eval_results.json", "--experiment-name", "baseline")
    assert url["results_url"].endswith("experiments/baseline/results")
    done = ask("upload-model", "--model-path", "model", "--version-tag", "v1.0.0", "-m", "Upload fine-tuned model")
    assert done["model_url"].endswith("/tree/v1.0.0")
    assert project.hub.api.list_repo_commits(project.repo_id)[0].title == "v1.0.0: Upload fine-tuned model"


def test_tables_for_people(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    model(project, "model", "one", accuracy=0.75)
    assert run(["sync", "--model-path", "model", "--experiment-name", "baseline", "--version-tag", "v1.0.0"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("WHAT\tWHERE\nconfig\thttp://")
    assert "v1.0.0: " in printed.err
    assert "peak memory" in printed.err
    assert run(["list-experiments"]) == 0
    assert capsys.readouterr().out.split("\n")[0] == "EXPERIMENT\tVERSION\tTIME\taccuracy"
    assert run(["compare", "baseline", "baseline"]) == 0
    assert capsys.readouterr().out == "baseline and baseline have the same parameters and metrics.\n"


def test_a_batch_goes_on_after_a_failure(project: Project, ask: Json) -> None:
    model(project, "a", "a", accuracy=0.9)
    model(project, "c", "c", accuracy=0.5)
    (project.top / "experiments.yaml").write_text(
        "- {name: a, path: ./a, tag: v1.0.0}\n"
        "- {name: b, path: ./b, tag: v1.1.0}\n"
        "- {name: c, path: ./c, tag: v1.2.0}\n"
    )
    body = ask("sync", "--all", "experiments.yaml", "--if", "accuracy > 0.8", code=2)
    assert [(item["experiment"], item["status"]) for item in body] == [("a", "done"), ("b", "failed"), ("c", "skipped")]
    assert git(project.top, "tag") == "v1.0.0"
    body = ask("sync", "--experiment", "c=c@v1.2.0", "--experiment", "a=a@v1.0.0")
    assert [item["status"] for item in body] == ["done", "done"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sync"], "name one experiment, several, or a file of them"),
        (["sync", "--experiment-name", "a"], "--model-path is missing"),
        (["sync", "--experiment", "a"], "expected NAME=PATH or NAME=PATH@TAG"),
        (["sync", "--all", "none.yaml"], "none.yaml does not exist"),
        (["sync", "--all", "config.yaml"], "config.yaml:1:1: expected a list of experiments"),
        (["sync", "--model-path", "missing", "--experiment-name", "a"], "missing does not exist"),
        (["sync", "--model-path", "model", "--experiment-name", "a/b"], "'a/b' cannot name an experiment"),
        (["sync", "--model-path", "model", "--if", "accuracy >"], "not a condition"),
        (["sync", "--model-path", ".", "--experiment-name", "a"], "is not below the git repository"),
        (["upload-config", "--config-file", "none", "--experiment-name", "a"], "none does not exist"),
        (["list-experiments", "--where", "1 +"], "not a condition"),
        (["card", "--section", "nothing"], "expected NAME=TEXT"),
    ],
)
def test_mistakes_are_sentences(
    project: Project, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model(project, "model", "one")
    assert run(arguments) == 2
    assert message in capsys.readouterr().err
    assert git(project.top, "tag") == ""


def test_a_card_can_be_written_to_a_file(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    model(project, "model", "one", accuracy=0.75)
    assert run(["card", "--version-tag", "v1.0.0", "--section", "limitations=Small.", "-o", "CARD.md"]) == 0
    text = (project.top / "CARD.md").read_text()
    assert "## Limitations\n\nSmall." in text
    assert run(["card", "--version-tag", "v1.0.0", "--section", "limitations=Small."]) == 0
    assert capsys.readouterr().out.endswith(text)


def test_failure_and_success_are_told(project: Project, ask: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    from hfver.training import notifications

    told: list[dict[str, Any]] = []
    monkeypatch.setattr(notifications, "_post", lambda _url, _consent, body, *_how: told.append(body))
    monkeypatch.setenv("HFVER_WEBHOOK_URL", "https://chat.example/x")
    details = project.top / "configs/huggingface_config.yaml"
    details.write_text(details.read_text() + "notifications: {enabled: true}\n")
    model(project, "model", "one")
    ask("sync", "--model-path", "model", "--experiment-name", "a", "--version-tag", "v1.0.0")
    model(project, "model", "two")
    ask("sync", "--model-path", "model", "--experiment-name", "a", "--version-tag", "v1.0.0", code=8)
    assert [(body["status"], body["version"]) for body in told] == [("success", "v1.0.0"), ("failure", "v1.0.0")]
    assert told[0]["cost"]["seconds"] > 0


def test_a_version_that_is_refused_leaves_no_tag_and_no_commit_behind(
    project: Project, ask: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    model(project, "model", "one")
    ask("sync", "--model-path", "model", "--experiment-name", "a", "--version-tag", "v1.0.0")
    error = ask("upload-model", "--model-path", "model", "--version-tag", "v1.1.0", code=8)["error"]
    assert error["message"] == "model is v1.0.0 already: v1.1.0 would be the same content again"
    model(project, "model", "two")
    before = git(project.top, "rev-parse", "HEAD")
    ask("sync", "--model-path", "model", "--experiment-name", "a", "--version-tag", "1.5", code=2)
    assert git(project.top, "rev-parse", "HEAD") == before
    assert git(project.top, "tag") == "v1.0.0"
    assert run(["push"]) == 0
    assert capsys.readouterr().err == "Nothing is owed.\n"
    ask("upload-model", "--model-path", "model", "--version-tag", "v1.1.0-rc.1")
    assert ask("upload-model", "--model-path", "model", "--version-tag", "v1.1.0")["version"] == "v1.1.0"


def test_a_private_repository_that_cannot_be_seen_is_not_taken_for_none_without_a_word(
    project: Project, ask: Json, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model(project, "model", "one")
    ask("upload-model", "--model-path", "model", "--version-tag", "v1.0.0")
    assert run(["list-versions"]) == 0
    assert "is not there" not in capsys.readouterr().err
    monkeypatch.delenv("HF_TOKEN")
    for command in ("list-versions", "status", "log"):
        assert run([command]) == 0
        assert f"{project.repo_id} is not there, or private and not to be seen without" in capsys.readouterr().err


def test_a_tag_that_git_does_not_have_is_named_with_a_way_out(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["push", "v9.0.0"]) == 1
    assert capsys.readouterr().err.startswith("Error: there is no tag 'v9.0.0' in ")
