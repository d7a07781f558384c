from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hfver.locks import NONE, LockBusyError
from hfver.outbox import Outbox, Owed

ONE = Owed(
    kind="release",
    ref="refs/tags/v1.0.0",
    oid="a" * 40,
    old="0" * 40,
    worktree="/repo with space",
    evidence="git tag",
    noticed="2024-01-01T12:00:00+00:00",
)


def test_what_is_added_is_owed_once_and_gone_when_done(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    assert outbox.entries() == ([], [])
    assert outbox.add(ONE)
    assert not outbox.add(replace(ONE, noticed="2024-01-02T00:00:00+00:00"))
    assert outbox.entries().owed == [ONE]
    outbox.done(ONE)
    outbox.done(ONE)
    assert outbox.entries().owed == []


def test_whether_it_is_private_is_as_was_said_last_and_survives_who_says_nothing(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.add(ONE)
    outbox.failed(ONE, "no network")
    for said, kept in ((True, True), (None, True), (False, False)):
        assert not outbox.add(replace(ONE, private=said))
        (entry,) = outbox.entries().owed
        assert (entry.private, entry.attempts, entry.last_error) == (kept, 1, "no network")


def test_an_entry_that_says_nothing_of_it_goes_by_the_configuration(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.add(ONE)
    (path,) = outbox.directory.iterdir()
    written = json.loads(path.read_text())
    del written["private"]  # as before there was such a thing
    path.write_text(json.dumps(written))
    assert outbox.entries() == ([ONE], [])


def test_the_same_tag_at_another_object_and_the_other_kind_are_other_work(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    others = [ONE, replace(ONE, oid="b" * 40), replace(ONE, kind="mirror"), replace(ONE, ref="refs/tags/v1.0.0x")]
    for owed in others:
        assert outbox.add(owed)
    assert len(outbox.entries().owed) == len(others)


def test_entries_come_oldest_first(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    newer = replace(ONE, ref="refs/tags/v0.1.0", noticed="2024-02-01T00:00:00+00:00")
    outbox.add(newer)
    outbox.add(ONE)
    assert outbox.entries().owed == [ONE, newer]


def test_what_nobody_began_within_a_minute_is_left_and_what_was_tried_is_left_at_once() -> None:
    noticed = datetime.fromisoformat(ONE.noticed)
    assert not ONE.is_left(noticed + timedelta(seconds=59))
    assert ONE.is_left(noticed + timedelta(seconds=61))
    assert replace(ONE, attempts=1).is_left(noticed)


def test_attempts_and_the_last_error_are_kept(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.add(ONE)
    outbox.failed(ONE, "no network")
    outbox.failed(ONE, "still no network")
    assert not outbox.add(ONE)
    [entry] = outbox.entries().owed
    assert (entry.attempts, entry.last_error) == (2, "still no network")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"kind": "rel',
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"kind": "other"}',
        json.dumps({"kind": "release", "ref": 3}).encode(),
        b"[" * 100_000,
        b'{"kind": ' * 100_000,
        b" " * 2_000_000 + b"{}",
        json.dumps({**asdict(ONE), "attempts": True}).encode(),
        json.dumps({**asdict(ONE), "noticed": "2024-01-01T12:00:00"}).encode(),
        json.dumps({**asdict(ONE), "ref": "refs/tags/v1\0"}).encode(),
        json.dumps({**asdict(ONE), "ref": "--exec=x"}).encode(),
    ],
    ids=lambda content: repr(content[:20]),
)
def test_an_unreadable_entry_is_set_aside_and_reported(tmp_path: Path, content: bytes) -> None:
    outbox = Outbox(tmp_path)
    outbox.add(ONE)
    (outbox.directory / "release-damaged.json").write_bytes(content)
    owed, problems = outbox.entries()
    assert owed == [ONE]
    assert len(problems) == 1
    assert "release-damaged.json in the outbox was unreadable" in problems[0]
    assert (outbox.damaged / "release-damaged.json").read_bytes() == content
    assert outbox.entries() == ([ONE], [])


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["directory", "pipe"])
def test_what_is_no_file_at_all_is_set_aside_and_never_waited_for(tmp_path: Path, make: Callable[[Path], None]) -> None:
    outbox = Outbox(tmp_path)
    outbox.add(ONE)
    for _ in range(2):  # the second time another one has its name there
        make(outbox.directory / "release-odd.json")
        owed, problems = outbox.entries()
        assert (owed, len(problems)) == ([ONE], 1)
        assert problems[0].startswith("release-odd.json in the outbox was unreadable; it now is ")
    assert len(list(outbox.damaged.iterdir())) == 2


def test_an_entry_that_cannot_be_set_aside_is_reported_each_time_and_hinders_nothing(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.add(ONE)
    (outbox.directory / "release-odd.json").mkdir()
    outbox.damaged.write_text("in the way")
    for _ in range(2):
        owed, (problem,) = outbox.entries()
        assert owed == [ONE]
        assert f"{outbox.directory / 'release-odd.json'} is no entry of the outbox, and cannot be moved" in problem


def test_an_entry_cut_off_in_its_own_file_can_be_owed_again(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.add(ONE)
    [path] = outbox.directory.glob("*.json")
    path.write_bytes(path.read_bytes()[:20])
    assert outbox.add(ONE)
    assert outbox.entries() == ([ONE], [])


def test_names_that_are_not_utf_8_survive(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    strange = replace(ONE, ref=b"refs/tags/v1-\xe9'$(id)".decode("utf-8", "surrogateescape"), worktree="/größe/模型")
    outbox.add(strange)
    assert outbox.entries().owed == [strange]


def test_one_worker_at_a_time(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    with outbox.lock(), pytest.raises(LockBusyError), outbox.lock(NONE):
        pass
