"""What holds for every command: help that says what it does, and the same options with the same meaning."""

from __future__ import annotations

import json
import os
import pty
import re
import resource
import subprocess
import sys
from pathlib import Path

import click
import pytest

from docs.tools.command_line import Found, all_commands
from tests.support.gitting import commit, git, new_repo

COMMANDS = list(all_commands())
LEAVES = [found for found in COMMANDS if not found.is_group]
HFVER = Path(sys.executable).parent / "hfver"


def run(*arguments: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "COLUMNS": "80", **variables}
    return subprocess.run(
        [sys.executable, "-m", "hfver", *arguments], cwd=cwd, env=environ, capture_output=True, text=True, timeout=60
    )


def named(found: Found) -> str:
    return "-".join(found.path)


@pytest.mark.parametrize("found", COMMANDS, ids=named)
def test_every_command_says_in_a_sentence_what_it_does(found: Found) -> None:
    summary = found.command.get_short_help_str(limit=300)
    assert summary[:1].isupper()
    assert not summary.endswith("...")


@pytest.mark.parametrize("found", COMMANDS, ids=named)
def test_help_fits_eighty_columns(found: Found) -> None:
    too_long = [line for line in found.help.splitlines() if len(line) > 80]
    assert too_long == []


@pytest.mark.parametrize("found", LEAVES, ids=named)
def test_help_shows_an_example_that_calls_the_command(found: Found) -> None:
    _, _, example = found.help.partition("Example:\n")
    assert found.name in example.partition("Options:")[0]


@pytest.mark.parametrize("found", LEAVES, ids=named)
def test_every_option_is_explained(found: Found) -> None:
    bare = [
        parameter.name
        for parameter in found.command.params
        if isinstance(parameter, click.Option) and not parameter.help and not parameter.hidden
    ]
    assert bare == []


@pytest.mark.parametrize("found", LEAVES, ids=named)
def test_json_and_quiet_are_everywhere(found: Found) -> None:
    spelled = {text for parameter in found.command.params for text in parameter.opts}
    assert {"--json", "-q", "--quiet"} <= spelled


@pytest.mark.parametrize("found", COMMANDS, ids=named)
def test_one_letter_means_the_same_everywhere(found: Found) -> None:
    meanings = {
        "-q": {"quiet"},
        "-n": {"dry_run", "max_count", "limit"},  # as in make and in git log
        "-y": {"yes"},
        "-m": {"message", "commit_message"},
        "-f": {"force"},
        "-c": {"path"},
        "-o": {"output"},
    }
    for parameter in found.command.params:
        for letter in (text for text in parameter.opts if len(text) == 2):
            assert parameter.name in meanings[letter], f"{found.name}: {letter} is {parameter.name} here"


def test_the_overview_names_every_command_on_one_line() -> None:
    lines = run("--help").stdout.splitlines()
    for found in COMMANDS:
        if len(found.path) == 1:
            assert any(line.startswith(f"  {found.path[0]} ") for line in lines), found.name


