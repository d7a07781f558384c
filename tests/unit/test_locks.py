"""Locks between real processes, and what whoever waits is told."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hfver.locks import NONE, FileLock, LockBusyError, Patience
from hfver.processes import called, command_of, look, own_command
from tests.support.holding import holding, started

SOON = Patience(0.05, 0.0, unnoticed=0.0, again=60.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sub" / "lock"


def test_the_lock_is_exclusive_between_processes_and_ends_with_its_holder(path: Path) -> None:
    with holding(path) as holder:
        assert not FileLock(path).try_acquire()
        with pytest.raises(LockBusyError, match=f"process {holder.pid} "), FileLock(path, patience=NONE):
            pass
        holder.kill()
        with FileLock(path, patience=NONE) as lock:
            assert lock.held
    assert path.exists()


def test_waiting_for_a_lock_ends_when_it_is_released(path: Path) -> None:
    first = FileLock(path)
    first.acquire()
    with started(path) as waiter:
        first.release()
        waiter.await_held()


def test_whoever_waits_is_told_once_whom_for(path: Path) -> None:
    said: list[str] = []
    with holding(path, "push", "hf_" + "Ab3" * 11) as holder:
        lock = FileLock(path, patience=SOON, doing="works on this clone", tell=said.append)
        with pytest.raises(LockBusyError) as caught:
            lock.acquire()
        words = re.escape(f"{Path(sys.executable).name} -c {path} push [hidden]")
        who = rf"process {holder.pid} \({words}, since \d\d:\d\d:\d\d\)"
        assert len(said) == 1
        assert re.fullmatch(
            rf"waiting for {who}, which works on this clone; Ctrl-C gives up, what is owed is kept", said[0]
        )
        assert re.fullmatch(rf"{who} works on this clone and holds {path}", caught.value.message)
        assert caught.value.hints == [f"wait for it to end: ps -fp {holder.pid}"]
        assert caught.value.holder is not None
        assert caught.value.holder.pid == holder.pid


def test_it_is_told_again_now_and_then_until_the_lock_is_there(path: Path) -> None:
    with holding(path) as holder:
        said: list[str] = []

        def tell(sentence: str) -> None:
            said.append(sentence)
            if len(said) == 3:
                holder.ask_to_give_up()

        with FileLock(path, patience=Patience(None, None, unnoticed=0.0, again=0.0), tell=tell) as lock:
            assert lock.held
        assert len(said) >= 3
        assert all(f"process {holder.pid}" in sentence for sentence in said)


def test_a_short_wait_is_not_told(path: Path) -> None:
    with holding(path):
        said: list[str] = []
        with pytest.raises(LockBusyError), FileLock(path, patience=Patience(0.1, None), tell=said.append):
            pass
        assert said == []


def test_a_holder_that_was_stopped_is_given_up_on_sooner_with_the_ways_on(path: Path) -> None:
    said: list[str] = []
    with holding(path) as holder:
        holder.stop()
        ways = [f"kill -CONT {holder.pid}    (it goes on)", f"kill -KILL {holder.pid}    (it ends)"]
        patience = Patience(None, 0.05, unnoticed=0.0)
        lock = FileLock(path, patience=patience, doing="works on this clone", tell=said.append)
        with pytest.raises(LockBusyError, match="works on this clone and stands still: it was stopped") as caught:
            lock.acquire()
        assert caught.value.hints == ways
        on = f"`kill -CONT {holder.pid}` lets it go on, `kill -KILL {holder.pid}` ends it"
        assert said[0].endswith(f"works on this clone and stands still: it was stopped, as Ctrl-Z does; {on}")


@pytest.mark.parametrize("way", ["-CONT", "-KILL"])
def test_the_ways_on_lead_on(way: str, path: Path) -> None:
    with holding(path) as holder:
        holder.stop()
        subprocess.run(["kill", way, str(holder.pid)], check=True)
        if way == "-CONT":
            holder.give_up()
        else:
            holder.process.wait()
        with FileLock(path, patience=NONE) as lock:
            assert lock.held


def test_only_the_holder_is_named(path: Path) -> None:
    with holding(path) as holder:
        named = FileLock(path).holder()
        assert named is not None
        assert (named.pid, named.run) == (holder.pid, look(holder.pid).run)
        holder.give_up()
        assert path.read_bytes() == b""
        assert FileLock(path).holder() is None
    with holding(path) as holder:
        holder.kill()
        assert f'"pid": {holder.pid}' in path.read_text()
        assert FileLock(path).holder() is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw[:40],
        lambda _raw: b"\xff\0" * 100,
        lambda _raw: b"[" * 4000,
        lambda _raw: b"[]",
        lambda raw: json.dumps({**json.loads(raw), "run": "1"}).encode(),
        lambda raw: json.dumps({**json.loads(raw), "pid": "1"}).encode(),
        lambda raw: json.dumps({**json.loads(raw), "pid": 1 << 80}).encode(),
        lambda raw: json.dumps({**json.loads(raw), "since": 7}).encode(),
    ],
    ids=["half", "no text", "brackets", "a list", "an earlier process of this number", "text", "no number", "no time"],
)
def test_a_note_that_does_not_tell_names_nobody(
    spoil: Callable[[bytes], bytes], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FileLock(path):
        path.write_bytes(spoil(path.read_bytes()))
        found = FileLock(path).holder()
        if not Path("/proc/locks").exists():
            assert found is None
        else:  # the kernel knows all the same
            assert found is not None
            assert (found.pid, found.since) == (os.getpid(), None)
        monkeypatch.setattr("hfver.locks.flock_holder", lambda _path: None)
        with pytest.raises(LockBusyError, match="^another hfver process is at work here and holds") as caught:
            FileLock(path, patience=NONE).acquire()
        assert caught.value.hints == ["wait for it to end"]


# -- processes --------------------------------------------------------------------------------------------------------


def test_what_becomes_of_a_process_is_seen(path: Path) -> None:
    with holding(path) as holder:
        run = look(holder.pid).run
        assert (look(holder.pid).state, run is not None) == ("running", True)
        assert command_of(holder.pid).startswith(
            f"{Path(sys.executable).name} -c '?import sys?from pathlib import Path?"
        )
        holder.stop()
        assert (look(holder.pid).state, look(holder.pid).run) == ("stopped", run)
        holder.process.kill()
        holder.process.wait()
        assert (look(holder.pid).state, command_of(holder.pid)) == ("gone", "")


def test_a_dead_process_nobody_has_buried_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.read() == b""  # its end of the pipe is closed
        while look(child.pid).state != "gone":  # and a moment later it is dead, until wait() takes it away
            pass


def test_numbers_that_name_no_process_are_unknown() -> None:
    assert [look(pid).state for pid in (0, -1)] == ["unknown", "unknown"]


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["/venv/bin/hfver", "push", "v1.0.0"], "hfver push v1.0.0"),
        (["/venv/lib/hfver/__main__.py", "push"], "hfver push"),
        (["train.py", "--token", "hf_" + "x" * 30], "train.py --token [hidden]"),
        (["a", "b\n\x1b[31m"], "a 'b??[31m'"),
        (["a", "b" * 500], "a " + "b" * 197 + "…"),
    ],
)
def test_the_own_command_is_told_in_words(arguments: list[str], command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", arguments)
    assert own_command() == command


def test_a_process_is_called_by_number_command_and_time() -> None:
    since, later = datetime(2024, 1, 1, 14, 2, 11, tzinfo=UTC), datetime(2024, 1, 2, 9, 0, 0, tzinfo=UTC)
    assert called(7, "hfver push", since, since) == "process 7 (hfver push, since 14:02:11)"
    assert called(7, "hfver push", since, later) == "process 7 (hfver push, since 2024-01-01 14:02:11)"
    assert (called(7, "hfver push"), called(7, "")) == ("process 7 (hfver push)", "process 7")
