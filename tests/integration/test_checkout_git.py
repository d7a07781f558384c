"""Checking out with git: what a version may be called, what stops it, and what follows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.repo import Repo

from hfver.checkout.bring import Options, Outcome, bring
from hfver.checkout.model_pointer import _with_entry
from hfver.errors import RefusedError, StateError, UsageError
from hfver.outputs.pointers import parse_dvc_file
from hfver.reporting import Silent
from hfver.workspace import open_workspace
from tests.support.dvcing import add_remote, dvc_add, dvc_push, new_dvc_repo, train, write_files
from tests.support.gitting import commit, git
from tests.support.project import CONFIG, DETAILS

LOCKED = (
    "stages:\n  fit:\n    cmd: python -c 1\n    outs: [fitted]\n  other:\n    cmd: python -c 2\n    outs: [unfitted]\n"
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tagged versions on main and one on a branch; the second version changes code too."""
    root = new_dvc_repo(tmp_path_factory.mktemp("git") / "repo")
    write_files(
        root,
        {
            "config.yaml": CONFIG.format(repo="me/model"),
            "configs/huggingface_config.yaml": DETAILS,
            "train.py": "print(1)\n",
            "README": "one\n",
        },
    )
    train(root, {"w": "1.0.0", "same": "s"}, "v1.0.0")
    write_files(root, {"train.py": "print(2)\n"})
    train(root, {"w": "1.2.0", "same": "s"}, "v1.2.0")
    train(root, {"w": "2.0.0-rc.1", "same": "s"}, "v2.0.0-rc.1")
    git(root, "checkout", "--quiet", "-b", "experiment", "v1.0.0")
    train(root, {"w": "experiment", "same": "s"})
    git(root, "checkout", "--quiet", "main")
    return root


@pytest.fixture
def root(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template, tmp_path / "repo", symlinks=True)
    get(tmp_path / "repo", "main")
    return tmp_path / "repo"


def get(root: Path, version: str, *paths: str, model_only: bool = False, force: bool = False) -> Outcome:
    environ = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9"}
    with open_workspace(root, environ=environ) as workspace:
        return bring(workspace, Options(version, paths, model_only=model_only, force=force), Silent())


def weights(root: Path) -> str:
    return (root / "model" / "w").read_text()


def dvc_status(root: Path) -> object:
    with Repo(str(root)) as repo:
        return repo.status()


@pytest.mark.parametrize(
    ("word", "expected", "branch"),
    [
        ("v1.0.0", "1.0.0", ""),
        ("1.0.0", "1.0.0", ""),
        ("latest", "1.2.0", ""),
        ("^1.0", "1.2.0", ""),
        ("~1.0", "1.0.0", ""),
        (">=2.0.0-rc.0", "2.0.0-rc.1", ""),
        ("experiment", "experiment", "experiment"),
        ("v2.0.0-rc.1~1", "1.2.0", ""),
    ],
)
def test_a_version_has_many_names(root: Path, word: str, expected: str, branch: str) -> None:
    outcome = get(root, word)
    assert weights(root) == expected
    assert git(root, "branch", "--show-current") == branch
    assert outcome.moved
    assert dvc_status(root) == {}


def test_minus_goes_back_to_the_branch(root: Path) -> None:
    get(root, "v1.0.0")
    get(root, "experiment")
    get(root, "main")
    get(root, "-")
    assert (weights(root), git(root, "branch", "--show-current")) == ("experiment", "experiment")
    get(root, "-")
    assert (weights(root), git(root, "branch", "--show-current")) == ("2.0.0-rc.1", "main")


def test_minus_goes_back_to_a_tag(root: Path) -> None:
    get(root, "v1.0.0")
    get(root, "main")
    get(root, "-")
    assert weights(root) == "1.0.0"


def test_minus_without_a_before_says_so(root: Path) -> None:
    (root / ".git" / "logs" / "HEAD").write_text("")
    with pytest.raises(StateError, match="no version checked out before"):
        get(root, "-")


@pytest.mark.parametrize("word", ["v9.9.9", "^9", "nothing", "9.9.9", "--force"])
def test_a_version_that_does_not_exist_changes_nothing(root: Path, word: str) -> None:
    with pytest.raises((StateError, UsageError)) as caught:
        get(root, word)
    assert "git fetch --tags" in caught.value.hints
    assert git(root, "branch", "--show-current") == "main"


def test_the_version_that_is_here_already_is_left_alone(root: Path) -> None:
    get(root, "v1.0.0")
    outcome = get(root, "v1.0.0")
    assert not outcome.moved
    assert outcome.outputs[0].written == ()


