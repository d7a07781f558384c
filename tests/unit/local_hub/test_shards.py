from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfver.local_hub import hashes, shards
from hfver.local_hub.content_errors import FormatError
from hfver.local_hub.xorbs import scan
from tests.support.xet_bodies import BOOKEND, File, Run, make_xorb, shard_body, whole

CAPTURED = bytes.fromhex(
    "48465265706f4d6574614461746100556967456a7b815783a5bdd95ccdd14aa902000000000000000000000000000000"
    "86194648252a576999e463475d88e76f6711645b6a11790b9088121a1e1b0f2b000000c0010000000000000000000000"
    "96159b5e89e6c01a2091fc9e3fe7556cffe657b23fb4bdd32886f2800b6dfa2800000000f00000000000000001000000"
    "ffafe124f7ea85d844bd2c043687b082d1e369bff35c6e2fea445592092cc6d300000000000000000000000000000000"
    "c03467b50befce98d3efa4cb1842626836e5d1bb09cadb50894aeb950a7f82f100000000000000000000000000000000"
    + "ff" * 32 + "00" * 16
    + "96159b5e89e6c01a2091fc9e3fe7556cffe657b23fb4bdd32886f2800b6dfa280000000001000000f000000000000000"
    "96159b5e89e6c01a2091fc9e3fe7556cffe657b23fb4bdd32886f2800b6dfa2800000000f00000000000000000000000"
    + "ff" * 32 + "00" * 16
)  # fmt: skip

CHUNKS = st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=12)


def test_a_captured_shard_says_what_its_client_uploaded() -> None:
    shard = shards.parse(CAPTURED)
    (file,) = shard.files
    assert hashes.to_text(file.xet_hash).startswith("69572a2548461986")
    assert file.sha256 is not None and file.sha256.hex().startswith("98ceef0bb56734c0")
    assert file.size == 240
    (segment,) = file.segments
    assert (hashes.to_text(segment.xorb)[:16], segment.start, segment.end) == ("1ac0e6895e9b1596", 0, 1)
    (xorb,) = shard.xorbs
    assert list(xorb.sizes) == [240] and xorb.hashes == segment.xorb


@given(st.lists(CHUNKS, min_size=1, max_size=4), st.data())
def test_what_was_written_is_read(contents: list[list[bytes]], data: st.DataObject) -> None:
    xorbs = [make_xorb(chunks) for chunks in contents]
    runs = []
    for xorb in data.draw(st.lists(st.sampled_from(xorbs), max_size=6)):
        start = data.draw(st.integers(0, len(xorb.chunks) - 1))
        runs.append(Run(xorb, start, data.draw(st.integers(start + 1, len(xorb.chunks)))))
    file = File(tuple(runs))
    shard = shards.parse(shard_body([file], xorbs))
    assert [(entry.xet_hash, entry.size) for entry in shard.files] == [(file.hash, len(file.data))]
    assert [(s.xorb, s.start, s.end) for s in shard.files[0].segments] == [(r.xorb.hash, r.start, r.end) for r in runs]
    assert [(x.hash, list(x.sizes)) for x in shard.xorbs] == [(x.hash, [len(c) for c in x.chunks]) for x in xorbs]


@given(st.lists(CHUNKS, min_size=1, max_size=4))
def test_an_answer_is_a_shard_with_all_chunks_and_a_footer_that_points_right(contents: list[list[bytes]]) -> None:
    tables = [(xorb.hash, scan(io.BytesIO(xorb.body))) for xorb in map(make_xorb, contents)]
    answer = shards.build_answer(tables)
    shard = shards.parse(answer)
    assert not shard.files
    assert [(x.hash, x.hashes) for x in shard.xorbs] == [(raw, table.hashes) for raw, table in tables]
    assert len(answer) == 344 + sum(shards.answer_bytes(table) for _, table in tables)
    footer = len(answer) - 200
    version, files_at, xorbs_at, *lookups = struct.unpack_from("<9Q", answer, footer)
    assert (version, files_at, xorbs_at) == (1, 48, 96)
    assert lookups == [footer, 0] * 3
    assert struct.unpack_from("<Q", answer, len(answer) - 8) == (footer,)
    assert answer[footer - 48 : footer] == BOOKEND


@given(st.binary(max_size=300))
def test_hostile_bytes_raise_format_errors(tail: bytes) -> None:
    for body in (tail, CAPTURED[:48] + tail, CAPTURED[: 48 * 7] + tail):
        with pytest.raises(FormatError):
            shards.parse(body)


@given(st.integers(48, len(CAPTURED) - 1), st.binary(min_size=1, max_size=8))
def test_a_damaged_shard_is_read_or_refused(at: int, damage: bytes) -> None:
    body = CAPTURED[:at] + damage + CAPTURED[at + len(damage) :]
    try:
        shards.parse(body[: len(CAPTURED)])
    except FormatError:
        return


@pytest.mark.parametrize("at", [48 + 36, 48 * 6 + 36], ids=["segments", "chunks"])
def test_a_count_larger_than_the_body_is_refused_before_anything_is_allocated(at: int) -> None:
    body = CAPTURED[:at] + b"\xff\xff\xff\xff" + CAPTURED[at + 4 :]
    with pytest.raises(FormatError):
        shards.parse(body)


def test_trailing_bytes_are_refused() -> None:
    with pytest.raises(FormatError, match="after its last section"):
        shards.parse(CAPTURED + bytes(48))


def test_an_empty_file_has_the_hash_of_nothing_and_no_segments() -> None:
    shard = shards.parse(shard_body([File(())], []))
    assert shard.files[0].xet_hash == hashes.ZERO and shard.files[0].size == 0
    broken = bytearray(shard_body([File(())], []))
    broken[48] = 1
    with pytest.raises(FormatError, match="do not fit"):
        shards.parse(bytes(broken))


def test_a_sha256_of_zeros_means_that_it_was_not_computed() -> None:
    xorb = make_xorb([b"abc"])
    assert shards.parse(shard_body([whole(xorb)], [xorb], sha256="00" * 32)).files[0].sha256 is None
    assert shards.parse(shard_body([whole(xorb)], [xorb], with_sha256=False)).files[0].sha256 is None
