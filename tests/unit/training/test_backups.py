"""Backups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hfver.errors import StateError
from hfver.training.backups import list_backups, make_backup

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_backup_links_what_never_changes_and_holds_the_rest(tmp_path: Path) -> None:
    cached = tmp_path / "object"
    cached.write_text("weights")
    made = make_backup(tmp_path / "b", "v1.0.0", {"model/w": cached, "config.yaml": b"a: 1\n"}, 5, NOW)
    assert made.path == tmp_path / "b" / "20260102T030405Z-v1.0.0"
    assert (made.path / "model/w").stat().st_ino == cached.stat().st_ino
    assert (made.path / "config.yaml").read_bytes() == b"a: 1\n"
    assert made.files == 2


def test_only_the_newest_are_kept_and_strangers_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "20260101T000000Z-file").write_text("not a directory")
    removed: list[str] = []
    for number in range(4):
        moment = NOW + timedelta(minutes=number)
        removed += make_backup(tmp_path, f"v1.{number}.0", {"a": b"1"}, 2, moment).removed
    assert [path.name for path in list_backups(tmp_path)] == ["20260102T030605Z-v1.2.0", "20260102T030705Z-v1.3.0"]
    assert removed == ["20260102T030405Z-v1.0.0", "20260102T030505Z-v1.1.0"]
    assert (tmp_path / "mine").is_dir()
    assert (tmp_path / "20260101T000000Z-file").is_file()


def test_two_in_one_second_both_stay(tmp_path: Path) -> None:
    first = make_backup(tmp_path, "v1", {"a": b"1"}, 5, NOW)
    second = make_backup(tmp_path, "v1", {"a": b"2"}, 5, NOW)
    assert first.path != second.path
    assert len(list_backups(tmp_path)) == 2


def test_a_backup_that_fails_leaves_nothing_half_done(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="could not be made"):
        make_backup(tmp_path / "b", "v1", {"a": b"1", "w": tmp_path / "missing"}, 5, NOW)
    with pytest.raises(StateError, match="cannot be backed up"):
        make_backup(tmp_path / "b", "v1", {"a": b"1", "../w": b""}, 5, NOW)
    assert [path.name for path in (tmp_path / "b").iterdir()] == [".gitignore"]


def test_git_leaves_backups_alone_in_a_directory_that_was_made_for_them(tmp_path: Path) -> None:
    make_backup(tmp_path / "made" / "here", "v1", {"a": b"1"}, 5, NOW)
    assert (tmp_path / "made" / "here" / ".gitignore").read_text() == "*\n"
    (tmp_path / "theirs").mkdir()
    made = make_backup(tmp_path / "theirs", "v1", {"a": b"1"}, 5, NOW)
    assert list((tmp_path / "theirs").iterdir()) == [made.path]
