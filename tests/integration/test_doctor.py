"""`hfver doctor` names each thing that is wrong with the command that mends it, and mends what is safe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hfver.doctor import Finding, Verdict, examine, fix
from hfver.hooks.install import install
from hfver.outbox import Outbox, Owed
from tests.support.holding import holding
from tests.support.hook_project import HFVER, new_hook_project
from tests.support.hooked import FILES, Repo, new_repo
from tests.support.hub import HubForTests


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    monkeypatch.setattr(sys, "argv", [str(HFVER)])
    repo = new_repo(tmp_path / "repo")
    repo.commit("first", {**FILES, ".dvc/config": ""})
    install(repo.path)
    return repo


def problems(repo: Repo) -> list[Finding]:
    return [item for item in examine(repo.path, os.environ, online=False) if item.verdict is Verdict.PROBLEM]


def hfver(repo: Repo, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **repo.environment}
    return subprocess.run([HFVER, *arguments], cwd=repo.path, env=environment, capture_output=True, text=True)


def test_a_healthy_project_is_found_healthy(tmp_path: Path, hub: HubForTests) -> None:
    project = new_hook_project(tmp_path, hub)
    done = hfver(project.repo, "doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert "ok    self-test: a changed ref reached hfver" in done.stdout
    assert f"ok    Hub: {hub.endpoint} answers; {project.project.repo_id} is not there yet" in done.stdout
    assert "FAIL" not in done.stdout
    assert project.repo.git("for-each-ref", "refs/hfver") == ""


def hook(repo: Repo, name: str = "reference-transaction") -> Path:
    return repo.hooks / name


def home(repo: Repo) -> Path:
    return repo.common_dir / "hfver"


def replace_hook(repo: Repo) -> None:
    hook(repo).unlink()
    hook(repo).write_text("#!/bin/sh\nexit 0\n")
    hook(repo).chmod(0o755)


def crlf(repo: Repo) -> None:
    hook(repo).write_bytes(hook(repo).read_bytes().replace(b"\n", b"\r\n"))


def shelve(repo: Repo) -> None:
    hook(repo, "pre-push").rename(hook(repo, "pre-push.old"))
    hook(repo, "pre-push").write_text("#!/bin/sh\n# lefthook\n")
    hook(repo, "pre-push").chmod(0o755)


MENDED: dict[str, tuple[Callable[[Repo], object], str]] = {
    "hook removed": (lambda repo: hook(repo).unlink(), "reference-transaction"),
    "hook replaced": (replace_hook, "reference-transaction"),
    "hook not executable": (lambda repo: hook(repo).chmod(0o644), "reference-transaction"),
    "hook with CRLF": (crlf, "self-test"),
    "program moved": (lambda repo: (home(repo) / "launcher").write_text("/gone/hfver\n"), "program"),
    "program unknown": (lambda repo: (home(repo) / "launcher").unlink(), "program"),
    "hook shelved by lefthook": (shelve, "pre-push"),
}


@pytest.mark.parametrize(("spoil", "check"), MENDED.values(), ids=MENDED)
def test_what_is_safe_to_mend_is_mended(repo: Repo, spoil: Callable[[Repo], object], check: str) -> None:
    spoil(repo)
    found = problems(repo)
    assert check in {item.check for item in found}
    assert {(item.mend, item.fixable) for item in found} == {("hfver hooks install", True)}
    assert fix(repo.path, found)
    assert problems(repo) == []


def test_a_broken_hook_of_somebody_else_is_named_and_left_to_them(repo: Repo) -> None:
    hook(repo).unlink()
    hook(repo).write_text("#!/nowhere/sh\n")
    hook(repo).chmod(0o755)
    install(repo.path)
    [found] = problems(repo)
    assert found.message.startswith("git cannot change a ref here: ")
    assert found.mend == f"look at {hook(repo)}.hfver-orig"
    assert not found.fixable


def broken_config(repo: Repo) -> None:
    (repo.path / "config.yaml").write_text("huggingface:\n  auto_sink: true\n")


def failed_release(repo: Repo) -> None:
    owed = Owed("release", "refs/tags/v1", "1" * 40, "", "", "git tag", "2024-01-01T00:00:00+00:00", 2, "no network")
    Outbox(repo.common_dir).add(owed)


OTHERS: dict[str, tuple[Callable[[Repo], object], str, str, str | None]] = {
    "configuration": (broken_config, "configuration", "config.yaml:2:3: huggingface.auto_sink", None),
    "owed": (failed_release, "outbox", "owed: release of v1, 2 attempts, last: no network", "hfver push"),
    "shared hooks directory": (
        lambda repo: repo.git("config", "--global", "core.hooksPath", "/somewhere/else"),
        "git",
        "core.hooksPath (global configuration) sends git to /somewhere/else",
        "git config --local core.hooksPath .git/hooks gives this repository hooks of its own",
    ),
}


@pytest.mark.parametrize(("spoil", "check", "message", "mend"), OTHERS.values(), ids=OTHERS)
def test_other_problems_are_named_with_what_mends_them(
    repo: Repo, spoil: Callable[[Repo], object], check: str, message: str, mend: str | None
) -> None:
    spoil(repo)
    [found] = [item for item in problems(repo) if item.check == check]
    assert message in found.message
    assert mend is None or found.mend == mend
    assert not found.fixable


def test_a_hub_that_is_down_is_a_problem_unless_it_is_not_asked(repo: Repo) -> None:
    environ = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_TOKEN": "x"}
    found = [item for item in examine(repo.path, environ) if item.check == "Hub"]
    assert [item.verdict for item in found] == [Verdict.PROBLEM]
    assert not [item for item in examine(repo.path, environ, online=False) if item.check == "Hub"]


def test_versions_made_behind_the_hooks_are_found(repo: Repo) -> None:
    from dulwich import porcelain

    porcelain.tag_create(str(repo.path), b"v3.0.0")
    [found] = [item for item in examine(repo.path, os.environ, online=False) if item.check == "tags"]
    assert found.verdict is Verdict.NOTE
    assert found.message == "made without a hook, so never released from here: v3.0.0"


def test_fix_and_json_on_the_command_line(repo: Repo) -> None:
    hook(repo).unlink()
    done = hfver(repo, "doctor", "--offline", "--json")
    assert done.returncode == 1
    wrong = [item for item in json.loads(done.stdout) if item["verdict"] == "problem"]
    assert {item["mend"] for item in wrong} == {"hfver hooks install"}
    done = hfver(repo, "doctor", "--offline", "--fix")
    assert done.returncode == 0
    assert "FAIL" not in done.stdout


def test_any_command_says_that_a_hook_was_displaced(repo: Repo) -> None:
    assert "hook" not in hfver(repo, "validate-config").stderr
    replace_hook(repo)
    assert (
        "Warning: another program took the place of hfver's reference-transaction hook; "
        "`hfver hooks install` puts it in front\n" in hfver(repo, "validate-config").stderr
    )
    install(repo.path)
    assert "hook" not in hfver(repo, "validate-config").stderr


def test_the_program_that_ran_last_is_the_one_hooks_start(repo: Repo) -> None:
    launcher = home(repo) / "launcher"
    launcher.write_text("/gone/hfver\n")
    assert hfver(repo, "validate-config").returncode == 0
    assert launcher.read_text() == f"{HFVER}\n"


def test_a_bare_repository_can_be_examined(repo: Repo, tmp_path: Path) -> None:
    repo.git("clone", "--quiet", "--bare", str(repo.path), str(tmp_path / "bare.git"))
    bare = Repo(tmp_path / "bare.git")
    install(bare.path)
    assert problems(bare) == []


def test_a_process_that_stands_still_on_the_clones_lock_is_named(repo: Repo) -> None:
    with holding(home(repo) / "worker.lock") as holder:
        notes = [item.message for item in examine(repo.path, os.environ, online=False) if item.check == "outbox"]
        assert notes[-1].startswith(f"process {holder.pid} (")
        assert notes[-1].endswith(" works on this clone")
        holder.stop()
        (found,) = problems(repo)
        assert found.message.endswith("stands still, so nobody else can: it was stopped, as Ctrl-Z does")
        assert found.mend == f"kill -CONT {holder.pid}"
    assert problems(repo) == []
