from __future__ import annotations

import io

import lz4.frame
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hfver.local_hub import xorbs
from hfver.local_hub.chunks import MAX_UNPACKED
from hfver.local_hub.content_errors import FormatError
from hfver.local_hub.xorbs import scan
from tests.support.xet_bodies import chunk_bytes, make_xorb

HELLO_BODY = bytes.fromhex(
    "0026000001f0000004224d1860408217000000cf48656c6c6f2c20786574210a0c00cb6020786574210a00000000"
)


def test_a_captured_body_is_read_as_its_client_meant_it() -> None:
    table = scan(io.BytesIO(HELLO_BODY))
    assert list(table.offsets) == [0, 46]
    assert list(table.raw) == [0, 240]
    assert table.xorb_hash().hex().startswith("96159b5e89e6c01a2091fc9e3fe7556c")


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=20), st.sampled_from([0, 1, 2]))
def test_chunks_of_every_scheme_are_found_where_they_lie(chunks: list[bytes], scheme: int) -> None:
    xorb = make_xorb(chunks, scheme)
    table = scan(io.BytesIO(xorb.body))
    assert table.nodes() == xorb.nodes
    assert table.xorb_hash() == xorb.hash
    assert table.offsets[-1] == len(xorb.body)
    for index, chunk in enumerate(chunks):
        assert xorb.body[table.offsets[index] : table.offsets[index + 1]] == chunk_bytes(chunk, scheme)


def test_chunks_across_the_read_window_are_whole() -> None:
    chunks = [bytes([i % 251]) * MAX_UNPACKED for i in range(100)]
    assert scan(io.BytesIO(make_xorb(chunks).body)).nodes() == make_xorb(chunks).nodes


@given(st.binary(max_size=400))
@example(b"")
@example(b"XETBLOB" + bytes(30))
@example(bytes([0, 255, 255, 255, 0, 255, 255, 255]))
@example(bytes([0, 1, 0, 0, 1, 255, 255, 1, 7]))
def test_hostile_bodies_raise_format_errors_and_nothing_else(body: bytes) -> None:
    try:
        table = scan(io.BytesIO(body))
    except FormatError:
        return
    assert table.offsets[-1] == len(body)


@given(st.data())
def test_a_changed_body_is_refused_or_has_another_hash(data: st.DataObject) -> None:
    xorb = make_xorb([b"some text " * 30, b"\1\2\3\4" * 50], data.draw(st.sampled_from([0, 1, 2])))
    at = data.draw(st.integers(0, len(xorb.body) - 1))
    body = bytearray(xorb.body)
    body[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        table = scan(io.BytesIO(bytes(body)))
    except FormatError:
        return
    if table.xorb_hash() == xorb.hash:
        # A different encoding of the very same chunks: harmless, and possible with LZ4.
        assert table.raw == scan(io.BytesIO(xorb.body)).raw


def test_a_bomb_is_not_unpacked() -> None:
    packed = lz4.frame.compress(bytes(50_000_000), block_linked=False)
    header = bytes([0]) + len(packed).to_bytes(3, "little") + bytes([1]) + (1000).to_bytes(3, "little")
    with pytest.raises(FormatError):
        scan(io.BytesIO(header + packed))


def test_limits_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xorbs, "MAX_CHUNKS", 3)
    scan(io.BytesIO(make_xorb([b"a"] * 3).body))
    with pytest.raises(FormatError, match="more than 3 chunks"):
        scan(io.BytesIO(make_xorb([b"a"] * 4).body))
    monkeypatch.setattr(xorbs, "MAX_RAW_BYTES", 10)
    with pytest.raises(FormatError, match="10 bytes"):
        scan(io.BytesIO(make_xorb([b"a" * 6] * 2).body))
    with pytest.raises(FormatError, match="no chunks"):
        scan(io.BytesIO(b""))
    with pytest.raises(FormatError, match="out of bounds"):
        scan(io.BytesIO(chunk_bytes(bytes(MAX_UNPACKED + 1))))
