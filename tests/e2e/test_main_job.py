"""What a user types, with real hooks, the real console script and the embedded hub."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BIN = Path(sys.executable).parent
WEIGHTS = bytes(range(256)) * 8000  # 2 MB


class Shell:
    """Runs commands in one directory; keeps stdout, stderr and the exit code of the last one."""

    def __init__(self, cwd: Path) -> None:
        self.cwd = cwd
        self.out = self.err = ""
        self.code = 0
        self.environ = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "USER": "alice"}

    def __call__(self, *command: str, code: int = 0) -> str:
        done = subprocess.run(command, cwd=self.cwd, env=self.environ, capture_output=True, text=True, timeout=90)
        self.out, self.err, self.code = done.stdout, done.stderr, done.returncode
        assert done.returncode == code, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout

    def json(self, *command: str) -> Any:
        return json.loads(self(*command, "--json"))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    top = tmp_path / "bert"
    top.mkdir()
    shell = Shell(top)
    shell("git", "init", "--quiet")
    return shell


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project after its first training, made once and copied for each test."""
    top = tmp_path_factory.mktemp("trained") / "bert"
    top.mkdir()
    shell = Shell(top)
    shell("git", "init", "--quiet")
    shell("hfver", "init", "--yes", "--model-name", "alice/bert")
    config = top / "configs" / "huggingface_config.yaml"
    config.write_text(config.read_text().replace("max_retries: 3", "max_retries: 0"))
    train(shell, "1")
    return top


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Shell:
    top = tmp_path / "bert"
    shutil.copytree(trained, top, symlinks=True)
    return Shell(top)


def train(shell: Shell, version: str) -> None:
    model = shell.cwd / "model"
    model.mkdir(exist_ok=True)
    (model / "model.safetensors").write_bytes(WEIGHTS + version.encode())
    (model / "config.json").write_text(json.dumps({"version": version}))
    shell("hfver", "track", "model")
    shell("git", "add", "--all")
    shell("git", "commit", "--quiet", "--message", f"Train {version}")


def states(shell: Shell) -> dict[str, str]:
    (model,) = shell.json("hfver", "status")
    return {item["tag"]: item["state"] for item in model["versions"]}


def test_init_says_what_it_did_and_again_that_nothing_is_left_to_do(shell: Shell) -> None:
    shell("hfver", "init", "--yes")
    assert "alice/bert" in shell.err
    assert "embedded" in shell.err
    assert "hf auth login" in shell.err
    before = {path: path.read_bytes() for path in shell.cwd.rglob("*.yaml")}
    shell("hfver", "init", "--yes")
    assert {path: path.read_bytes() for path in shell.cwd.rglob("*.yaml")} == before


def test_init_keeps_the_comments_of_an_existing_config(shell: Shell) -> None:
    (shell.cwd / "config.yaml").write_text("# ours\ntraining:\n  epochs: 3  # enough\n")
    shell("hfver", "init", "--yes")
    text = (shell.cwd / "config.yaml").read_text()
    assert text.startswith("# ours\ntraining:\n  epochs: 3  # enough\n")
    assert "huggingface:" in text


