from __future__ import annotations

import os
from pathlib import Path

import pytest

from hfver.atomic import write_atomic


def test_written_bytes_and_mode_are_those_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "new dir" / "größe.json"
    write_atomic(path, b"one", 0o755)
    write_atomic(path, b"two", 0o600)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_failing_write_leaves_the_old_content_and_no_leftovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomic(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_directory_a_file_is_written_into_is_made_durable_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a power cut takes the first file with its directory."""
    synced: list[Path] = []
    monkeypatch.setattr("hfver.atomic.fsync_directory", synced.append)
    write_atomic(tmp_path / "hfver" / "outbox" / f"{'🎉' * 60}.json", b"{}")
    assert synced == [tmp_path, tmp_path / "hfver", tmp_path / "hfver" / "outbox"]
