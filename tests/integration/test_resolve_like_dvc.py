"""Our reading of pointer files against DVC's own, over a repository with every kind of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hfver.adapters.dvc_outputs import DvcProject
from hfver.adapters.dvc_stages import stage_outputs
from hfver.adapters.git_repo import GitRepo
from hfver.adapters.git_tree import CommitTree, WorkTree
from hfver.errors import IntegrityError, StateError
from hfver.model import Output, OutputPointer
from hfver.outputs.resolve import list_outputs, resolve_output, resolve_pointer
from tests.support.dvcing import build_every_kind
from tests.support.gitting import commit, git


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_every_kind(tmp_path_factory.mktemp("every") / "repo")


def _comparable(pointers: tuple[OutputPointer, ...]) -> dict[str, OutputPointer]:
    return {
        pointer.path: replace(
            pointer,
            files=tuple(file._replace(size=None) for file in pointer.files) if pointer.files else None,
            # What DVC adds up from `files:` need not be recorded.
            size=None if pointer.files else pointer.size,
            nfiles=None if pointer.files else pointer.nfiles,
        )
        for pointer in pointers
    }


def test_the_work_tree_reads_as_dvc_reads_it(every: Path) -> None:
    ours = list_outputs(WorkTree(GitRepo.discover(every)))
    theirs = _comparable(stage_outputs(every, None))
    assert [(error.pointer_file, error.stage) for error in ours.templated] == [("dvc.yaml", "templated")]
    assert ours.broken == ()
    assert theirs.pop("elsewhere/t.bin").stage == "templated"
    assert _comparable(ours.pointers) == theirs
    assert len(theirs) == 24


def test_a_commit_reads_as_dvc_reads_it(every: Path) -> None:
    repo = GitRepo.discover(every)
    with repo.reader() as reader:
        ours = list_outputs(CommitTree(repo, reader, repo.commit_of("every")))
    theirs = _comparable(stage_outputs(every, "every"))
    theirs.pop("elsewhere/t.bin")
    assert _comparable(ours.pointers) == theirs


def test_dvc_in_a_subdirectory_reads_as_dvc_reads_it(every: Path, tmp_path: Path) -> None:
    shutil.copytree(every, tmp_path / "outer" / "inner dir", symlinks=True)
    top = tmp_path / "outer"
    shutil.move(top / "inner dir" / ".git", top / ".git")
    (top / "inner dir" / ".dvc" / "config").write_text("")
    commit(top, "Moved down")
    ours = list_outputs(WorkTree(GitRepo.discover(top)))
    theirs = _comparable(stage_outputs(top / "inner dir", None))
    theirs.pop("inner dir/elsewhere/t.bin")
    assert _comparable(ours.pointers) == theirs
    assert {pointer.dvc_root for pointer in ours.pointers} == {"inner dir"}


def _output(every: Path, path: str) -> Output:
    repo, project = GitRepo.discover(every), DvcProject(every)
    with repo.reader() as reader:
        tree = CommitTree(repo, reader, repo.commit_of("every"), "tag every")
        return resolve_output(
            tree, path, [project.cache.read_dir_object], solve=lambda: project.pipeline_outputs("every")
        )


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("model", ["config.json", "empty", "weights/a b.bin", "词表.txt"]),
        ("model/weights", ["a b.bin"]),
        ("./model/weights/a b.bin", ["a b.bin"]),
        ("single.sh", ["single.sh"]),
        ("out", ["o.bin"]),
        ("far/o.bin", ["o.bin"]),
        ("each/two words.bin", ["two words.bin"]),
        ("elsewhere/t.bin", ["t.bin"]),
        ("m.json", ["m.json"]),
        ("olddir", ["sub/in"]),
        ("cloudy/b", ["c"]),
        ("data/hand.bin", ["hand.bin"]),
    ],
)
def test_an_output_or_a_part_of_it_is_resolved(every: Path, path: str, names: list[str]) -> None:
    assert [file.path for file in _output(every, path).files] == names


def test_what_git_has_instead_of_dvc_comes_with_both_digests(every: Path) -> None:
    output = _output(every, "m.json")
    assert not output.pointer.cached
    assert output.files[0].sha256 is not None
    assert output.files[0].md5 == output.pointer.md5


def test_the_executable_bit_of_a_single_file_is_kept(every: Path) -> None:
    assert _output(every, "single.sh").files[0].isexec


def test_an_output_without_recorded_content_names_the_way_to_get_it(every: Path) -> None:
    with pytest.raises(StateError, match=r"pending\.bin\.dvc at tag every names pending\.bin but records no") as caught:
        _output(every, "pending.bin")
    assert caught.value.hints[0] == "dvc update pending.bin.dvc"


def test_what_is_not_tracked_is_told_from_what_is(every: Path) -> None:
    with pytest.raises(
        StateError, match="DVC does not track nothing at tag every; it tracks cloudy, data/deep/er.bin,"
    ):
        _output(every, "nothing")
    with pytest.raises(StateError, match="does not lie inside"):
        _output(every, "../outside")
    with pytest.raises(StateError, match="cloudy at tag every has no b/nothing"):
        _output(every, "cloudy/b/nothing")


def test_a_stale_stage_is_no_output(every: Path) -> None:
    for path in ("gone.bin", "each/three.bin"):
        with pytest.raises(StateError, match="DVC does not track"):
            _output(every, path)


def test_a_lost_list_of_files_is_said_to_be_lost(every: Path) -> None:
    repo = GitRepo.discover(every)
    with repo.reader() as reader, pytest.raises(IntegrityError, match="the list of files of model at tag every"):
        resolve_output(CommitTree(repo, reader, repo.commit_of("every"), "tag every"), "model", [lambda _: b"[]"])


def test_a_broken_pipeline_elsewhere_does_not_matter(every: Path, tmp_path: Path) -> None:
    shutil.copytree(every, tmp_path / "repo", symlinks=True)
    (tmp_path / "repo" / "sub" / "pipe" / "dvc.yaml").write_text("stages: [}\n")
    tree = WorkTree(GitRepo.discover(tmp_path / "repo"))
    assert resolve_pointer(tree, "out").stage == "plain"
    with pytest.raises(StateError, match=r"not readable: sub/pipe/dvc.yaml at the workspace is not valid YAML: line 1"):
        resolve_pointer(tree, "far/o.bin")


def test_without_dvc_the_error_names_init(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    made = commit(tmp_path, "first", {"model/a": "1"})
    repo = GitRepo.discover(tmp_path)
    with repo.reader() as reader, pytest.raises(StateError, match=f"there is no DVC at commit {made[:10]}") as caught:
        resolve_pointer(CommitTree(repo, reader, made), "model")
    assert caught.value.hints == ["hfver init", "hfver track model"]


def test_resolving_imports_no_dvc(every: Path) -> None:
    script = """
import sys
from pathlib import Path
from hfver.adapters.dvc_outputs import DvcProject
from hfver.adapters.git_repo import GitRepo
from hfver.adapters.git_tree import CommitTree
from hfver.outputs.resolve import resolve_output
top = Path(sys.argv[1])
repo = GitRepo.discover(top)
with repo.reader() as reader:
    output = resolve_output(CommitTree(repo, reader, "HEAD"), "out", [DvcProject(top).cache.read_dir_object])
assert len(output.files) == 1
heavy = {"dvc", "dvc_data", "fsspec", "git", "huggingface_hub", "pydantic", "rich"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", script, str(every)], check=True, env=dict(os.environ), timeout=60)
