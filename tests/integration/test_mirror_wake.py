"""Commits owe the mirror everything since the last look, whichever way they came about, and git never waits for it.

In these tests CI is set where the result is looked at: wake-ups then run in the foreground.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hfver.hooks.install import install
from hfver.hooks.repo import find_repo
from hfver.mirror.wake import await_rebase, watch
from tests.support.git_builds import GitBuild, parameters
from tests.support.hooked import DETAILS, FILES, Program, Repo, make_program, new_repo


@pytest.fixture(params=parameters())
def repo(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, program: Program) -> Repo:
    """On main, with a feature branch `side` of one commit; what main was at is known to the mirror."""
    build: GitBuild = request.param
    for name, value in build.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CI", "true")
    repo = new_repo(tmp_path / "repo", build)
    repo.commit("first", {**FILES, "a": "1\n"})
    repo.git("checkout", "--quiet", "-b", "side")
    repo.commit("on the side", {"side": "1\n"})
    repo.git("checkout", "--quiet", "main")
    install(repo.path)
    repo.commit("second", {"a": "2\n"})
    [path] = (repo.common_dir / "hfver" / "outbox").glob("mirror-*.json")
    path.unlink()  # as if it had been mirrored
    return repo


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    program = make_program(tmp_path / "bin")
    monkeypatch.setattr(sys, "argv", [str(program.path)])
    return program


def in_python(repo: Repo, code: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_DATE")}
    subprocess.run([sys.executable, "-c", code], cwd=repo.path, env=environment, check=True)


def am(repo: Repo) -> None:
    patch = repo.git("format-patch", "--stdout", "main..side")
    repo.run("am", "--quiet", stdin=patch + "\n")


def in_linked_work_tree(repo: Repo) -> None:
    repo.git("checkout", "--quiet", "--detach")
    repo.git("worktree", "add", "--quiet", "../linked", "main")
    Repo(repo.path.parent / "linked", repo.build).commit("linked")


def fast_forward(repo: Repo) -> None:
    repo.git("branch", "ahead", "main")
    repo.git("checkout", "--quiet", "ahead")
    repo.commit("ahead")
    repo.git("checkout", "--quiet", "main")
    repo.git("merge", "--quiet", "--ff-only", "ahead")


MOVES: dict[str, Callable[[Repo], object]] = {
    "commit": lambda repo: repo.commit("third"),
    "commit --no-verify": lambda repo: repo.git("commit", "--quiet", "--allow-empty", "--no-verify", "-m", "third"),
    "amend": lambda repo: repo.git("commit", "--quiet", "--amend", "-m", "second, again"),
    "merge": lambda repo: repo.git("merge", "--quiet", "--no-ff", "--no-edit", "side"),
    "fast-forward": fast_forward,
    "cherry-pick": lambda repo: repo.git("cherry-pick", "side"),
    "revert": lambda repo: repo.git("revert", "--no-edit", "HEAD"),
    "reset": lambda repo: repo.git("reset", "--quiet", "--hard", "HEAD~1"),
    "rebase": lambda repo: repo.git("rebase", "--quiet", "side"),
    "rebase --apply": lambda repo: repo.git("rebase", "--quiet", "--apply", "side"),
    "am": am,
    "update-ref": lambda repo: repo.git("update-ref", "refs/heads/main", "side"),
    "a linked work tree": in_linked_work_tree,
    "GitPython": lambda repo: in_python(repo, "import git; git.Repo('.').index.commit('third')"),
    "dulwich": lambda repo: in_python(
        repo, "from dulwich import porcelain; porcelain.commit('.', message=b'x', author=b'a <a@b>')"
    ),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_a_moved_branch_owes_its_mirror_from_the_last_look_on(
    repo: Repo, program: Program, move: Callable[[Repo], object]
) -> None:
    before = repo.git("rev-parse", "main")
    move(repo)
    after = repo.git("rev-parse", "main")
    assert after != before
    assert repo.mirror_owed() == {"main": (before, after)}
    assert program.published_quietly()


def test_many_commits_make_one_entry_from_the_first_to_the_last(repo: Repo) -> None:
    before = repo.git("rev-parse", "main")
    for number in range(3):
        repo.commit(f"number {number}")
    assert repo.mirror_owed() == {"main": (before, repo.git("rev-parse", "main"))}


OTHERS: dict[str, Callable[[Repo], object]] = {
    "another branch": lambda repo: (repo.git("checkout", "--quiet", "side"), repo.commit("more")),
    "no branch": lambda repo: (repo.git("checkout", "--quiet", "--detach"), repo.commit("more")),
    "stash": lambda repo: ((repo.path / "a").write_text("3\n"), repo.git("stash", "--quiet")),
    "a deleted branch": lambda repo: repo.git("branch", "-D", "side"),
    "skipped": lambda repo: repo.git("commit", "--quiet", "--allow-empty", "-m", "more", HFVER_SKIP="1"),
}


@pytest.mark.parametrize("move", OTHERS.values(), ids=OTHERS)
def test_other_movements_owe_nothing(repo: Repo, move: Callable[[Repo], object]) -> None:
    move(repo)
    assert repo.mirror_owed() == {}


def test_a_skipped_hook_is_made_good_by_the_next(repo: Repo) -> None:
    before = repo.git("rev-parse", "main")
    repo.git("commit", "--quiet", "--allow-empty", "-m", "unseen", HFVER_SKIP="1")
    repo.git("checkout", "--quiet", "side")
    repo.commit("elsewhere")
    assert repo.mirror_owed() == {"main": (before, repo.git("rev-parse", "main"))}


def test_nothing_is_owed_without_mirrored_branches(repo: Repo) -> None:
    repo.commit("none", {DETAILS: "mirror: {branches: []}\n"})
    (repo.common_dir / "hfver" / "branches.json").unlink()
    for path in (repo.common_dir / "hfver" / "outbox").glob("mirror-*.json"):
        path.unlink()
    repo.commit("more")
    assert repo.mirror_owed() == {}


def test_a_commit_does_not_wait_for_its_mirror(
    repo: Repo, program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The worker stands at a pipe that is fed only after git came back, although git's output was captured."""
    monkeypatch.delenv("CI")
    gate, done = tmp_path / "gate", tmp_path / "done"
    os.mkfifo(gate)
    os.mkfifo(done)
    program.does(f"open({str(gate)!r}).read(); open({str(done)!r}, 'w').close()")
    before = repo.git("rev-parse", "main")
    repo.run("commit", "--allow-empty", "--message", "third", timeout=30)
    opener = threading.Thread(target=lambda: gate.open("w").close())
    opener.start()
    done.read_text()
    opener.join()
    assert repo.mirror_owed() == {"main": (before, repo.git("rev-parse", "main"))}


def test_one_process_looks_and_sees_those_who_called_meanwhile(repo: Repo) -> None:
    place = find_repo(repo.path)
    calls: list[int] = []

    def work() -> None:
        calls.append(len(calls))
        if len(calls) == 1:
            watch(place, work)  # another hook while the first is at it: returns at once

    watch(place, work)
    assert calls == [0, 1]
    watch(place, work)
    assert calls == [0, 1, 2]


def test_the_worker_waits_for_the_end_of_a_rebase_and_not_for_ever(repo: Repo) -> None:
    place = find_repo(repo.path)
    assert await_rebase(place)
    directory = place.git_dir / "rebase-merge"
    directory.mkdir()
    assert not await_rebase(place, sleep=lambda _: None, patience=1)
    naps = iter([lambda: None, directory.rmdir])
    assert await_rebase(place, sleep=lambda _: next(naps)())
