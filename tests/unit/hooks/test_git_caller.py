from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hfver.hooks.git_caller import (
    Process,
    calling_subcommand,
    git_subcommand,
    proc_table,
    ps_table,
    psutil_process,
    run_ps,
    system_table,
)

SUBCOMMANDS = [
    ("git tag v1", "tag"),
    ("/usr/lib/git-core/git tag v1", "tag"),
    ("git -C /a/fetch -c user.name=fetch tag -m fetch v1", "tag"),
    ("git --git-dir /x/.git --work-tree /x fetch origin", "fetch"),
    ("git --git-dir=/x/.git --no-pager tag v1", "tag"),
    ("git-receive-pack /srv/repo.git", "receive-pack"),
    ("/usr/bin/git-upload-pack x", "upload-pack"),
    (r"C:\Git\mingw64\bin\git.exe tag v1", "tag"),
    (r"C:\Git\mingw64\libexec\git-core\git-pack-refs.exe --all", "pack-refs"),
    ("GIT.EXE fetch", "fetch"),
    ("sh -c git tag", None),
    ("/usr/bin/gitk tag", None),
    ("git", None),
    ("git --version", None),
    ("git -C", None),
    ("", None),
]


@pytest.mark.parametrize(("line", "expected"), SUBCOMMANDS, ids=[line for line, _ in SUBCOMMANDS])
def test_the_subcommand_is_the_first_word_that_is_no_option(line: str, expected: str | None) -> None:
    assert git_subcommand(line.split()) == expected


def test_the_nearest_git_counts_past_shells_and_programs() -> None:
    table = {
        50: Process(40, ("sh", ".git/hooks/reference-transaction", "committed")),
        40: Process(30, ("git", "tag", "v1")),
        30: Process(20, ("sh", "-c", "git tag v1")),
        20: Process(10, ("git", "rebase", "--exec", "git tag v1")),
        10: Process(1, ("bash",)),
    }
    assert calling_subcommand(table.get, 50) == "tag"
    assert calling_subcommand(table.get, 30) == "rebase"
    assert calling_subcommand(table.get, 10) is None
    assert calling_subcommand(table.get, 99) is None


def test_a_loop_in_the_table_ends() -> None:
    assert calling_subcommand(lambda pid: Process(pid, ("sh",)), 7) is None


def test_git_may_be_the_first_process_of_a_container() -> None:
    table = {7: Process(1, ("/bin/sh", "reference-transaction")), 1: Process(0, ("git", "tag", "v1.0.0"))}
    assert calling_subcommand(table.get, 7) == "tag"
    assert calling_subcommand({7: Process(1, ("sh",)), 1: Process(0, ("/sbin/init",))}.get, 7) is None


def test_proc_is_read_with_its_strange_names(tmp_path: Path) -> None:
    directory = tmp_path / "42"
    directory.mkdir()
    (directory / "stat").write_bytes(b"42 (git) (x) S 17 42 1 0 -1")
    (directory / "cmdline").write_bytes(b"git\0-C\0a b\xff\0tag\0-m\0two\nlines\0v1\0")
    process = proc_table(tmp_path)(42)
    assert process is not None
    assert process.parent == 17
    assert process.arguments == ("git", "-C", os.fsdecode(b"a b\xff"), "tag", "-m", "two\nlines", "v1")
    assert proc_table(tmp_path)(43) is None


PS = {
    # As `ps -ww -o ppid=,command= -p PID` prints processes on macOS.
    501: "  500 /bin/sh .git/hooks/reference-transaction committed\n",
    500: "  400 /Applications/Xcode.app/Contents/Developer/usr/bin/git tag -a -m fetch model v1.0.0\n",
    400: "  399 -zsh\n",
    399: "    1 login -pf user\n",
    600: "  400 git -c user.name=tag me fetch origin\n",
    700: "  400 git fetch --tags origin\n",
}


@pytest.mark.parametrize(("pid", "expected"), [(501, "tag"), (600, "?"), (700, "fetch"), (400, None), (800, None)])
def test_ps_is_believed_only_as_far_as_it_can_be_read(pid: int, expected: str | None) -> None:
    assert calling_subcommand(ps_table(PS.get), pid) == expected


def test_every_way_to_look_sees_this_process() -> None:
    if sys.platform == "linux":
        assert proc_table()(os.getpid()) == psutil_process(os.getpid())
    found = psutil_process(os.getpid())
    assert found is not None
    assert found.parent == os.getppid()
    assert system_table()(os.getpid()) == found
    assert psutil_process(2**22 + 1) is None


def test_ps_of_this_machine_is_understood() -> None:
    try:
        subprocess.run(["ps", "-p", "1"], check=False, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no ps here")
    process = ps_table(run_ps)(os.getpid())
    assert process is not None
    assert process.parent == os.getppid()


def test_without_proc_psutil_looks() -> None:
    assert system_table("darwin") is psutil_process
    assert system_table("win32") is psutil_process
