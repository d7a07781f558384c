"""``--json``: every command prints one value, and it is what the command declares and docs/json.md says."""

from __future__ import annotations

import errno
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docs.tools.command_line import all_commands
from hfver.cli.answers import Failed
from hfver.cli.main import run
from hfver.cli.options import answer_of
from tests.support.answers import wrong_in
from tests.support.gitting import git, new_repo
from tests.support.hub import HubForTests
from tests.support.project import Project, new_project

LEAVES = {found.path: answer_of(found.command) for found in all_commands() if not found.is_group}
HFVER = str(Path(sys.executable).with_name("hfver"))


class Typed:
    """Runs commands as they are typed and holds what they print against what they declare."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.commands: set[tuple[str, ...]] = set()

    def __call__(self, *arguments: str, code: int = 0) -> Any:
        self._capsys.readouterr()
        found = run([*arguments, "--json"])
        printed = self._capsys.readouterr()
        assert found == code, printed.err
        return self.check(arguments, printed.out)

    def check(self, arguments: tuple[str, ...], text: str) -> Any:
        value = json.loads(text)  # fails on a second value
        path = next(path for path in LEAVES if arguments[: len(path)] == path)
        self.commands.add(path)
        assert wrong_in(value, LEAVES[path]) == []
        return value

    def fails(self, *arguments: str, code: int) -> Any:
        self._capsys.readouterr()
        assert run([*arguments, "--json"]) == code
        value = json.loads(self._capsys.readouterr().out)
        assert wrong_in(value, Failed) == []
        assert value["error"]["code"] == code
        return value["error"]


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Typed:
    return Typed(capsys)


@pytest.fixture
def project(tmp_path: Path, hub: HubForTests, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = new_project(tmp_path / "repo", hub)
    monkeypatch.chdir(made.top)
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    return made


def test_every_command_declares_its_answer() -> None:
    assert [path for path, answer in LEAVES.items() if answer is None] == []


def test_every_command_prints_what_it_declares(project: Project, typed: Typed, tmp_path: Path) -> None:
    set_up(typed)
    release(project, typed, tmp_path)
    workflow(project, typed, tmp_path)
    serve(typed, tmp_path / "store")
    assert LEAVES.keys() - typed.commands == set()


def set_up(typed: Typed) -> None:
    typed("init", "--model-name", "me/model")
    typed("config", "show", "settings")
    typed("config", "schema")
    typed("config", "validate")
    assert typed("validate-config")["models"]
    typed("trust", "https://hub.example.org")
    assert typed("trust", "--list")["urls"] == ["https://hub.example.org"]
    typed("hooks", "install")
    typed("hooks", "status")
    typed("doctor", "--offline")
    typed("hooks", "uninstall")
    typed("completion", "fish")


def release(project: Project, typed: Typed, tmp_path: Path) -> None:
    (project.top / "params.yaml").write_text("lr: 0.1\n")
    project.write({"config.json": "{}", "weights.bin": b"1" * 4096})
    assert typed("track", "model")["pointer"] == "model.dvc"
    project.commit("First model")
    typed("bump", "minor", "--dry-run")
    bumped = typed("bump", "minor")
    assert [one["tag"] for one in bumped["released"]] == [bumped["tag"]] == ["v0.1.0"]
    project.train({"config.json": "{}", "weights.bin": b"2" * 4096})
    project.tag("v0.2.0")
    assert typed("push", "v0.2.0", "--dry-run")[0]["steps"]
    assert typed("repair", "--dry-run")["mend"] == []
    assert typed("push", "v0.2.0")["released"][0]["new_bytes"] > 0
    assert typed("push", "--all-missing")["released"] == []
    assert [one["state"] for one in typed("status")[0]["versions"]] == ["aligned", "aligned"]
    typed("status", "--cached")
    typed("log")
    assert typed("log", "--graph")[0]["branches"]["main"]
    assert typed("diff")["changes"]
    assert typed("verify", "--deep")["drift"] is False
    assert typed("gc", "--dry-run")["removed"] is False
    assert typed("gc", "--yes")["drop"]
    assert typed("pull", "v0.1.0")[0]["sources"]
    assert typed("checkout", "v0.1.0")["outputs"][0]["written"]
    assert typed("checkout", "v0.1.0", "--to", str(tmp_path / "export"))["written"]
    git(project.top, "switch", "--quiet", "-")


def workflow(project: Project, typed: Typed, tmp_path: Path) -> None:
    project.write({"weights.bin": b"3" * 4096, "eval_results.json": '{"accuracy": 0.5, "loss": NaN}'})
    assert typed("sync", "--model-path", "model", "--experiment-name", "base")["status"] == "done"
    (failed,) = typed("sync", "--experiment", "lost=nowhere", code=2)
    assert failed["error"]["kind"] == "usage"
    project.write({"weights.bin": b"4" * 4096})
    assert typed("upload-model", "--model-path", "model", "--version-tag", "v0.3.0")["cost"]["seconds"] > 0
    typed("upload-config", "--config-file", "params.yaml", "--experiment-name", "new")
    typed("upload-results", "--results-path", "config.yaml", "--experiment-name", "new")
    typed("download-model", "--version-tag", "v0.1.0", "--local-dir", str(tmp_path / "got"))
    assert typed("list-versions")
    assert "base" in [one["name"] for one in typed("list-experiments")]
    assert typed("compare", "base", "v0.1.0")["differences"]
    assert "# " in typed("card")["text"]
    typed("card", "--output", str(tmp_path / "card.md"))


def serve(typed: Typed, store: Path) -> None:
    place = ("--store", str(store))
    command = [HFVER, "hub", "serve", "--json", *place]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        first = list(until_brace(process.stdout))
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
        typed.check(("hub", "serve"), "".join([*first, *process.stdout]))
    for name in ("path", "info", "scrub", "gc", "token", "repair"):
        typed("hub", name, *place)


def until_brace(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line
        if line == "}\n":
            return


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stauts"], "There is no command 'stauts'. Did you mean status?"),
        (["status", "--jsn"], "No such option '--jsn'. Did you mean '--json'?"),
        (["bump", "minro"], "'minro' is not one of"),
        (["checkout"], "Missing argument 'VERSION'."),
        (["hub"], "Missing command."),
        (["push", "--shard", "1/2"], "--shard divides what --all-missing finds"),
    ],
)
def test_a_mistake_in_the_command_line_is_an_error_object(
    arguments: list[str], message: str, typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    error = typed.fails(*arguments, code=2)
    assert message in error["message"]
    assert error["kind"] == "usage"


def test_a_wrong_configuration_is_an_error_object_with_every_problem(
    typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = new_repo(tmp_path / "repo")
    monkeypatch.chdir(top)
    (top / "config.yaml").write_text("huggingface:\n  enabeld: true\n  auto_sync: 3\n")
    error = typed.fails("status", code=2)
    assert error["kind"] == "config"
    assert error["problems"] == [
        {"file": "config.yaml", "line": 2, "column": 3, "key": "huggingface.enabeld",
         "message": 'unknown key; did you mean "enabled"?'},
        {"file": "config.yaml", "line": 3, "column": 14, "key": "huggingface.auto_sync",
         "message": "expected true or false, got 3"},
    ]  # fmt: skip


def test_a_bug_is_an_error_object_that_says_where_the_details_are(
    typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("boom hf_abcdefghijklmnopqrstuvwx")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hfver.trust.read_trust", broken)
    error = typed.fails("trust", code=1)
    assert error["kind"] == "bug"
    assert "RuntimeError: boom [hidden]" in error["message"]
    log = Path(error["message"].rpartition(" ")[2])
    assert "command: hfver trust --json" in log.read_text()
    assert "hf_abc" not in log.read_text()


def test_a_release_that_fails_is_part_of_the_only_answer(project: Project, typed: Typed) -> None:
    project.train({"weights.bin": "1"})
    project.tag("v1.0.0")
    (project.top / ".dvc" / "cache").rename(project.top / ".dvc" / "gone")
    answer = typed("push", "v1.0.0", code=7)
    assert [(one["tag"], one["kind"], one["error"]["kind"]) for one in answer["failed"]] == [
        ("v1.0.0", "release", "integrity")
    ]
    assert typed("repair", "--yes", code=7)["failed"][0]["error"]["code"] == 7


@pytest.mark.parametrize("arguments", [["--json", "status"], ["-q", "--json", "log", "--graph"]], ids=" ".join)
def test_the_options_may_stand_before_the_command(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 2
    assert json.loads(capsys.readouterr().out)["error"]["hints"] == ["git init"]


def test_what_the_file_system_does_not_allow_is_no_bug(
    typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/etc/my trust")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hfver.trust.read_trust", refused)
    error = typed.fails("trust", code=1)
    assert (error["kind"], error["message"]) == ("state", "/etc/my trust: Permission denied")
    assert error["hints"] == ["ls -ld /etc"]
