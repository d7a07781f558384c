"""``hfver config``, ``validate-config`` and ``trust`` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hfver.cli.main import run
from tests.support.gitting import new_repo

MAIN = "huggingface:\n  repository:\n    model_name: me/bert\n"


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    top = new_repo(tmp_path / "repo")
    (top / "config.yaml").write_text(MAIN, encoding="utf-8")
    (top / "深 sub").mkdir()
    monkeypatch.chdir(top / "深 sub")
    return top


def test_show_prints_values_and_where_they_come_from(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "show", "huggingface.repository.model"]) == 0
    assert capsys.readouterr().out == (
        "KEY\tVALUE\tFROM\n"
        "huggingface.repository.model_name\tme/bert\tconfig.yaml:3\n"
        "huggingface.repository.model_path\t(not set)\tdefault\n"
    )
    assert run(["config", "show", "settings.upload.max_retries", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"key": "settings.upload.max_retries", "value": 3, "origin": "default"}
    ]


def test_validate_says_yes(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate-config"]) == 0
    assert capsys.readouterr().out == "config.yaml and configs/huggingface_config.yaml are valid.\n"


def test_validate_names_every_problem(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "other.yaml").write_text(MAIN + "  enabeld: true\n  auto_sync: 3\n", encoding="utf-8")
    assert run(["validate-config", "--config", "../other.yaml"]) == 2
    assert capsys.readouterr().err == (
        'Error: other.yaml:4:3: huggingface.enabeld: unknown key; did you mean "enabled"?\n'
        "    4 |   enabeld: true\n"
        "other.yaml:5:14: huggingface.auto_sync: expected true or false, got 3\n"
        "    5 |   auto_sync: 3\n"
    )


def test_validation_works_without_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["config", "validate"]) == 2
    assert capsys.readouterr().err == "Error: config.yaml does not exist\nHint: hfver init\n"
    (tmp_path / "config.yaml").write_text(MAIN)
    assert run(["config", "validate"]) == 0


@pytest.mark.parametrize(("options", "key"), [([], "settings"), (["--main"], "huggingface")])
def test_the_schema_is_json(options: list[str], key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "schema", *options]) == 0
    assert key in json.loads(capsys.readouterr().out)["properties"]


def test_trust_in_a_private_network_is_said_with_the_server(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["trust", "--private-network", "https://hooks.internal/x"]) == 0
    assert run(["trust", "https://hub.example"]) == 0
    capsys.readouterr()
    assert run(["trust", "--list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "urls": ["https://hooks.internal", "https://hub.example"],
        "paths": [],
        "private_network": ["https://hooks.internal"],
    }
    assert run(["trust"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "server in a private network\thttps://hooks.internal",
        "server\thttps://hub.example",
    ]
    for words in (["--remove", "https://hooks.internal"], ["--list"], [str(tmp_path)]):
        assert run(["trust", "--private-network", *words]) == 2
    assert run(["trust", "--remove", "https://hooks.internal"]) == 0
    capsys.readouterr()
    assert run(["trust", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["private_network"] == []


def test_trust_is_given_shown_and_taken_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["trust"]) == 0
    assert capsys.readouterr().out == "Nothing is trusted beyond huggingface.co.\n"
    assert run(["trust", "https://hub.example/x"]) == 0
    assert "https://hub.example/x is trusted (in " in capsys.readouterr().out
    assert run(["trust", "--list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "urls": ["https://hub.example"],
        "paths": [],
        "private_network": [],
    }
    assert run(["trust", "--remove", "https://hub.example"]) == 0
    assert run(["trust", "--remove", "https://hub.example"]) == 2
    assert run(["trust", "--list", "https://hub.example"]) == 2
