"""Reading large files while DVC reads them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from hfver.hashing import BLOCK
from hfver.tracking import Tracking, identity
from tests.support.endless import endless_file

BIG = bytes(range(256)) * (3 * BLOCK // 256)


def wait_for(tracking: Tracking) -> None:
    for read in tracking._reads:
        read.result()


def test_what_was_read_in_full_is_known(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(BIG)
    with Tracking([tmp_path / "big"]) as tracking:
        wait_for(tracking)
    (read,) = tracking.results()
    assert (read.path, read.sha256) == (tmp_path / "big", hashlib.sha256(BIG).hexdigest())
    assert identity(read.info) == identity((tmp_path / "big").stat())


def test_a_file_that_cannot_be_read_is_left_to_dvc(tmp_path: Path) -> None:
    with Tracking([tmp_path / "gone", tmp_path]) as tracking:
        wait_for(tracking)
    assert tracking.results() == []


def test_who_leaves_does_not_wait_for_the_rest(tmp_path: Path) -> None:
    with endless_file(tmp_path / "endless") as endless, Tracking([endless.path]) as tracking:
        assert endless.begun.wait(10)
    assert endless.left
    assert tracking.results() == []


def test_a_file_that_grows_while_it_is_read_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "big").write_bytes(BIG)
    real = os.fstat
    told: list[os.stat_result] = []

    def fstat(descriptor: int) -> os.stat_result:
        told.append(real(descriptor))
        if len(told) == 1:
            with (tmp_path / "big").open("ab", buffering=0) as file:
                file.write(b"more")
        return told[-1]

    monkeypatch.setattr("hfver.tracking.os.fstat", fstat)
    with Tracking([]) as tracking:
        assert tracking._read(tmp_path / "big") is None
