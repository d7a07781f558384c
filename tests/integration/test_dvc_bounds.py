"""DVC is not asked to read what it would expand for hours; what people write it reads as ever."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hfver.adapters.dvc_outputs import DvcProject
from hfver.adapters.git_repo import GitRepo
from hfver.adapters.git_tree import WorkTree
from hfver.errors import IntegrityError, StateError
from hfver.outputs.resolve import load_output, resolve_pointer
from tests.support.dvcing import new_dvc_repo, write_files
from tests.support.gitting import commit, git
from tests.unit.test_yaml_bounds import laughs

STAGE = "stages: {train: {cmd: 'echo ${lr}', outs: [o]}}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = new_dvc_repo(tmp_path / "repo")
    write_files(root / "model", {"config.json": "{}"})
    return root


def test_ordinary_anchors_loops_and_templates_are_no_hindrance(root: Path) -> None:
    (root / "dvc.yaml").write_text(
        "stages:\n"
        "  a: &stage {cmd: 'echo ${lr}', deps: [params.yaml]}\n"
        "  b: {<<: *stage, outs: [b]}\n"
        "  c:\n    matrix: {x: [1, 2], y: '${names}'}\n    cmd: echo ${item.x} ${item.y}\n    wdir: '${where}'\n"
        "    outs: ['c-${item.x}-${item.y}']\n"
    )
    (root / "params.yaml").write_text("base: &b {lr: 0.1}\n<<: *b\nnames: [m, n]\nwhere: .\n")
    project = DvcProject.find(root)
    assert [path.name for path in project.add(root / "model")] == ["model.dvc"]
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "pipeline")
    expected = {"model", "b", "c-1-m", "c-1-n", "c-2-m", "c-2-n"}
    for at in (None, "HEAD"):
        assert {pointer.path for pointer in project.pipeline_outputs(at)} == expected


@pytest.mark.parametrize("named", ["params.yaml", "dvc.lock", "sub/other.dvc"])
def test_a_file_that_stands_for_too_much_is_named(named: str, root: Path) -> None:
    files = {"dvc.yaml": STAGE, "params.yaml": "lr: 0.1\n", named: laughs(9).decode()}
    commit(root, "from a pull request", files)
    project = DvcProject.find(root)
    works: list[Callable[[], object]] = [
        lambda: project.add(root / "model"),
        lambda: project.is_recorded("dvc.yaml:train", root / "o"),
        lambda: project.commit("dvc.yaml:train"),
        lambda: project.fetch_output(root / "model"),
        lambda: project.pipeline_outputs(None),
        lambda: project.pipeline_outputs(git(root, "rev-parse", "HEAD")),
    ]
    for work in works:
        with pytest.raises(StateError, match=f"^{named} at .* has aliases that stand for more than 100,000 values"):
            work()


def test_settings_of_dvc_without_an_end_are_not_opened(root: Path) -> None:
    (root / ".dvc" / "config").unlink()
    (root / ".dvc" / "config").symlink_to("/dev/zero")
    with pytest.raises(StateError, match="is a device or a pipe, not a file"):
        DvcProject.find(root).add(root / "model")


def test_a_list_of_files_without_an_end_is_not_read(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = DvcProject.find(root)
    project.add(root / "model")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "model")
    (root / ".dvc" / "config.local").write_text(
        f"[core]\n    remote = r\n['remote \"r\"']\n    url = {tmp_path / 'r'}\n"
    )
    project = DvcProject.find(root)
    repo = GitRepo.discover(root)
    pointer = resolve_pointer(WorkTree(repo), "model")
    assert pointer.md5 is not None
    listing = project.cache.object_path(pointer.md5)
    there = tmp_path / "r" / listing.relative_to(project.cache.directory)
    there.parent.mkdir(parents=True)
    there.write_bytes(listing.read_bytes())
    sources = [project.cache.read_dir_object, project.read_remote_dir_object]
    assert [source(pointer) for source in sources] == [listing.read_bytes()] * 2
    size = len(listing.read_bytes())
    for module in ("dvc_cache", "dvc_outputs"):
        monkeypatch.setattr(f"hfver.adapters.{module}.LARGEST", size - 1)
    with pytest.raises(IntegrityError, match="is nowhere to be had whole") as caught:
        load_output(WorkTree(repo), pointer, sources)
    assert f"is {size:,} bytes; at most {size - 1:,} are read" in caught.value.message
    assert f"on the DVC remote r is more than {size - 1:,} bytes, and no list of files" in caught.value.message
