"""hfver's hooks beside git-lfs, DVC, pre-commit, husky and lefthook themselves, installed before us and after us."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hfver.hooks.install import install, status, uninstall
from hfver.hooks.state import State
from tests.support.git_builds import TOOLS
from tests.support.hooked import FILES, Program, Repo, make_program, new_repo

NPM = TOOLS / "npm" / "node_modules"
LEFTHOOK = next(NPM.glob("lefthook-*/bin/lefthook*"), None)
HUSKY = NPM / "husky" / "bin.js"
GET_THEM = "run tests/support/external_tools.sh"

needs_lfs = pytest.mark.skipif(shutil.which("git-lfs") is None, reason=f"no git-lfs: {GET_THEM}")
needs_husky = pytest.mark.skipif(
    not HUSKY.is_file() or shutil.which("node") is None, reason=f"no husky or no node: {GET_THEM}"
)
needs_lefthook = pytest.mark.skipif(LEFTHOOK is None, reason=f"no lefthook: {GET_THEM}")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    program = make_program(tmp_path / "bin")
    monkeypatch.setattr(sys, "argv", [str(program.path)])
    scripts = Path(sys.executable).parent  # where dvc and pre-commit are
    monkeypatch.setenv("PATH", f"{scripts}{os.pathsep}{os.environ['PATH']}")
    return program


@pytest.fixture
def repo(tmp_path: Path, program: Program) -> Repo:
    repo = new_repo(tmp_path / "repo")
    repo.commit("first", FILES)
    repo.git("init", "--quiet", "--bare", str(tmp_path / "origin.git"))
    repo.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    return repo


def run(repo: Repo, *command: str | Path, check: bool = True) -> str:
    done = subprocess.run(
        list(map(str, command)), cwd=repo.path, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{command}: code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def releases(repo: Repo) -> None:
    """A tag made now is released; whoever else has hooks, ours is at work."""
    repo.git("tag", "v1.0.0")
    assert repo.owed() == {("v1.0.0", repo.tag_object("v1.0.0"))}


def files_of(directory: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mode) for path in directory.iterdir() if path.is_file()}


def states(repo: Repo) -> dict[str, State]:
    return {hook.name: hook.state for hook in status(repo.path).hooks}


# -- git-lfs ----------------------------------------------------------------------------------------------------------


def commit_large_file(repo: Repo) -> str:
    run(repo, "git", "lfs", "track", "*.bin")
    repo.commit("large", {"weights.bin": "large\n"})
    return repo.git("cat-file", "blob", "HEAD:weights.bin").split("sha256:")[1].split("\n")[0]


def lfs_object(repo: Repo, oid: str) -> Path:
    return repo.path.parent / "origin.git" / "lfs" / "objects" / oid[:2] / oid[2:4] / oid


@needs_lfs
def test_git_lfs_before_us_goes_on_working_and_comes_back_untouched(repo: Repo) -> None:
    run(repo, "git", "lfs", "install", "--local")
    before = files_of(repo.hooks)
    install(repo.path)
    assert states(repo)["pre-push"] is State.CHAINED
    oid = commit_large_file(repo)
    repo.git("push", "--quiet", "origin", "main")
    assert lfs_object(repo, oid).read_text() == "large\n"
    releases(repo)
    uninstall(repo.path)
    assert files_of(repo.hooks) == before


@needs_lfs
def test_git_lfs_after_us_installs_no_hooks_and_its_files_are_sent_all_the_same(repo: Repo) -> None:
    run(repo, "git", "lfs", "install", "--skip-repo")
    install(repo.path)
    before = files_of(repo.hooks)
    oid = commit_large_file(repo)
    assert files_of(repo.hooks) == before
    repo.git("push", "--quiet", "origin", "main")
    assert lfs_object(repo, oid).read_text() == "large\n"
    releases(repo)


@needs_lfs
def test_git_lfs_that_forced_its_hooks_over_ours_is_chained_again(repo: Repo) -> None:
    run(repo, "git", "lfs", "install", "--skip-repo")
    install(repo.path)
    run(repo, "git", "lfs", "update", "--force")
    assert states(repo)["pre-push"] is State.FOREIGN
    install(repo.path)
    assert states(repo)["pre-push"] is State.CHAINED
    oid = commit_large_file(repo)
    repo.git("push", "--quiet", "origin", "main")
    assert lfs_object(repo, oid).exists()
    uninstall(repo.path)
    assert b"git lfs pre-push" in (repo.hooks / "pre-push").read_bytes()


@needs_lfs
def test_without_git_lfs_on_path_a_push_of_its_files_stops(repo: Repo, tmp_path: Path) -> None:
    run(repo, "git", "lfs", "install", "--skip-repo")
    install(repo.path)
    commit_large_file(repo)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("git", "sh", "tr"):
        (tools / name).symlink_to(shutil.which(name) or "")
    done = repo.run("push", "--quiet", "origin", "main", check=False, env={"PATH": str(tools)})
    assert done.returncode == 1
    assert "This repository uses Git LFS, but git-lfs is not on PATH" in done.stderr


# -- DVC --------------------------------------------------------------------------------------------------------------


def dvc_remote(repo: Repo) -> Path:
    """A DVC project with one tracked file and a remote; what DVC's own pre-push has to send."""
    run(repo, "dvc", "init", "--quiet")
    remote = repo.path.parent / "dvc-remote"
    run(repo, "dvc", "remote", "add", "--quiet", "--default", "store", remote)
    (repo.path / "data").write_text("data\n")
    run(repo, "dvc", "add", "--quiet", "data")
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "--message", "data")
    return remote


