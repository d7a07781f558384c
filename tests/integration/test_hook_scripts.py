"""The scripts themselves, run by every shell that may stand behind /bin/sh, and after hfver was uninstalled."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hfver.hooks.install import install
from hfver.hooks.scripts import HOOKS, hook_name, script, script_directory
from tests.support.git_builds import GitBuild, parameters
from tests.support.hooked import FILES, Repo, make_program, new_repo

ZERO, OID = "0" * 40, "1" * 40

SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "sh"], "mksh": ["mksh"], "sh": ["sh"]}

# Writes down how it was called; what the real program is tested for elsewhere.
RECORDER = """\
#!/bin/sh
{ echo "$@"; cat; } >>"${0%/*}/calls"
exit "${RECORDER_CODE:-0}"
"""


def shells() -> list[object]:
    return [
        pytest.param(
            command,
            id=name,
            marks=() if shutil.which(command[0]) else pytest.mark.skip(reason=f"{name} is not installed"),
        )
        for name, command in SHELLS.items()
    ]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A git directory as the scripts see it, with hooks and a launcher, without git."""
    home = tmp_path / ".git" / "hfver"
    home.mkdir(parents=True)
    program = tmp_path / "bin" / "hfver"
    program.parent.mkdir()
    program.write_text(RECORDER)
    program.chmod(0o755)
    (home / "launcher").write_text(f"{program}\n")
    hooks = tmp_path / ".git" / "hooks"
    hooks.mkdir()
    for name in HOOKS:
        (hooks / name).write_bytes(script(name))
    return tmp_path


def run(
    place: Path, shell: list[str], name: str, *args: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*shell, f".git/hooks/{name}", *args],
        cwd=place,
        input=stdin,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
    )


def calls(place: Path) -> str:
    log = place / "bin" / "calls"
    return log.read_text() if log.exists() else ""


HOSTILE = ["v1$(id)", "v1`id`", "v1'q", 'v1"q', "v1;x", "größe-1", "v1%s", "v1#2", "v1*", "-v1", "v1\\n", "a/b-1"]