def test_local_changes_in_the_way_stop_it_as_they_stop_git(root: Path) -> None:
    write_files(root, {"train.py": "my own\n"})
    with pytest.raises(RefusedError, match=r"(?s)git does not switch to v1\.0\.0: .*train\.py") as caught:
        get(root, "v1.0.0")
    assert caught.value.hints[0].startswith("git stash")
    assert (weights(root), (root / "train.py").read_text()) == ("2.0.0-rc.1", "my own\n")


def test_local_changes_that_are_not_in_the_way_stay(root: Path) -> None:
    write_files(root, {"README": "my own\n"})
    get(root, "v1.0.0")
    assert (weights(root), (root / "README").read_text()) == ("1.0.0", "my own\n")


def test_a_model_that_was_tracked_but_not_committed_is_not_lost(root: Path) -> None:
    write_files(root, {"model/w": "fresh"})
    dvc_add(root, "model")
    with pytest.raises(RefusedError, match=r"model\.dvc has changes that are not committed"):
        get(root, "v1.0.0")
    assert weights(root) == "fresh"
    get(root, "v1.0.0", force=True)
    assert weights(root) == "1.0.0"
    get(root, "main")
    git(root, "stash", "pop")
    with Repo(str(root)) as repo:
        repo.checkout(force=True)
    assert weights(root) == "fresh"


def test_model_only_updates_the_pointer_and_leaves_git(root: Path) -> None:
    head = git(root, "rev-parse", "HEAD")
    outcome = get(root, "v1.0.0", model_only=True)
    assert outcome.updated_pointers == ("model.dvc",)
    assert (weights(root), git(root, "rev-parse", "HEAD")) == ("1.0.0", head)
    assert (root / "train.py").read_text() == "print(2)\n"
    assert git(root, "status", "--porcelain") == " M model.dvc"
    assert dvc_status(root) == {}
    assert get(root, "v1.0.0", model_only=True).updated_pointers == ()
    get(root, "main", model_only=True)
    assert git(root, "status", "--porcelain") == ""


def test_the_pointer_of_another_version_is_no_work_to_protect(root: Path) -> None:
    get(root, "v1.0.0", model_only=True)
    get(root, "v1.2.0")
    assert weights(root) == "1.2.0"
    assert git(root, "status", "--porcelain") == ""
    assert dvc_status(root) == {}


@pytest.fixture
def pipeline(root: Path) -> Path:
    """The model is an output of one of two stages, in two versions."""
    (root / "config.yaml").write_text(CONFIG.format(repo="me/model").replace("model_path: model", "model_path: fitted"))
    (root / "dvc.yaml").write_text(LOCKED)
    for number in ("1", "2"):
        write_files(root, {"fitted/w": f"fitted {number}", "unfitted": f"other {number}"})
        with Repo(str(root)) as repo:
            repo.commit(None, force=True)
        commit(root, f"Fit {number}")
        git(root, "tag", f"fit-{number}")
    return root


def test_model_only_takes_one_of_several_outputs_of_a_pointer_file() -> None:
    def pointer_file(model: str, big_model: str) -> bytes:
        outs = ((model, "model"), (big_model, "big-model"))
        return b"outs:\n" + b"".join(
            b"- md5: %s\n  path: %s\n" % (md5.encode() * 32, path.encode()) for md5, path in outs
        )

    old, new = pointer_file("1", "1"), pointer_file("2", "2")
    pointer = next(item for item in parse_dvc_file(new, "nets/all.dvc") if item.path == "nets/big-model")
    assert _with_entry(old, new, pointer) == pointer_file("1", "2")


def test_model_only_takes_one_stage_of_a_lock(pipeline: Path) -> None:
    outcome = get(pipeline, "fit-1", model_only=True)
    assert outcome.updated_pointers == ("dvc.lock",)
    assert (pipeline / "fitted" / "w").read_text() == "fitted 1"
    assert (pipeline / "unfitted").read_text() == "other 2"
    assert dvc_status(pipeline) == {}
    get(pipeline, "fit-2", model_only=True)
    assert git(pipeline, "status", "--porcelain") == ""


def test_other_outputs_follow_as_far_as_the_cache_has_them(pipeline: Path) -> None:
    outcome = get(pipeline, "fit-1")
    assert {result.path for result in outcome.outputs} == {"fitted", "unfitted", "model"}
    assert (pipeline / "unfitted").read_text() == "other 1"
    assert dvc_status(pipeline) == {}
    for path in (pipeline / ".dvc" / "cache" / "files").rglob("*"):
        if path.is_file() and path.read_bytes() == b"other 2":
            path.unlink()
    outcome = get(pipeline, "fit-2")
    assert outcome.left == ("unfitted",)
    assert (pipeline / "fitted" / "w").read_text() == "fitted 2"
    assert (pipeline / "unfitted").read_text() == "other 1"


