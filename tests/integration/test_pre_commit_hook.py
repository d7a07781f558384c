"""What .pre-commit-hooks.yaml offers, run by pre-commit itself in a repository that has nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.hooked import CONFIG, Repo, new_repo

MANIFEST = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"
BIN = Path(sys.executable).parent


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """Uses the hook as published, but from this environment: an installation of its own would take minutes."""
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    [hook] = yaml.safe_load(MANIFEST.read_text())
    config = {"repos": [{"repo": "local", "hooks": [{**hook, "language": "system"}]}]}
    repo = new_repo(tmp_path / "repo")
    repo.commit("first", {"config.yaml": CONFIG, ".pre-commit-config.yaml": yaml.safe_dump(config)})
    subprocess.run(["pre-commit", "install"], cwd=repo.path, check=True, capture_output=True)
    return repo


def test_the_manifest_is_one_pre_commit_accepts() -> None:
    subprocess.run([BIN / "pre-commit", "validate-manifest", MANIFEST], check=True)


def test_a_commit_with_an_invalid_configuration_is_stopped(repo: Repo) -> None:
    repo.commit("valid", {"config.yaml": CONFIG + "  auto_sync: false\n"})
    (repo.path / "config.yaml").write_text(CONFIG + "  auto_sink: false\n")
    done = repo.run("commit", "--all", "--message", "invalid", check=False)
    assert done.returncode == 1
    assert "config.yaml:6:3: huggingface.auto_sink: unknown key" in done.stderr


def test_a_commit_of_other_files_is_not_checked(repo: Repo) -> None:
    (repo.path / "config.yaml").write_text("huggingface: [\n")
    (repo.path / "code.py").write_text("1\n")
    repo.git("add", "code.py")
    assert "(no files to check)Skipped" in repo.run("commit", "--message", "code").stderr