@pytest.mark.parametrize("shell", shells())
def test_every_shell_passes_versions_on_as_they_are(place: Path, shell: list[str]) -> None:
    lines = "".join(f"{ZERO} {OID} refs/tags/{name}\n" for name in HOSTILE)
    noise = f"{ZERO} {OID} refs/tags/nightly\n{OID} {ZERO} refs/tags/v0\n{ZERO} ref:refs/tags/v1 refs/tags/v9\n"
    done = run(place, shell, "reference-transaction", "committed", stdin=noise + lines + f"{OID} {OID} refs/x\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert calls(place) == "hook reference-transaction committed\n" + lines


@pytest.mark.parametrize("shell", shells())
def test_every_shell_chains(place: Path, shell: list[str]) -> None:
    original = place / ".git" / "hooks" / "reference-transaction.hfver-orig"
    original.write_text('#!/bin/sh\ncat >>theirs\nexit "${THEIR_CODE:-0}"\n')
    original.chmod(0o755)
    line = f"{ZERO} {OID} refs/tags/v1$(id)'\n"
    done = run(place, shell, "reference-transaction", "prepared", stdin=line, THEIR_CODE="3")
    assert (done.returncode, calls(place)) == (3, "")
    done = run(place, shell, "reference-transaction", "committed", stdin=line, THEIR_CODE="4")
    assert done.returncode == 4
    assert (place / "theirs").read_text() == line * 2
    assert calls(place) == "hook reference-transaction committed\n" + line


@pytest.mark.parametrize("shell", shells())
@pytest.mark.parametrize("name", ["reference-transaction", "pre-push"])
def test_thousands_of_refs_are_passed_on_whole_and_in_no_time(place: Path, shell: list[str], name: str) -> None:
    """Put together line by line these took every shell half a minute."""
    original = place / ".git" / "hooks" / f"{name}.hfver-orig"
    original.write_text("#!/bin/sh\nexit 0\n")  # ends before it has read them
    original.chmod(0o755)
    local = "refs/tags/v0 " if name == "pre-push" else ""
    count = 999 if shell == SHELLS["mksh"] else 12_345  # its printf is a program: 128 KB are the most it can be given
    lines = "".join(f"{local}{ZERO} {OID} refs/tags/v1.0.{number}\n" for number in range(count))
    done = run(place, shell, name, "committed", stdin=lines)
    assert (done.returncode, done.stderr) == (0, "")
    assert calls(place) == f"hook {name} committed\n{lines}"


@pytest.mark.parametrize("shell", shells())
@pytest.mark.parametrize(("code", "expected"), [(0, 0), (8, 1), (1, 0), (127, 0), (139, 0)])
def test_only_code_8_refuses_and_only_while_it_can(place: Path, shell: list[str], code: int, expected: int) -> None:
    line = f"{ZERO} {OID} refs/tags/v1.0.0\n"
    done = run(place, shell, "reference-transaction", "prepared", stdin=line, RECORDER_CODE=str(code))
    assert done.returncode == expected
    done = run(place, shell, "reference-transaction", "committed", stdin=line, RECORDER_CODE=str(code))
    assert done.returncode == 0
    push = run(place, shell, "pre-push", "origin", "url", stdin="a b c d\n", RECORDER_CODE=str(code))
    assert push.returncode == expected


@pytest.mark.parametrize("shell", shells())
def test_states_nobody_knows_and_empty_transactions_do_nothing(place: Path, shell: list[str]) -> None:
    line = f"{ZERO} {OID} refs/tags/v1.0.0\n"
    for state in ("preparing", "aborted", "", "of the future"):
        assert run(place, shell, "reference-transaction", state, stdin=line).returncode == 0
    for state in ("prepared", "committed"):
        assert run(place, shell, "reference-transaction", state).returncode == 0
    for name in ("HFVER_SKIP", "HFVER_IN_HOOK"):
        assert run(place, shell, "reference-transaction", "committed", stdin=line, **{name: "1"}).returncode == 0
    assert run(place, shell, "pre-push", "origin", "url").returncode == 0
    assert calls(place) == ""


@pytest.mark.parametrize("shell", shells())
def test_a_commit_of_another_program_wakes_hfver(place: Path, shell: list[str]) -> None:
    done = run(place, shell, "post-commit", CI="true")
    assert (done.returncode, done.stdout) == (0, "")
    assert calls(place) == "hook wake\n"
    (place / ".git" / "rebase-merge").mkdir()
    run(place, shell, "post-commit", CI="true")
    assert calls(place) == "hook wake\n"


def test_the_scripts_are_plain_sh_with_their_names_in_them() -> None:
    assert {path.name for path in script_directory().iterdir()} == {*HOOKS, "README.md"}
    for name in HOOKS:
        content = script(name)
        assert hook_name(content) == name
        assert content.startswith(b"#!/bin/sh\n")
        assert b"\r" not in content
        assert (script_directory() / name).stat().st_mode & 0o111


# -- after pip uninstall hfver ----------------------------------------------------------------------------------------


@pytest.fixture(params=parameters())
def forsaken(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """A repository whose hooks are left although the program is gone."""
    build: GitBuild = request.param
    for name, value in build.environment().items():
        monkeypatch.setenv(name, value)
    program = make_program(tmp_path / "bin")
    monkeypatch.setattr(sys, "argv", [str(program.path)])
    repo = new_repo(tmp_path / "repo", build)
    repo.commit("first", FILES)
    install(repo.path)
    program.path.unlink()
    tools = tmp_path / "tools"  # a PATH on which there is no hfver
    tools.mkdir()
    for tool in ("git", "git-upload-pack", "git-receive-pack", "sh", "tr", "cat", "sed", "basename", "env", "rm"):
        if shutil.which(tool):
            (tools / tool).symlink_to(shutil.which(tool) or "")
    monkeypatch.setenv("PATH", str(tools))
    return Repo(repo.path, GitBuild("as set", None))


def test_git_works_on_after_hfver_is_gone(forsaken: Repo) -> None:
    repo = forsaken
    quiet = [
        ["commit", "--quiet", "--allow-empty", "-m", "second"],
        ["commit", "--quiet", "--amend", "--allow-empty", "-m", "second again"],
        ["branch", "side", "HEAD~1"],
        ["checkout", "--quiet", "side"],
        ["commit", "--quiet", "--allow-empty", "-m", "on the side"],
        ["rebase", "--quiet", "main"],
        ["checkout", "--quiet", "main"],
        ["merge", "--quiet", "side"],
        ["tag", "nightly"],
        ["fetch", "--quiet", "."],
        ["pack-refs", "--all"],
        ["gc", "--quiet"],
        ["clone", "--quiet", "--template=", ".", "../clone"],
        ["init", "--quiet", "--template=", "--bare", "../bare.git"],
        ["reset", "--quiet", "--hard", "HEAD~1"],
        ["stash", "list"],
    ]
    for arguments in quiet:
        assert repo.run(*arguments).stderr == "", arguments
    said = repo.run("tag", "v1.0.0").stderr
    assert said.startswith("hfver: the program is gone, so v1.0.0 is a git tag only; reinstall hfver and run: ")
    assert said.count("\n") == 1
    said = repo.run("push", "--quiet", "../bare.git", "main", "v1.0.0").stderr
    assert said.startswith("hfver: the program is gone, so this push is not checked")
    assert said.count("\n") == 1


def test_a_program_that_cannot_start_fails_nothing(forsaken: Repo, tmp_path: Path) -> None:
    """The console script is there, its virtual environment is not."""
    shim = tmp_path / "bin" / "hfver"
    shim.write_text("#!/gone/venv/bin/python\n")
    shim.chmod(0o755)
    done = forsaken.run("tag", "v1.0.0")
    assert done.returncode == 0
    assert "hfver: the program is gone, so v1.0.0 is a git tag only" in done.stderr
    assert forsaken.run("commit", "--quiet", "--allow-empty", "-m", "more").stderr == ""
    assert forsaken.run("push", "--quiet", ".", "HEAD:refs/heads/copy").returncode == 0


def test_a_tag_works_with_an_empty_environment(forsaken: Repo) -> None:
    git = shutil.which("git")
    assert git is not None
    done = subprocess.run([git, "tag", "v1.0.0"], cwd=forsaken.path, env={}, capture_output=True, text=True)
    assert done.returncode == 0
    assert forsaken.git("tag") == "v1.0.0"
