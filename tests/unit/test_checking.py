"""Checking bytes in the background, while they are sent."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hfver.checking import ChangedError, Checked, Checking
from hfver.hashing import BLOCK
from hfver.reporting import Progress, Silent
from tests.support.endless import endless_file

SMALL = b"small"
BIG = bytes(range(256)) * (3 * BLOCK // 256)


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def big(tmp_path: Path) -> Path:
    path = tmp_path / "big"
    path.write_bytes(BIG)
    return path


class Bars(Silent):
    """Remembers the bars it was asked for."""

    def __init__(self) -> None:
        self.totals: list[int | None] = []
        self.done = 0

    def advance(self, amount: int) -> None:
        self.done += amount

    @contextmanager
    def progress(self, label: str, total: int | None, *, unit: str = "bytes") -> Iterator[Progress]:
        self.totals.append(total)
        yield self


def test_small_content_gets_both_digests_and_big_content_only_that_of_dvc(big: Path) -> None:
    with Checking({"a": SMALL, "b": big}, Silent()) as checking:
        assert checking.results() == {"a": Checked(md5(SMALL), sha256(SMALL)), "b": Checked(md5(BIG), None)}


def test_the_sha256_of_big_content_is_what_was_sent(big: Path) -> None:
    with Checking({"b": big}, Silent()) as checking:
        assert checking.sha256("b", ["of what was sent"]) == "of what was sent"


def test_big_content_nobody_hashed_is_read_once_more(big: Path) -> None:
    with Checking({"b": big}, Silent()) as checking:
        assert checking.sha256("b", []) == sha256(BIG)


def test_small_content_that_was_sent_with_other_bytes_has_changed() -> None:
    with Checking({"a": SMALL}, Silent()) as checking:
        assert checking.sha256("a", [sha256(SMALL)]) == sha256(SMALL)
        with pytest.raises(ChangedError):
            checking.sha256("a", [sha256(b"other")])


def test_one_content_sent_twice_with_different_bytes_has_changed(big: Path) -> None:
    with Checking({"b": big}, Silent()) as checking, pytest.raises(ChangedError):
        checking.sha256("b", ["one", "another"])


def written(path: Path) -> None:
    status = path.stat()
    path.write_bytes(BIG)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def replaced(path: Path) -> None:
    status = path.stat()
    other = path.with_name("other")
    other.write_bytes(BIG)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


def cut(path: Path) -> None:
    status = path.stat()
    os.truncate(path, len(BIG) - 1)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("change", [written, replaced, cut])
def test_a_file_that_somebody_wrote_to_meanwhile_has_changed(big: Path, change: Callable[[Path], None]) -> None:
    with Checking({"b": big}, Silent()) as checking:
        checking.results()
        change(big)
        with pytest.raises(ChangedError):
            checking.sha256("b", ["of what was sent"])


def test_whoever_waits_sees_how_far_it_is(big: Path) -> None:
    bars = Bars()
    with Checking({"b": big}, bars) as checking:
        checking.results()
        checking.results()
    assert len(bars.totals) <= 2  # none, if it was done before somebody waited
    assert all(total is not None and bars.done <= total <= len(BIG) for total in bars.totals)


def test_leaving_early_stops_the_reading(tmp_path: Path) -> None:
    with endless_file(tmp_path / "endless") as endless, Checking({"e": endless.path}, Silent()):
        assert endless.begun.wait(10)
    assert endless.left