def test_a_named_output_is_brought_instead_of_the_model(pipeline: Path) -> None:
    outcome = get(pipeline, "fit-1", "unfitted", model_only=True)
    assert [result.path for result in outcome.outputs] == ["unfitted"]
    assert (pipeline / "fitted" / "w").read_text() == "fitted 2"


def test_a_path_inside_the_model_brings_all_of_it(root: Path) -> None:
    outcome = get(root, "v1.0.0", "model/w", model_only=True)
    assert weights(root) == "1.0.0"
    assert (outcome.outputs[0].path, outcome.outputs[0].unchanged) == ("model", 1)
    assert dvc_status(root) == {}


def hfver(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9"}
    command = [sys.executable, "-I", "-m", "hfver", "checkout", *arguments]
    return subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True)


def test_the_command_says_what_it_did(root: Path) -> None:
    done = hfver(root, "v1.0.0")
    assert done.stdout == "git is now at v1.0.0\nmodel: 1 written, 1 unchanged\n"
    assert (done.returncode, done.stderr) == (0, "")
    body = json.loads(hfver(root, "v1.2.0", "--json").stdout)
    assert (body["version"], body["moved"], body["outputs"][0]["written"]) == ("v1.2.0", True, ["w"])


def test_the_command_refuses_with_its_own_code(root: Path) -> None:
    write_files(root, {"model/mine": "x"})
    done = hfver(root, "v1.0.0")
    assert done.returncode == 8
    assert "model has content that is in no known version and would be lost: mine" in done.stderr
    assert hfver(root, "v1.0.0", "--repo", "a/b").returncode == 2


def test_a_copy_elsewhere_leaves_the_workspace_alone(root: Path, tmp_path: Path) -> None:
    done = hfver(root, "v1.0.0", "--to", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == {"w": "1.0.0", "same": "s"}
    assert os.access(tmp_path / "out" / "w", os.W_OK)
    assert weights(root) == "2.0.0-rc.1"
    assert git(root, "status", "--porcelain") == ""
    (tmp_path / "out" / "w").write_text("edited")
    (tmp_path / "out" / "extra").write_text("kept")
    again = hfver(root, "v1.0.0", "--to", str(tmp_path / "out"))
    assert again.returncode == 8
    forced = hfver(root, "v1.0.0", "--to", str(tmp_path / "out"), "--force")
    assert forced.returncode == 0, forced.stderr
    assert (tmp_path / "out" / "w").read_text() == "1.0.0"
    assert (tmp_path / "out" / "extra").read_text() == "kept"


def test_a_copy_can_be_of_some_files(root: Path, tmp_path: Path) -> None:
    done = hfver(root, "v1.0.0", "--to", str(tmp_path / "out"), "--exclude", "w*")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["same"]
    assert hfver(root, "v1.0.0", "--to", str(tmp_path / "o"), "--include", "nothing").returncode == 2


def test_an_import_comes_from_where_it_was_imported(root: Path, tmp_path: Path) -> None:
    origin = new_dvc_repo(tmp_path / "origin")
    add_remote(origin, tmp_path / "storage")
    train(origin, {"data.csv": "1,2,3\n"}, path="shared")
    dvc_push(origin)
    with Repo(str(root)) as repo:
        repo.imp(str(origin), "shared", out=str(root / "imported"))
    commit(root, "Import")
    git(root, "tag", "with-import")
    shutil.rmtree(root / "imported")
    shutil.rmtree(root / ".dvc" / "cache")
    outcome = get(root, "with-import", "imported")
    assert outcome.outputs[0].unchanged == 0
    assert (root / "imported" / "data.csv").read_text() == "1,2,3\n"


def test_where_nothing_is_to_be_fetched_no_library_is_loaded(root: Path) -> None:
    script = """
import sys
from hfver.cli.main import run
assert run(sys.argv[1:]) == 0
heavy = {"dvc", "dvc_data", "fsspec", "git", "huggingface_hub", "pydantic", "rich", "ruamel"} & set(sys.modules)
assert not heavy, heavy
"""
    for version in ("v1.0.0", "v1.0.0", "v1.2.0"):
        subprocess.run([sys.executable, "-c", script, "checkout", version, "-q"], cwd=root, check=True, timeout=60)
