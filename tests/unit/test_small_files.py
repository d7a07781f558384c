"""Files that are read whole, and what only looks like one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hfver.small_files import TooLargeError, UnreadError, read_small, read_start


def test_a_file_is_read_whole_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    (tmp_path / "link").symlink_to("a")
    assert read_small(tmp_path / "link") == b"x" * 3_000_000
    assert read_start(tmp_path / "link", 3) == b"xxx"


def test_a_larger_one_is_named_with_its_size(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.touch()
    os.truncate(path, 1 << 40)
    with pytest.raises(TooLargeError, match=r"^params\.yaml is 1,099,511,627,776 bytes; at most 100 are read$"):
        read_small(path, 100, name="params.yaml")
    assert read_start(path, 3) == b"\0\0\0"
    path.write_bytes(b"x" * 100)
    assert read_small(path, 100) == b"x" * 100


@pytest.mark.parametrize("target", ["/dev/zero", "pipe"])
def test_what_has_no_end_or_never_begins_is_not_read(target: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(UnreadError, match="is a device or a pipe, not a file"):
        read_small(tmp_path / "link")
    assert read_start(tmp_path / "link", 10) is None


def test_what_is_not_there_says_so_as_open_does(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_small(tmp_path / "no")
    with pytest.raises(IsADirectoryError):
        read_small(tmp_path)
    assert (read_start(tmp_path / "no", 1), read_start(tmp_path, 1)) == (None, None)