def test_help_comes_from_the_installed_script_too() -> None:
    done = subprocess.run([str(HFVER), "push", "-h"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: hfver push")


def test_version_names_what_a_bug_report_needs() -> None:
    done = run("--version")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "hfver", "Python", "git", "dvc", "huggingface_hub", "hf_xet",
    ]  # fmt: skip
    assert all(any(char.isdigit() for char in line) for line in done.stdout.splitlines())


def test_version_works_without_git() -> None:
    done = run("--version", PATH="/nonexistent")
    assert done.returncode == 0
    assert "git (not found)" in done.stdout


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_start_in_a_blink(argument: str) -> None:
    def cpu() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(argument)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    bare = min(_bare_python() for _ in range(3))
    # Beside what the interpreter itself takes here, so that a slow or busy machine does not fail it.
    assert min(cpu() for _ in range(3)) < max(0.15, bare * 8)


def _bare_python() -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize(
    ("typed", "meant"),
    [(["stauts"], "status"), (["chekout"], "checkout"), (["hub", "sevre"], "serve"), (["status", "--jsn"], "--json")],
)
def test_a_mistyped_word_is_met_with_the_one_that_was_meant(typed: list[str], meant: str) -> None:
    done = run(*typed)
    assert done.returncode == 2
    assert f"Did you mean {meant}?" in done.stderr.replace("'", "")


def test_a_word_that_is_like_no_command_is_not_guessed_at() -> None:
    done = run("xyzzy")
    assert done.returncode == 2
    assert "There is no command 'xyzzy'." in done.stderr
    assert "Did you mean" not in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_of_a_shell_asks_hfver(shell: str) -> None:
    done = run("completion", shell)
    assert done.returncode == 0
    assert f"_HFVER_COMPLETE={shell}_complete" in done.stdout


def complete(cwd: Path, words: str) -> list[str]:
    done = run(cwd=cwd, _HFVER_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(len(words.split(" ")) - 1))
    assert done.returncode == 0, done.stderr
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_completion_knows_commands_options_and_tags(tmp_path: Path) -> None:
    repo = new_repo(tmp_path / "repo")
    commit(repo, "First", {"a": "1"})
    for tag in ("v1.0.0", "v1.10.0", "v1.2.0", "exp-a-001"):
        git(repo, "tag", tag)
    assert complete(repo, "hfver chec") == ["checkout"]
    assert complete(repo, "hfver hub se") == ["serve"]
    assert complete(repo, "hfver bump mi") == ["minor"]
    assert complete(repo, "hfver push --all-m") == ["--all-missing"]
    assert complete(repo, "hfver checkout v1") == ["v1.10.0", "v1.2.0", "v1.0.0"]
    assert complete(tmp_path, "hfver checkout v1") == []


def test_completion_loads_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from hfver.cli.main import run\n"
        "try:\n    run([])\nexcept SystemExit:\n    pass\n"
        "heavy = {'dvc', 'huggingface_hub', 'git', 'pydantic', 'starlette', 'rich', 'pygit2'}\n"
        "print(sorted(set(sys.modules) & heavy), file=sys.stderr)\n"
    )
    environ = {**os.environ, "_HFVER_COMPLETE": "bash_complete", "COMP_WORDS": "hfver checkout v", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("arguments", [["-c", "import hfver"], ["-m", "hfver", "--help"], ["-m", "hfver", "--version"]])
def test_python_has_nothing_to_warn_of(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-W", "error", *arguments], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def on_a_terminal(*arguments: str, cwd: Path, **variables: str) -> str:
    """What a command writes to a terminal of 80 columns."""
    leader, follower = pty.openpty()
    environ = {**os.environ, "COLUMNS": "80", "TERM": "xterm-256color", **variables}
    process = subprocess.Popen(
        [sys.executable, "-m", "hfver", *arguments], cwd=cwd, env=environ, stdout=follower, stderr=follower
    )
    os.close(follower)
    written = bytearray()
    while block := _read(leader):
        written += block
    process.wait()
    os.close(leader)
    return written.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux says so when the other end is closed
        return b""


def test_colour_is_for_terminals_that_want_it(tmp_path: Path) -> None:
    assert "\x1b[31mError:" in on_a_terminal("status", cwd=tmp_path)
    assert "\x1b" not in on_a_terminal("status", cwd=tmp_path, NO_COLOR="1")
    assert "\x1b" not in run("status", cwd=tmp_path).stderr


def test_tables_fit_eighty_columns_on_a_terminal_and_are_whole_lines_in_a_pipe(tmp_path: Path) -> None:
    repo = new_repo(tmp_path / "repo")
    (repo / "config.yaml").write_text(
        "huggingface:\n  repository:\n    model_name: a-long-team-name/a-long-model-name\n"
    )
    shown = re.sub(r"\x1b\[[0-9;]*m", "", on_a_terminal("config", "show", cwd=repo)).splitlines()
    assert max(map(len, shown)) <= 80
    piped = run("config", "show", cwd=repo).stdout.splitlines()
    assert {line.count("\t") for line in piped} == {2}


def test_an_error_in_json_is_an_object_with_its_hints(tmp_path: Path) -> None:
    done = run("status", "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["hints"] == ["git init"]


def test_a_narrow_terminal_shows_a_wide_table_row_by_row_and_keeps_ids_whole(tmp_path: Path) -> None:
    repo = new_repo(tmp_path / "repo")
    (repo / "config.yaml").write_text(
        "huggingface:\n  repository:\n    model_name: a-long-team-name/a-long-model-name\n"
    )
    screen = on_a_terminal("config", "show", "huggingface.repository", cwd=repo, COLUMNS="50")
    shown = re.sub(r"\x1b\[[0-9;]*m", "", screen).replace("\r", "").splitlines()
    assert max(map(len, shown)) <= 50
    assert [line.split()[0] for line in shown[:3]] == ["KEY", "VALUE", "FROM"]
    assert "huggingface.repository.model_name" in shown[0]


def test_names_the_output_cannot_spell_are_escaped(tmp_path: Path) -> None:
    repo = new_repo(tmp_path / "repo")
    (repo / "config.yaml").write_text(
        "huggingface:\n  repository:\n    model_name: me/bert\n    model_path: 模型🤗\n", encoding="utf-8"
    )
    plain = run("config", "show", "huggingface.repository.model_path", cwd=repo, PYTHONIOENCODING="ascii")
    assert (plain.returncode, plain.stdout.count("\\u6a21\\u578b")) == (0, 1)
    asked = run("config", "show", "huggingface.repository.model_path", "--json", cwd=repo, PYTHONIOENCODING="ascii")
    assert json.loads(asked.stdout)[0]["value"] == "模型🤗"


def test_a_full_disk_behind_the_output_is_said_and_is_no_bug(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hfver", "completion", "bash"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert done.stderr == "Error: the result cannot be written: No space left on device\n"