def test_init_outside_git_names_git_init(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell("hfver", "init", "--yes", code=2)
    assert "git init" in shell.err


def test_git_tag_releases_and_status_and_log_show_it(project: Shell) -> None:
    project("git", "tag", "-a", "v1.0.0", "-m", "First release")
    assert "v1.0.0 released" in project.err
    assert states(project) == {"v1.0.0": "aligned"}
    assert "First release" in project("hfver", "log")
    project("hfver", "verify")


def test_a_tag_on_an_older_commit_releases_that_commit(project: Shell) -> None:
    train(project, "2")
    project("git", "tag", "v1.0.0", "HEAD~1")
    plan = project.json("hfver", "push", "--dry-run", "v1.0.0")
    assert plan[0]["published"] is True
    (model,) = project.json("hfver", "status")
    head = project("git", "rev-parse", "HEAD~1").strip()
    assert model["versions"][0]["commit"] == head


def test_bump_makes_and_releases_the_next_versions(project: Shell) -> None:
    made = []
    for level in ("minor", "prerelease", "prerelease", "finalize"):
        made.append(project("hfver", "bump", level).strip())
        if level != "prerelease" or len(made) < 3:
            train(project, level + str(len(made)))
    assert made == ["v0.1.0", "v0.1.1-rc.1", "v0.1.1-rc.2", "v0.1.1"]
    assert set(states(project).values()) == {"aligned"}


def test_bump_refuses_the_same_model_again(project: Shell) -> None:
    project("hfver", "bump", "minor")
    project("git", "commit", "--allow-empty", "--quiet", "--message", "Only code")
    project("hfver", "bump", "patch", code=8)
    assert "--allow-same" in project.err
    assert project("git", "tag").split() == ["v0.1.0"]


def test_an_unreachable_hub_keeps_the_intent_and_push_finishes_it(project: Shell) -> None:
    project.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"
    project.environ["HF_TOKEN"] = "hf_" + "x" * 30
    project("git", "tag", "v1.0.0")
    assert "hfver push" in project.err
    project("hfver", "push", code=6)
    del project.environ["HF_ENDPOINT"], project.environ["HF_TOKEN"]
    assert states(project) == {"v1.0.0": "pending"}
    project("hfver", "push")
    assert states(project) == {"v1.0.0": "aligned"}
    assert "hf_xxx" not in project.err


def test_tags_that_arrive_and_gc_publish_nothing(project: Shell, tmp_path: Path) -> None:
    project.environ["HFVER_SKIP"] = "1"
    project("git", "tag", "v1.0.0")
    del project.environ["HFVER_SKIP"]
    project("git", "clone", "--quiet", str(project.cwd), str(tmp_path / "clone"))
    clone = Shell(tmp_path / "clone")
    clone("hfver", "hooks", "install")
    project.environ["HFVER_SKIP"] = "1"
    project("git", "tag", "v1.1.0")
    del project.environ["HFVER_SKIP"]
    clone("git", "fetch", "--tags", "--quiet")
    clone("git", "gc", "--quiet")
    project("git", "gc", "--quiet")
    assert set(states(clone).values()) == {"unpublished"}


def test_a_tag_that_is_no_version_is_left_alone(project: Shell) -> None:
    project("git", "tag", "v1.2")
    assert project.err == ""
    project("hfver", "push", "v1.2", code=2)
    assert "v1.2 is not a version" in project.err


def test_a_tag_on_a_tree_is_refused_and_never_released(project: Shell) -> None:
    project("git", "tag", "v9.0.0", "HEAD^{tree}", code=128)
    assert "v9.0.0 is refused: it would point at a tree" in project.err
    project.environ["HFVER_SKIP"] = "1"
    project("git", "tag", "v9.0.0", "HEAD^{tree}")
    project("hfver", "push", "v9.0.0", code=1)
    assert "tree" in project.err


def test_a_model_nobody_tracks_is_named_with_the_command_that_tracks_it(shell: Shell) -> None:
    shell("hfver", "init", "--yes", "--model-name", "alice/bert")
    shell("git", "add", "--all")
    shell("git", "commit", "--quiet", "--message", "No model yet")
    shell.environ["HFVER_SKIP"] = "1"
    shell("git", "tag", "v1.0.0")
    del shell.environ["HFVER_SKIP"]
    shell("hfver", "push", "v1.0.0", code=1)
    assert "DVC does not track model" in shell.err
    assert "hfver track model" in shell.err


def test_a_pipeline_output_counts_as_tracked(shell: Shell) -> None:
    shell("hfver", "init", "--yes", "--model-name", "alice/bert")
    (shell.cwd / "dvc.yaml").write_text(
        "stages:\n  train:\n    cmd: mkdir -p model && echo 1 > model/config.json\n    outs: [model]\n"
    )
    shell("dvc", "repro", "--quiet")
    shell("hfver", "track", "model")
    assert "stage train" in shell.err
    shell("git", "add", "--all")
    shell("git", "commit", "--quiet", "--message", "Pipeline")
    shell("git", "tag", "v1.0.0")
    assert states(shell) == {"v1.0.0": "aligned"}


def test_bytes_missing_everywhere_are_named_and_nothing_is_lost(project: Shell) -> None:
    project.environ["HFVER_SKIP"] = "1"
    project("git", "tag", "v1.0.0")
    del project.environ["HFVER_SKIP"]
    shutil.rmtree(project.cwd / ".dvc" / "cache")
    project("hfver", "push", "v1.0.0", code=7)
    assert "dvc push" in project.err
    assert (project.cwd / "model" / "config.json").exists()


def test_an_endpoint_that_only_the_repository_names_gets_no_token(project: Shell) -> None:
    config = project.cwd / "config.yaml"
    config.write_text(config.read_text().replace('"embedded"', '"https://hub.example.org"'))
    project.environ["HF_TOKEN"] = "hf_" + "s" * 30
    project("hfver", "push", code=4)
    assert "hfver trust https://hub.example.org" in project.err
    assert "hf_sss" not in project.err + project.out
