"""Lines for .gitattributes mean the same to git and to libgit2; .gitignore is followed as git does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pygit2
import pytest

from hfver.local_hub.attributes import ignore_rule, is_lfs, lfs_line, with_lines
from hfver.local_hub.git.facts import FactsCache
from hfver.local_hub.git.repository import GitRepository

PATHS = ["w.bin", "a b.bin", "dir/w[1].bin", "#x", "!y", "ü/模型.bin", "back*slash?.bin", 'quote".bin', "-x", "tab/~z"]


@pytest.mark.parametrize("path", PATHS)
def test_a_line_marks_its_path_and_no_other(tmp_path: Path, path: str) -> None:
    raw = pygit2.init_repository(str(tmp_path), bare=False)
    (tmp_path / ".gitattributes").write_text(lfs_line(path), encoding="utf-8")
    others = [f"below/{path}", f"{path}x", f"x{path}"]
    command = ["git", "check-attr", "-z", "filter", "--", path, *others]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split("\0")
    assert shown[2::3] == ["lfs", "unspecified", "unspecified", "unspecified"]
    blob = raw.create_blob(lfs_line(path).encode())
    builder = raw.TreeBuilder()
    builder.insert(".gitattributes", blob, 0o100644)
    who = pygit2.Signature("a", "a@b")
    commit = str(raw.create_commit("refs/heads/main", who, who, "m", builder.write(), []))
    git = GitRepository(tmp_path / ".git", FactsCache())
    assert [is_lfs(git, commit, name) for name in (path, *others)] == [True, False, False, False]


def test_lines_are_added_after_a_missing_newline() -> None:
    assert with_lines(b"*.x text", ["b", "a"]).splitlines()[1:] == [lfs_line(p).strip().encode() for p in ("a", "b")]


def test_ignore_rules() -> None:
    ignored = ignore_rule("*.log\n!keep.log\n/build/\n# comment\n\ndoc/*.tmp\n.gitattributes\n")
    assert [
        path for path in ("a.log", "d/a.log", "keep.log", "build/x", "d/build/x", "doc/a.tmp") if ignored(path)
    ] == [
        "a.log",
        "d/a.log",
        "build/x",
        "doc/a.tmp",
    ]
    assert not ignored(".gitattributes")
    assert not ignore_rule(None)("a.log")