def test_dvc_before_us_goes_on_pushing_and_comes_back_untouched(repo: Repo) -> None:
    remote = dvc_remote(repo)
    run(repo, "dvc", "install")
    before = files_of(repo.hooks)
    install(repo.path)
    repo.git("push", "--quiet", "origin", "main")  # our check comes after DVC's push and finds everything there
    assert [path for path in remote.rglob("*") if path.is_file()]
    releases(repo)
    uninstall(repo.path)
    assert files_of(repo.hooks) == before


def test_dvc_after_us_is_installed_by_making_room_for_it(repo: Repo) -> None:
    """DVC refuses to install beside any pre-push; the way is to take ours away for that moment."""
    remote = dvc_remote(repo)
    install(repo.path)
    assert "already exists" in run(repo, "dvc", "install", check=False)
    uninstall(repo.path, ["pre-push"])
    run(repo, "dvc", "install")
    install(repo.path)
    assert states(repo)["pre-push"] is State.CHAINED
    repo.git("push", "--quiet", "origin", "main")
    assert [path for path in remote.rglob("*") if path.is_file()]
    releases(repo)


# -- pre-commit -------------------------------------------------------------------------------------------------------

PRE_COMMIT = """\
repos:
- repo: local
  hooks:
  - {id: note, name: note, language: system, entry: sh -c 'echo ran >>ran.log', always_run: true, pass_filenames: false,
     stages: [pre-push, post-commit]}
"""


def use_pre_commit(repo: Repo) -> None:
    repo.commit("pre-commit", {".pre-commit-config.yaml": PRE_COMMIT, ".gitignore": "ran.log\n"})


def install_pre_commit(repo: Repo, *options: str) -> None:
    run(repo, "pre-commit", "install", "--hook-type", "pre-push", "--hook-type", "post-commit", *options)


def test_pre_commit_before_us_goes_on_working_and_comes_back_untouched(repo: Repo) -> None:
    use_pre_commit(repo)
    install_pre_commit(repo)
    before = files_of(repo.hooks)
    install(repo.path)
    repo.git("push", "--quiet", "origin", "main")
    assert (repo.path / "ran.log").read_text() == "ran\n"
    releases(repo)
    uninstall(repo.path)
    assert files_of(repo.hooks) == before


def test_pre_commit_after_us_calls_ours(repo: Repo, program: Program) -> None:
    use_pre_commit(repo)
    install(repo.path)
    install_pre_commit(repo)
    assert states(repo) == {
        "reference-transaction": State.INSTALLED,
        "post-commit": State.CALLED,
        "pre-push": State.CALLED,
    }
    before = files_of(repo.hooks)
    install(repo.path)
    assert files_of(repo.hooks) == before
    repo.git("tag", "v2.0.0", HFVER_SKIP="1")
    done = repo.run("push", "origin", "main", "v2.0.0", check=False, env={"HF_ENDPOINT": "http://127.0.0.1:9"})
    assert (repo.path / "ran.log").read_text() == "ran\n"
    assert "hfver: the Hub was not asked" in done.stderr
    releases(repo)
    uninstall(repo.path)
    assert not list(repo.hooks.glob("*.legacy"))
    repo.git("push", "--quiet", "origin", "main")
    run(repo, "pre-commit", "uninstall", "--hook-type", "pre-push", "--hook-type", "post-commit")
    assert [name for name in files_of(repo.hooks) if not name.endswith(".sample")] == []


