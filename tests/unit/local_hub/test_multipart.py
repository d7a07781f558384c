from __future__ import annotations

import hashlib
import itertools
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfver.local_hub import multipart
from hfver.local_hub.checked_files import BLOCK_BYTES, BlockChecks
from hfver.local_hub.content_errors import FormatError, MissingContentError
from hfver.local_hub.multipart import MultipartUploads, PartedFile

DATA = random.Random(3).randbytes(3 * BLOCK_BYTES + 17)
PARTS = {n: DATA[(n - 1) * BLOCK_BYTES : n * BLOCK_BYTES] for n in range(1, 5)}


def send(file: PartedFile, number: int, data: bytes | None = None) -> None:
    part = file.part(number)
    body = PARTS[number] if data is None else data
    part.write([body[:100], body[100:]])
    file.accept(part)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations([1, 2, 3, 4]), again=st.lists(st.integers(1, 4), max_size=3))
def test_parts_in_any_order_and_more_than_once_make_the_file(
    order: list[int], again: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = PartedFile(tmp_path_factory.mktemp("parts") / "f", len(DATA), BLOCK_BYTES)
    for number in [*order, *again]:
        send(file, number)
    assert file.sha256() == hashlib.sha256(DATA).digest()
    assert file.path.read_bytes() == DATA
    expected = BlockChecks()
    expected.update(DATA)
    assert file.seal() == expected.finish()


def test_a_part_sent_again_with_other_bytes_counts(tmp_path: Path) -> None:
    file = PartedFile(tmp_path / "f", len(DATA), BLOCK_BYTES)
    send(file, 1, bytes(BLOCK_BYTES))
    for number in (2, 3, 4, 1):
        send(file, number)
    assert file.sha256() == hashlib.sha256(DATA).digest()
    file.discard()


def test_a_missing_part_is_named_and_a_broken_one_can_be_repeated(tmp_path: Path) -> None:
    file = PartedFile(tmp_path / "f", len(DATA), BLOCK_BYTES)
    for number in (1, 2, 4):
        send(file, number)
    with pytest.raises(FormatError, match="part 3 of 4"):
        file.sha256()
    with pytest.raises(FormatError, match="too short"):
        send(file, 3, b"cut")
    with pytest.raises(FormatError, match="part 3 of 4"):
        file.sha256()
    with pytest.raises(FormatError, match="longer"):
        send(file, 3, bytes(BLOCK_BYTES + 1))
    with pytest.raises(FormatError, match="no part 5"):
        file.part(5)
    send(file, 3)
    assert file.sha256() == hashlib.sha256(DATA).digest()
    file.discard()


def test_an_upload_is_known_until_it_ends_or_has_been_silent_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = itertools.count()
    uploads = MultipartUploads(lambda: tmp_path / str(next(names)))
    upload = uploads.promise("ab" * 32, len(DATA), BLOCK_BYTES)
    assert uploads.sha256_of(upload) == "ab" * 32
    assert not list(tmp_path.iterdir())
    assert uploads.file(upload) is uploads.file(upload)
    monkeypatch.setattr(multipart, "_IDLE_SECONDS", -1.0)
    uploads.promise("cd" * 32, len(DATA), BLOCK_BYTES)
    assert uploads.sha256_of(upload) is None
    assert not list(tmp_path.iterdir())
    with pytest.raises(MissingContentError):
        uploads.file(upload)


def test_promises_nobody_took_up_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = MultipartUploads(lambda: tmp_path / "0")
    upload = uploads.promise("ab" * 32, len(DATA), BLOCK_BYTES)
    monkeypatch.setattr(multipart, "_PROMISE_SECONDS", -1.0)
    uploads.promise("cd" * 32, len(DATA), BLOCK_BYTES)
    assert uploads.sha256_of(upload) is None


def test_unfinished_uploads_go_when_the_store_closes(tmp_path: Path) -> None:
    uploads = MultipartUploads(lambda: tmp_path / "0")
    uploads.file(uploads.promise("ab" * 32, len(DATA), BLOCK_BYTES))
    assert list(tmp_path.iterdir())
    uploads.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("end", ["sealed", "discarded"])
def test_a_part_that_arrives_after_the_end_writes_nowhere(tmp_path: Path, end: str) -> None:
    """The number of the closed file's handle goes to the next file that is opened."""
    file = PartedFile(tmp_path / "f", len(DATA), BLOCK_BYTES)
    for number in PARTS:
        send(file, number)
    late = file.part(2)
    send(file, 2)
    if end == "sealed":
        file.seal()
    else:
        file.discard()
    with (tmp_path / "innocent").open("w+b") as innocent:
        innocent.write(b"precious")
        innocent.flush()
        with pytest.raises(MissingContentError, match="has ended"):
            late.write([b"x" * 100])
        innocent.seek(0)
        assert innocent.read() == b"precious"


def test_an_upload_whose_part_is_still_arriving_is_not_idle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("hfver.local_hub.multipart.time.monotonic", lambda: now)
    uploads = MultipartUploads(iter([tmp_path / "f"]).__next__)
    slow = uploads.promise("0" * 64, len(DATA), BLOCK_BYTES)
    part = uploads.file(slow).part(1)
    for _ in range(4):
        now += 1800
        part.write([b"x"])
        uploads.promise("1" * 64, len(DATA), BLOCK_BYTES)
    assert uploads.sha256_of(slow) == "0" * 64
    uploads.close()
