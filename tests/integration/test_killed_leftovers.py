"""What a run that was killed left behind is gone after the next one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hfver.beneath import Beneath
from hfver.outbox import Outbox, Owed
from hfver.workspace import open_workspace
from tests.support.dvcing import new_dvc_repo, write_files

# Whoever calls os.replace dies there: the new content is on disk and has not got its name yet.
DIES = """
import os, pathlib, sys
from pathlib import Path
def die(*_arguments, **_named):
    os._exit(9)
os.replace = pathlib.Path.replace = die
top = Path(sys.argv[1])
"""
OWE = """
from hfver.outbox import Outbox, Owed
owed = Owed("release", "refs/tags/v1.0.0", "a" * 40, "", str(top), "test", "2026-01-02T03:04:05+00:00")
Outbox(top / ".git").add(owed)
"""
WRITE = """
from hfver.atomic import write_atomic
write_atomic(top / {name!r}, b"new")
"""
BENEATH = """
from hfver.beneath import Beneath
with Beneath(str(top)) as below:
    below.write({name!r}, b"new")
"""


@pytest.fixture
def top(tmp_path: Path) -> Path:
    made = new_dvc_repo(tmp_path / "repo")
    write_files(made, {"config.yaml": "x: 1\n", "configs/more.yaml": "x: 1\n", "sub/model.dvc": "outs: []\n"})
    (made / ".git" / "hfver" / "outbox").mkdir(parents=True)
    return made


def killed(top: Path, program: str) -> list[Path]:
    """Run a program that is killed in the middle; the files it leaves."""
    before = set(_files(top))
    done = subprocess.run([sys.executable, "-c", DIES + program, str(top)], capture_output=True, text=True)
    assert done.returncode == 9, done.stderr
    left = sorted(set(_files(top)) - before)
    assert left, "it was not killed in the middle of anything"
    return left


def _files(top: Path) -> Iterator[Path]:
    return (path for path in top.rglob("*") if path.is_file() and path.name not in {"state.db", "state.db-wal"})


@pytest.mark.parametrize("name", ["config.yaml", "configs/more.yaml"])
@pytest.mark.parametrize("way", [WRITE, BENEATH], ids=["write_atomic", "beneath"])
def test_in_the_work_tree(top: Path, way: str, name: str) -> None:
    left = killed(top, way.format(name=name))
    with open_workspace(top):
        pass
    assert not any(path.exists() for path in left)
    assert (top / name).read_text() == "x: 1\n"


def test_beside_a_pointer_file(top: Path) -> None:
    left = killed(top, BENEATH.format(name="sub/model.dvc"))
    with Beneath(str(top)) as below:
        below.write("sub/model.dvc", b"outs: []\n")
    assert not any(path.exists() for path in left)


def test_in_the_outbox(top: Path) -> None:
    left = killed(top, OWE)
    assert [path.parent.name for path in left] == ["outbox"]
    outbox = Outbox(top / ".git")
    outbox.add(Owed("release", "refs/tags/v1.0.0", "a" * 40, "", str(top), "test", "2026-01-02T03:04:05+00:00"))
    assert not any(path.exists() for path in left)
    assert [owed.name for owed in outbox.entries().owed] == ["v1.0.0"]
    assert outbox.entries().problems == []
