"""Objects written here are objects for git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pygit2
import pytest

from hfver.local_hub.git.objects import LOOSE_BYTES, LOOSE_OBJECTS, ObjectWriter, object_id


@pytest.fixture
def git_dir(tmp_path: Path) -> Path:
    pygit2.init_repository(str(tmp_path / "r.git"), bare=True)
    return tmp_path / "r.git"


def files_of(git_dir: Path) -> set[str]:
    return {path.name for path in (git_dir / "objects").rglob("*") if path.is_file()}


@pytest.mark.parametrize("count", [1, LOOSE_OBJECTS, LOOSE_OBJECTS + 1, 1000])
def test_git_reads_every_object_back(git_dir: Path, count: int) -> None:
    blobs = [b"content %d " % number * number for number in range(count)]
    with ObjectWriter(git_dir) as writer:
        oids = [writer.write("blob", blob) for blob in [*blobs, *blobs]]
        assert not {name for name in files_of(git_dir) if not name.startswith("tmp_")}
        writer.publish()
    repo = pygit2.Repository(str(git_dir))
    assert [repo[oid].data for oid in oids[:count]] == blobs
    packs = {name for name in files_of(git_dir) if name.endswith(".pack")}
    assert len(packs) == (1 if count > LOOSE_OBJECTS else 0)
    checked = subprocess.run(["git", "--git-dir", git_dir, "fsck", "--full", "--strict"], capture_output=True)
    assert checked.returncode == 0, checked.stderr


def test_much_content_goes_into_a_pack(git_dir: Path) -> None:
    with ObjectWriter(git_dir) as writer:
        large = bytes(LOOSE_BYTES + 1)
        oid = writer.write("blob", large)
        writer.publish()
    assert pygit2.Repository(str(git_dir))[oid].data == large
    assert any(name.endswith(".idx") for name in files_of(git_dir))


def test_what_was_not_published_leaves_nothing(git_dir: Path) -> None:
    with ObjectWriter(git_dir) as writer:
        for number in range(LOOSE_OBJECTS + 10):
            writer.write("blob", b"%d" % number)
    assert files_of(git_dir) == set()


def test_writing_goes_on_after_publishing(git_dir: Path) -> None:
    with ObjectWriter(git_dir) as writer:
        oids = []
        for batch in range(3):
            oids += [writer.write("blob", b"%d %d" % (batch, number)) for number in range(LOOSE_OBJECTS * batch + 1)]
            writer.publish()
    repo = pygit2.Repository(str(git_dir))
    assert all(oid in repo for oid in oids)


def test_object_ids_are_gits() -> None:
    assert object_id("blob", b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert object_id("tree", b"") == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
