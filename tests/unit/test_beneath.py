from __future__ import annotations

import os
from pathlib import Path

import pytest

from hfver.beneath import Beneath, FileOnTheWayError, LinkOnTheWayError, refuse_links
from hfver.errors import StateError


@pytest.fixture
def top(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_text("theirs")
    (tmp_path / "top" / "model").mkdir(parents=True)
    return tmp_path / "top"


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_files_are_written_moved_and_removed_below(top: Path) -> None:
    with Beneath(str(top)) as below:
        below.make_directories("model/deep/er")
        below.write("model/deep/er/config.json", b"{}")
        below.write("model/deep/other", b"1")
        (top.parent / "new").write_text("2")
        below.replace(str(top.parent / "new"), "model/deep/other")
        assert below.lstat("model/deep/missing") is None
        assert below.stat("model/deep/other").st_size == 1
        below.unlink("model/deep/er/config.json")
        below.rmdir("model/deep/er")
    assert sorted(str(path.relative_to(top)) for path in top.rglob("*")) == ["model", "model/deep", "model/deep/other"]
    assert (top / "model" / "deep" / "other").read_text() == "2"


def test_a_copy_has_the_bytes_and_the_mode(top: Path) -> None:
    source = top.parent / "run.sh"
    source.write_bytes(b"#!/bin/sh\n" * 1000)
    source.chmod(0o755)
    with Beneath(str(top)) as below:
        below.copy(str(source), "model/run.sh")
    assert (top / "model" / "run.sh").read_bytes() == source.read_bytes()
    assert os.access(top / "model" / "run.sh", os.X_OK)
    assert _names(top / "model") == ["run.sh"]


@pytest.mark.parametrize("name", ["link", "model/link", "model/a/link"])
@pytest.mark.parametrize("change", ["write", "copy", "replace", "unlink", "rmdir", "make_directories"])
def test_nothing_is_changed_through_a_link(top: Path, name: str, change: str) -> None:
    (top / name).parent.mkdir(parents=True, exist_ok=True)
    (top / name).symlink_to(top.parent / "outside", target_is_directory=True)
    (top.parent / "outside" / "empty").mkdir()
    source = top.parent / "source"
    source.write_text("mine")
    changes = {
        "write": lambda below: below.write(f"{name}/kept", b"mine"),
        "copy": lambda below: below.copy(str(source), f"{name}/kept"),
        "replace": lambda below: below.replace(str(source), f"{name}/kept"),
        "unlink": lambda below: below.unlink(f"{name}/kept"),
        "rmdir": lambda below: below.rmdir(f"{name}/empty"),
        "make_directories": lambda below: below.make_directories(f"{name}/new"),
    }
    with Beneath(str(top)) as below, pytest.raises(LinkOnTheWayError, match=r"is a link \(to .*outside\)"):
        changes[change](below)
    assert _names(top.parent / "outside") == ["empty", "kept"]
    assert (top.parent / "outside" / "kept").read_text() == "theirs"


def test_a_link_at_the_very_place_is_replaced_and_not_followed(top: Path) -> None:
    (top / "model" / "weights").symlink_to(top.parent / "outside" / "kept")
    with Beneath(str(top)) as below:
        below.write("model/weights", b"mine")
    assert (top.parent / "outside" / "kept").read_text() == "theirs"
    assert not (top / "model" / "weights").is_symlink()


def test_a_link_that_comes_while_a_directory_is_open_is_of_no_use(top: Path) -> None:
    with Beneath(str(top)) as below:
        below.write("model/one", b"1")
        (top / "model").rename(top / "moved")
        (top / "model").symlink_to(top.parent / "outside", target_is_directory=True)
        below.write("model/two", b"2")  # into the directory that was open, wherever it is called from now
        with pytest.raises(LinkOnTheWayError):
            below.lstat("other")  # another directory: the way has to be gone again
            below.write("model/three", b"3")
    assert _names(top.parent / "outside") == ["kept"]


def test_a_file_on_the_way_is_named(top: Path) -> None:
    (top / "file").write_text("x")
    with Beneath(str(top)) as below:
        assert below.lstat("file/below") is None
        with pytest.raises(FileOnTheWayError, match="top/file is a file where a directory has to be"):
            below.write("file/below", b"x")


def test_the_anchor_may_be_reached_by_a_link_and_has_to_be_there(top: Path) -> None:
    (top.parent / "way").symlink_to(top, target_is_directory=True)
    with Beneath(str(top.parent / "way")) as below:
        below.write("model/x", b"x")
    assert (top / "model" / "x").read_bytes() == b"x"
    with pytest.raises(StateError, match="cannot be entered"):
        Beneath(str(top / "missing"))


def test_links_are_refused_before_anything_is_looked_at(top: Path) -> None:
    (top / "link").symlink_to(top / "model", target_is_directory=True)
    refuse_links(top, top, at_the_end=True)
    refuse_links(top, top / "model" / "not" / "yet", at_the_end=True)
    refuse_links(top, top / "link", at_the_end=False)
    with pytest.raises(LinkOnTheWayError):
        refuse_links(top, top / "link", at_the_end=True)
    with pytest.raises(LinkOnTheWayError):
        refuse_links(top, top / "link" / "below", at_the_end=False)
