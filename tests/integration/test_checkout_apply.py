"""Putting content into the work tree, judged by DVC itself."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from dvc.repo import Repo

from hfver.adapters.dvc_outputs import DvcProject
from hfver.adapters.git_repo import GitRepo
from hfver.adapters.git_tree import CommitTree
from hfver.checkout.run import Result, Wanted, check_out
from hfver.errors import IntegrityError, RefusedError, StateError
from hfver.outputs.resolve import resolve_output
from hfver.state import State
from tests.support.dvcing import new_dvc_repo, train, write_files
from tests.support.gitting import git

V1: dict[str, bytes | str] = {
    "config.json": "{}",
    "weights/shard 1.bin": b"\0one" * 300,
    "weights/shard 2.bin": b"\0two" * 300,
    "词表/vocab.txt": "a\nb\n",
    "empty": "",
    "swap": "a file",
    "turn/into/file": "x",
}
V2: dict[str, bytes | str] = {
    "config.json": '{"v": 2}',
    "weights/shard 1.bin": b"\0one" * 300,
    "weights/renamed.bin": b"\0two" * 300,
    "词表/vocab.txt": "a\nb\nc\n",
    "empty": "",
    "swap/is now/a directory": "y",
    "turn": "is now a file",
    "deep/er/and/deeper": "z",
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = new_dvc_repo(tmp_path_factory.mktemp("template") / "repo")
    train(root, V1, "v1")
    train(root, V2, "v2")
    return root


@pytest.fixture
def root(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template, tmp_path / "repo", symlinks=True)
    return tmp_path / "repo"


def get(root: Path, version: str, *, force: bool = False, known: bool = False, path: str = "model") -> Result:
    """Check a version of the model out, git included."""
    repo = GitRepo.discover(root)
    state = State(root / ".git" / "hfver" / "state.db")
    project = DvcProject(root, state)

    def move_git() -> bool:
        repo.switch(version)
        return True

    try:
        with repo.reader() as reader:
            tree = CommitTree(repo, reader, repo.commit_of(version), version)
            output = resolve_output(tree, path, [project.cache.read_dir_object])
            wanted = Wanted(output, root / path, project, [], lambda _present: lambda _md5: known, anchor=root)
            (result,) = check_out(
                [wanted], force=force, move_git=move_git, label=version, advance=lambda _total: lambda _size: None
            )
    finally:
        state.close()
    return result


def content(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def as_bytes(files: Mapping[str, bytes | str]) -> dict[str, bytes]:
    return {name: value.encode() if isinstance(value, str) else value for name, value in files.items()}


def assert_clean(root: Path) -> None:
    """DVC finds nothing to say, and need not hash anything to find that."""
    must_not_hash = patch("dvc_data.hashfile.build.hash_file", side_effect=AssertionError("DVC had to hash"))
    with must_not_hash, Repo(str(root)) as repo:
        assert repo.status() == {}
        changes = repo.data_status()
        assert {kind for kind, items in changes.items() if items and kind not in {"unchanged", "git"}} == set()
        assert repo.checkout()["stats"] == {"modified": 0, "added": 0, "deleted": 0}
    assert git(root, "status", "--porcelain") == ""


@pytest.mark.parametrize("kind", ["copy", "hardlink", "symlink", "reflink,copy"])
def test_each_link_type_gives_the_version_and_a_clean_status(root: Path, kind: str) -> None:
    (root / ".dvc" / "config.local").write_text(f"[cache]\n    type = {kind}\n")
    for version, files in (("v1", V1), ("v2", V2), ("v1", V1)):
        get(root, version)
        assert content(root / "model") == as_bytes(files)
        assert_clean(root)
    shard = root / "model" / "weights" / "shard 2.bin"
    assert shard.is_symlink() == (kind == "symlink")
    assert (shard.stat().st_nlink > 1) == (kind == "hardlink")
    writable = bool(shard.stat().st_mode & stat.S_IWUSR)
    assert writable == (kind in {"copy", "reflink,copy"})


def test_what_is_right_already_is_left_alone(root: Path) -> None:
    get(root, "v1")
    before = {path: path.stat().st_mtime_ns for path in (root / "model").rglob("*")}
    result = get(root, "v1")
    assert (result.written, result.removed, result.unchanged) == ((), (), len(V1))
    assert {path: path.stat().st_mtime_ns for path in (root / "model").rglob("*")} == before


def test_only_differences_are_written(root: Path) -> None:
    get(root, "v1")
    result = get(root, "v2")
    same = {"weights/shard 1.bin", "empty"}
    assert set(result.written) == set(V2) - same
    assert set(result.removed) == set(V1) - set(V2) - {"turn"}
    assert result.unchanged == len(same)


def test_a_fresh_clone_without_dvcs_memory_is_filled(root: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(root), "clone")
    (tmp_path / "clone" / ".dvc" / "config.local").write_text(f"[cache]\n    dir = {root / '.dvc' / 'cache'}\n")
    get(tmp_path / "clone", "v1")
    assert content(tmp_path / "clone" / "model") == as_bytes(V1)
    assert_clean(tmp_path / "clone")


def test_dvc_removes_what_we_checked_out_when_a_commit_has_no_model(root: Path) -> None:
    get(root, "v1")
    git(root, "checkout", "--quiet", "v1~1")
    with Repo(str(root)) as repo:
        repo.checkout()
    assert not (root / "model").exists()


def test_unknown_content_is_refused_and_stays(root: Path) -> None:
    get(root, "v1")
    write_files(root / "model", {"config.json": "my own work", "notes/mine.txt": "more of it"})
    head = git(root, "rev-parse", "HEAD")
    with pytest.raises(RefusedError, match=r"would be lost: config\.json, notes/mine\.txt"):
        get(root, "v2")
    assert content(root / "model")["config.json"] == b"my own work"
    assert git(root, "rev-parse", "HEAD") == head


def test_with_force_unknown_content_is_saved_before_it_goes(root: Path) -> None:
    get(root, "v1")
    write_files(root / "model", {"config.json": "my own work", "notes/mine.txt": "more of it"})
    result = get(root, "v2", force=True)
    assert content(root / "model") == as_bytes(V2)
    assert set(result.saved) == {"config.json", "notes/mine.txt"}
    assert DvcProject(root).object_path(result.saved["config.json"]).read_bytes() == b"my own work"
    assert_clean(root)


def test_content_of_a_known_version_goes_without_asking_but_is_kept(root: Path) -> None:
    get(root, "v2")
    cache = DvcProject(root)
    shutil.copytree(root / ".dvc" / "cache", root.parent / "kept")
    get(root, "v2")
    renamed = (root / "model" / "config.json").read_bytes()
    for path in (root / ".dvc" / "cache" / "files").rglob("*"):
        if path.is_file() and path.read_bytes() == renamed:
            path.unlink()
            lost = path.parent.name + path.name
    result = get(root, "v1", known=True)
    assert result.saved == {"config.json": lost}
    assert cache.object_path(lost).read_bytes() == renamed


def test_a_link_to_elsewhere_is_not_followed_into_loss(root: Path, tmp_path: Path) -> None:
    get(root, "v1")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").write_text("p")
    (root / "model" / "linked").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RefusedError, match=r"linked \(a link to a directory\)"):
        get(root, "v2")
    get(root, "v2", force=True)
    assert (tmp_path / "elsewhere" / "precious").read_text() == "p"
    assert content(root / "model") == as_bytes(V2)


def test_files_dvc_is_told_to_ignore_are_neither_refused_nor_removed(root: Path) -> None:
    get(root, "v1")
    (root / ".dvcignore").write_text("*.tmp\n/model/cache/\n")
    write_files(root / "model", {"a.tmp": "1", "weights/b.tmp": "2", "cache/x": "3"})
    get(root, "v2")
    assert {"a.tmp", "weights/b.tmp", "cache/x"} <= set(content(root / "model"))
    git(root, "checkout", "--quiet", "--", ".dvcignore")


def test_a_damaged_cache_object_is_found_before_anything_changes(root: Path) -> None:
    get(root, "v2")
    before = content(root / "model")
    with GitRepo.discover(root).reader() as reader:
        tree = CommitTree(GitRepo.discover(root), reader, git(root, "rev-parse", "v1"))
        output = resolve_output(tree, "model", [DvcProject(root).cache.read_dir_object])
    victim = DvcProject(root).object_path(next(file.md5 for file in output.files if file.path == "config.json"))
    victim.chmod(0o644)
    victim.write_text("{]")
    victim.chmod(0o444)
    with pytest.raises(IntegrityError, match=r"1 file\(s\) of model at v1 are nowhere to be had: config\.json"):
        get(root, "v1")
    assert content(root / "model") == before
    assert git(root, "describe", "--tags") == "v2"


def test_renamed_content_whose_object_is_lost_comes_from_the_work_tree(root: Path) -> None:
    get(root, "v1")
    md5 = "".join(
        path.parent.name + path.name
        for path in (root / ".dvc" / "cache" / "files").rglob("*")
        if path.is_file() and path.read_bytes() == V1["weights/shard 2.bin"]
    )
    DvcProject(root).object_path(md5).unlink()
    result = get(root, "v2", known=True)
    assert result.sources == {"the workspace": 1}
    assert content(root / "model") == as_bytes(V2)
    assert_clean(root)


def test_a_checkout_that_was_killed_is_finished_by_the_next(root: Path) -> None:
    get(root, "v1")
    (root / ".dvc" / "tmp" / "hfver").mkdir(parents=True)
    write_files(root / ".dvc" / "tmp" / "hfver", {"17": "half a file"})
    write_files(root / "model", {"weights/.hfver-tmp-9": "half"})
    get(root, "v2")
    assert content(root / "model") == as_bytes(V2)
    assert not (root / ".dvc" / "tmp" / "hfver").exists()


def test_dvc_at_work_is_waited_for_and_then_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    get(root, "v1")
    monkeypatch.setattr("hfver.adapters.dvc_lock._PATIENCE", 0.2)
    with (root / ".dvc" / "tmp" / "lock").open("a+") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        with pytest.raises(StateError, match=rf"DVC is at work here: process {os.getpid()} \(.+\) holds "):
            get(root, "v2")


def test_dvc_standing_still_is_named_with_what_helps(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    get(root, "v1")
    monkeypatch.setattr("hfver.adapters.dvc_lock._PATIENCE", 0.0)
    program = (
        "import sys, zc.lockfile\n"
        "lock = zc.lockfile.LockFile(sys.argv[1])\n"  # as DVC takes it
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    words = [sys.executable, "-c", program, str(root / ".dvc" / "tmp" / "lock")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as dvc:
        assert dvc.stdout is not None
        assert dvc.stdout.readline() == b"held\n"
        dvc.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, dvc.pid, os.WSTOPPED | os.WNOWAIT)
        for work in (lambda: get(root, "v2"), lambda: DvcProject.find(root).add(root / "model")):
            with pytest.raises(StateError, match=rf"^DVC is at work here: process {dvc.pid} .* stands still") as caught:
                work()
            assert caught.value.hints[1] == f"kill -KILL {dvc.pid}    (it ends)"
        dvc.kill()
        dvc.wait()
        get(root, "v2")


@pytest.mark.parametrize(
    "noted", ["[]", '{"write": [], "read": 1}', '{"write": {"model": [1, {"pid": "x"}]}}', "[" * 5000, "{"]
)
def test_what_is_no_note_of_a_running_stage_keeps_nobody(noted: str, root: Path) -> None:
    get(root, "v1")
    (root / ".dvc" / "tmp" / "rwlock").write_text(noted)
    get(root, "v2")


def test_a_running_stage_keeps_its_output(root: Path) -> None:
    get(root, "v1")
    rwlock = root / ".dvc" / "tmp" / "rwlock"
    rwlock.write_text(f'{{"write": {{"{root}/model": {{"pid": {os.getpid()}, "cmd": "train"}}}}}}')
    with pytest.raises(StateError, match=r"is being written by a pipeline stage \(process \d+: train\)"):
        get(root, "v2")
    rwlock.write_text(f'{{"write": {{"{root}/model": {{"pid": {2**22 + 1}, "cmd": "long dead"}}}}}}')
    get(root, "v2")


def test_a_single_executable_file_keeps_its_bit(root: Path) -> None:
    from tests.support.dvcing import dvc_add
    from tests.support.gitting import commit

    (root / ".dvc" / "config.local").write_text("[cache]\n    type = hardlink\n")
    write_files(root, {"run.sh": "#!/bin/sh\necho 1\n"})
    (root / "run.sh").chmod(0o755)
    dvc_add(root, "run.sh")
    commit(root, "Script")
    git(root, "tag", "s1")
    (root / "run.sh").unlink()
    get(root, "s1")
    result = get(root, "s1", path="run.sh")
    assert result.written == ("run.sh",)
    assert os.access(root / "run.sh", os.X_OK)
    assert_clean(root)


def test_a_file_made_while_we_worked_is_not_overwritten(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    get(root, "v1")
    from hfver.checkout import apply as module

    original = module._make_directories

    def interfere(*arguments: Any) -> None:
        original(*arguments)
        write_files(root / "model", {"deep/er/and/deeper": "somebody else's"})

    monkeypatch.setattr(module, "_make_directories", interfere)
    with pytest.raises(StateError, match="changed while it was checked out"):
        get(root, "v2")
    assert (root / "model" / "deep" / "er" / "and" / "deeper").read_text() == "somebody else's"