def test_a_third_hook_below_ours_survives_pre_commit_and_our_leaving(repo: Repo) -> None:
    theirs = repo.hooks / "pre-push"
    theirs.write_text("#!/bin/sh\necho third >>ran.log\n")
    theirs.chmod(0o755)
    before = theirs.read_bytes()
    use_pre_commit(repo)
    install(repo.path)
    install_pre_commit(repo)
    repo.git("push", "--quiet", "origin", "main")
    assert (repo.path / "ran.log").read_text() == "third\nran\n"
    uninstall(repo.path)
    assert (repo.hooks / "pre-push.legacy").read_bytes() == before
    run(repo, "pre-commit", "uninstall", "--hook-type", "pre-push")
    assert theirs.read_bytes() == before


def test_pre_commit_that_overwrote_ours_is_chained_again(repo: Repo) -> None:
    use_pre_commit(repo)
    install(repo.path)
    install_pre_commit(repo, "--overwrite")
    assert states(repo)["pre-push"] is State.FOREIGN
    install(repo.path)
    assert states(repo)["pre-push"] is State.CHAINED
    repo.git("push", "--quiet", "origin", "main")
    assert (repo.path / "ran.log").read_text() == "ran\n"


# -- husky ------------------------------------------------------------------------------------------------------------


def use_husky(repo: Repo) -> None:
    run(repo, "node", HUSKY)
    assert repo.git("config", "core.hooksPath") == ".husky/_"
    (repo.path / ".husky" / "pre-push").write_text("echo husky >>ran.log\n")


@needs_husky
def test_husky_before_us(repo: Repo) -> None:
    use_husky(repo)
    before = files_of(repo.path / ".husky" / "_")
    report = install(repo.path)
    assert report.directory == repo.path / ".husky" / "_"
    assert any("linked work tree" in note for note in report.notes)
    releases(repo)
    repo.git("push", "--quiet", "origin", "main")
    assert (repo.path / "ran.log").read_text() == "husky\n"
    run(repo, "node", HUSKY)  # every `npm install` does this, and husky then rewrites its own files
    assert states(repo)["reference-transaction"] is State.INSTALLED
    assert states(repo)["pre-push"] is State.FOREIGN
    install(repo.path)
    assert states(repo)["pre-push"] is State.CHAINED
    (repo.path / "ran.log").unlink()
    repo.commit("more")
    repo.git("push", "--quiet", "origin", "main")
    assert (repo.path / "ran.log").read_text() == "husky\n"
    uninstall(repo.path)
    assert files_of(repo.path / ".husky" / "_") == before


@needs_husky
def test_husky_after_us_moves_the_hooks_and_ours_are_installed_there(repo: Repo) -> None:
    install(repo.path)
    use_husky(repo)
    assert set(states(repo).values()) == {State.ABSENT, State.FOREIGN}
    install(repo.path)
    releases(repo)
    repo.git("push", "--quiet", "origin", "main")
    assert (repo.path / "ran.log").read_text() == "husky\n"


# -- lefthook ---------------------------------------------------------------------------------------------------------

LEFTHOOK_CONFIG = "pre-push:\n  jobs:\n    - run: echo lefthook >>ran.log\n"


def use_lefthook(repo: Repo, *options: str) -> None:
    assert LEFTHOOK is not None
    repo.commit("lefthook", {"lefthook.yml": LEFTHOOK_CONFIG, ".gitignore": "ran.log\n"})
    run(repo, LEFTHOOK, "install", *options)


@needs_lefthook
def test_lefthook_before_us(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEFTHOOK_BIN", str(LEFTHOOK))
    use_lefthook(repo)
    before = files_of(repo.hooks)
    install(repo.path)
    assert states(repo)["pre-push"] is State.CHAINED
    repo.git("push", "--quiet", "origin", "main")
    assert "lefthook" in (repo.path / "ran.log").read_text()
    releases(repo)
    uninstall(repo.path)
    assert files_of(repo.hooks) == before


@needs_lefthook
def test_lefthook_after_us_takes_the_place_and_is_chained_again(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEFTHOOK_BIN", str(LEFTHOOK))
    install(repo.path)
    use_lefthook(repo)
    assert states(repo)["pre-push"] is State.FOREIGN
    install(repo.path)
    assert states(repo)["pre-push"] is State.CHAINED
    assert not (repo.hooks / "pre-push.old").exists()
    repo.git("push", "--quiet", "origin", "main")
    assert "lefthook" in (repo.path / "ran.log").read_text()
    releases(repo)
