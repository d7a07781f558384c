"""What a killed process left goes with the next run; what a living one has, and what is not ours, never does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hfver import leftovers
from hfver.atomic import write_atomic
from hfver.leftovers import SUFFIX, own_name, scratch, sweep

# Writes as hfver does, and stands still in the middle of it.
WRITER = """
import os, sys
from pathlib import Path
from hfver.atomic import write_atomic
from hfver.leftovers import scratch
os.fsync = lambda _descriptor: print("written", flush=True) or sys.stdin.read()
with scratch(".hfver-staging-", Path(sys.argv[1]).parent) as directory:
    (directory / "part").write_text("x")
    write_atomic(Path(sys.argv[1]), b"new")
"""


def start_writer(path: Path) -> subprocess.Popen[str]:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "written\n"
    return writer


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_what_a_living_process_writes_stays_and_what_a_killed_one_wrote_goes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with start_writer(tmp_path / "file") as writer:
        assert len(names(tmp_path)) == 3
        sweep(tmp_path, ".hfver-staging-")
        assert len(names(tmp_path)) == 3
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        assert len(names(tmp_path)) == 3
        sweep(tmp_path)
        assert [name[:8] for name in names(tmp_path)] == [".hfver-s", "file"], "a directory goes with its prefix only"
        sweep(tmp_path, ".hfver-staging-")
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_writing_to_a_directory_tidies_it(tmp_path: Path) -> None:
    with start_writer(tmp_path / "file") as writer:
        writer.kill()
        writer.wait()
    leftovers.sweep_once.cache_clear()
    write_atomic(tmp_path / "other", b"x")
    assert [name for name in names(tmp_path) if name.endswith(SUFFIX)] == []


def test_a_scratch_directory_is_gone_afterwards_whatever_happens(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), scratch("own-", tmp_path) as directory:
        assert (directory.parent, list(directory.iterdir()), directory.stat().st_mode & 0o777) == (tmp_path, [], 0o700)
        (directory / "below").mkdir()
        raise ZeroDivisionError
    assert names(tmp_path) == []


def ended_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def name_of(process: int, start: int | str = 1, host: str | None = None) -> str:
    return f".config.yaml.{host or leftovers._host()}-{process}-{start}.0123abcd{SUFFIX}"


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_another_machines_file_is_left_alone_for_a_day(tmp_path: Path) -> None:
    path = tmp_path / name_of(ended_process(), host="00000000")
    path.touch()
    age(path, 23 * 3600)
    sweep(tmp_path)
    assert path.exists()
    age(path, 25 * 3600)
    sweep(tmp_path)
    assert not path.exists()


def test_a_process_of_the_same_number_that_began_at_another_time_is_another(tmp_path: Path) -> None:
    (tmp_path / name_of(os.getpid(), start=1)).touch()
    mine = tmp_path / own_name(".config.yaml.", SUFFIX)
    mine.touch()
    sweep(tmp_path)
    assert names(tmp_path) == [mine.name]


def test_where_beginnings_are_not_known_a_living_process_keeps_its_file_for_a_day(tmp_path: Path) -> None:
    dead, alive = tmp_path / name_of(ended_process(), start=0), tmp_path / name_of(os.getpid(), start=0)
    for path in (dead, alive):
        path.touch()
    sweep(tmp_path)
    assert names(tmp_path) == [alive.name]
    age(alive, 25 * 3600)
    sweep(tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "name",
    [
        ".config.yaml.tmp",
        f".config.yaml{SUFFIX}",
        f"config.yaml{SUFFIX}",
        f"{SUFFIX}",
        f".{SUFFIX}",
        f".a.b{SUFFIX}",
        f".x.0123abcd-1-1.0123abcg{SUFFIX}",
        f".x.0123abcd-1.0123abcd{SUFFIX}",
        "hfver-names-mine",
        "hfver-names-0123abcd-1-1.0123abcd.more",
    ],
)
def test_what_is_not_named_so_is_not_ours(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.touch()
    age(path, 1e7)
    sweep(tmp_path, "hfver-names-")
    assert path.exists()


def test_a_link_is_removed_and_what_it_leads_to_is_not(tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.mkdir()
    (target / "file").touch()
    name = name_of(ended_process())
    (tmp_path / name).symlink_to(target)
    sweep(tmp_path)
    assert (names(tmp_path), names(target)) == (["mine"], ["file"])


def test_a_place_that_is_not_there_has_nothing_to_sweep(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    sweep(tmp_path / "none")
    sweep(tmp_path / "file")
