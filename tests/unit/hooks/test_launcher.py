from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hfver.hooks import launcher


def refresh(start: Path) -> None:
    home = launcher.home_above(start)
    if home is not None:
        launcher.refresh(home)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "größe bin" / "hfver"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(path), "status"])
    return path


def test_the_running_program_is_noted(tmp_path: Path, program: Path) -> None:
    home = tmp_path / "repo" / ".git" / "hfver"
    home.mkdir(parents=True)
    refresh(tmp_path / "repo")
    assert (home / "launcher").read_text() == f"{program}\n"


def test_the_note_follows_a_moved_program_and_is_not_rewritten_otherwise(tmp_path: Path, program: Path) -> None:
    home = tmp_path / "repo" / ".git" / "hfver"
    (home).mkdir(parents=True)
    (tmp_path / "repo" / "deep" / "er").mkdir(parents=True)
    (home / "launcher").write_text("/gone/bin/hfver\n")
    refresh(tmp_path / "repo" / "deep" / "er")
    assert (home / "launcher").read_text() == f"{program}\n"
    before = (home / "launcher").stat()
    refresh(tmp_path / "repo")
    assert (home / "launcher").stat().st_ino == before.st_ino


def test_linked_work_trees_and_submodules_lead_to_the_common_dir(tmp_path: Path, program: Path) -> None:
    home = tmp_path / "repo" / ".git" / "hfver"
    home.mkdir(parents=True)
    linked_dir = tmp_path / "repo" / ".git" / "worktrees" / "linked"
    linked_dir.mkdir(parents=True)
    (linked_dir / "commondir").write_text("../..\n")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / ".git").write_text(f"gitdir: {linked_dir}\n")
    refresh(tmp_path / "linked")
    assert (home / "launcher").read_text() == f"{program}\n"


def test_a_repository_without_hfver_is_left_alone(tmp_path: Path, program: Path) -> None:
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    refresh(tmp_path / "repo")
    assert list((tmp_path / "repo" / ".git").iterdir()) == []


def test_the_command_starts_a_program_that_exists(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert launcher.command() == [str(program)]
    monkeypatch.setattr(sys, "argv", ["-c"])
    monkeypatch.setattr(launcher, "this_program", lambda: None)
    assert launcher.command()[:2] == [sys.executable, "-I"]
