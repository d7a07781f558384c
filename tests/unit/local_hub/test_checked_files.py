from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfver.local_hub.checked_files import BLOCK_BYTES, BlockChecks, CheckedFile, PendingFile
from hfver.local_hub.content_errors import DamagedContentError, MissingContentError

DATA = bytes(range(256)) * 1024 + b"tail"


@given(st.lists(st.integers(0, len(DATA)), max_size=12))
def test_checks_do_not_depend_on_how_the_bytes_arrive(cuts: list[int]) -> None:
    checks = BlockChecks()
    for start, end in pairwise([0, *sorted(cuts), len(DATA)]):
        checks.update(DATA[start:end])
    blocks = [DATA[at : at + BLOCK_BYTES] for at in range(0, len(DATA), BLOCK_BYTES)]
    assert checks.finish() == b"".join(crc32(block).to_bytes(4, "little") for block in blocks)


def _published(tmp_path: Path, data: bytes = DATA) -> CheckedFile:
    pending = PendingFile(tmp_path / "pending")
    pending.write([data[:10], data[10:]])
    checks = pending.seal()
    pending.publish(tmp_path / "ab" / "file")
    return CheckedFile(tmp_path / "ab" / "file", len(data), checks)


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 0), (0, 1), (0, len(DATA)), (65_535, 65_537), (65_536, 131_072), (100, 200_000), (len(DATA) - 1, len(DATA))],
)
def test_every_range_reads_as_the_file(tmp_path: Path, start: int, end: int) -> None:
    file = _published(tmp_path)
    assert file.read(start, end) == DATA[start:end]
    assert b"".join(file.stream(start, end, BLOCK_BYTES)) == DATA[start:end]


def test_one_flipped_bit_is_found_by_whoever_reads_its_block_and_by_nobody_else(tmp_path: Path) -> None:
    file = _published(tmp_path)
    damaged = bytearray(DATA)
    damaged[70_000] ^= 4
    file.path.write_bytes(damaged)
    assert file.read(0, 100) == DATA[:100]
    assert file.read(131_072, len(DATA)) == DATA[131_072:]
    with pytest.raises(DamagedContentError, match="block 1 "):
        file.read(65_536, 65_537)
    with pytest.raises(DamagedContentError):
        file.check()


def test_a_short_or_missing_file_is_noticed(tmp_path: Path) -> None:
    file = _published(tmp_path)
    assert file.is_present()
    file.path.write_bytes(DATA[:-1])
    assert not file.is_present()
    with pytest.raises(DamagedContentError, match="shorter"):
        file.check()
    file.path.unlink()
    assert not file.is_present()
    with pytest.raises(MissingContentError):
        file.check()


def test_a_discarded_file_leaves_nothing_and_a_published_one_stays(tmp_path: Path) -> None:
    pending = PendingFile(tmp_path / "pending")
    pending.write([b"x"])
    pending.discard()
    assert not (tmp_path / "pending").exists()
    file = _published(tmp_path)
    again = PendingFile(tmp_path / "pending")
    again.write([b"y"])
    again.seal()
    again.publish(tmp_path / "ab" / "other")
    again.discard()
    assert (tmp_path / "ab" / "other").read_bytes() == b"y"
    assert file.is_present()


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    file = _published(tmp_path, b"")
    assert file.is_present() and bytes(file.read(0, 0)) == b"" and list(file.stream(0, 0)) == []
    file.check()
