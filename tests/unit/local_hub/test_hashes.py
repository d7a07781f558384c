from __future__ import annotations

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from hfver.local_hub import hashes
from hfver.local_hub.content_errors import FormatError

HELLO = b"Hello, xet!\n" * 20
HELLO_CHUNK = "1ac0e6895e9b15966c55e73f9efc9120d3bdb43fb257e6ff28fa6d0b80f28628"
HELLO_FILE = bytes.fromhex("86194648252a576999e463475d88e76f6711645b6a11790b9088121a1e1b0f2b")


def test_the_text_form_reverses_each_group_of_eight_bytes() -> None:
    assert hashes.to_text(bytes(range(32))) == "07060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918"


@given(st.binary(min_size=32, max_size=32))
def test_the_text_form_can_be_read_back(raw: bytes) -> None:
    assert hashes.from_text(hashes.to_text(raw)) == raw
    assert hashes.permuted(hashes.permuted(raw)) == raw


@pytest.mark.parametrize("text", ["", "a" * 63, "A" * 64, "g" * 64, "a" * 65, "٣" * 64])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(FormatError):
        hashes.from_text(text)


def test_a_captured_file_of_one_chunk_has_the_hashes_its_client_computed() -> None:
    raw = hashes.chunk_hash(HELLO)
    assert hashes.to_text(raw) == HELLO_CHUNK
    assert hashes.xorb_hash([(raw, len(HELLO))]) == raw
    assert hashes.file_hash([(raw, len(HELLO))]) == HELLO_FILE


def test_nothing_hashes_to_zeros() -> None:
    assert hashes.xorb_hash([]) == hashes.ZERO
    assert hashes.file_hash([]) == hashes.ZERO


def _by_the_book(nodes: list[hashes.Node]) -> bytes:
    """The rule as written down, with the whole list at hand."""
    while len(nodes) > 1:
        merged, start = [], 0
        while start < len(nodes):
            rest = nodes[start:]
            size = len(rest)
            if size > 2:
                ends = [i + 1 for i in range(2, min(9, size)) if int.from_bytes(rest[i][0][24:], "little") % 4 == 0]
                size = ends[0] if ends else min(9, size)
            text = "".join(f"{hashes.to_text(raw)} : {length}\n" for raw, length in rest[:size])
            key = bytes.fromhex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f")
            digest = blake3(text.encode(), key=key).digest()
            merged.append((digest, sum(length for _, length in rest[:size])))
            start += size
        nodes = merged
    return nodes[0][0]


@given(st.lists(st.integers(0, 2**32), min_size=1, max_size=200), st.randoms(use_true_random=False))
def test_the_tree_in_one_pass_equals_the_rule(seeds: list[int], chance: object) -> None:
    nodes = [(hashes.chunk_hash(seed.to_bytes(5, "little")), seed % 99 + 1) for seed in seeds]
    assert hashes.xorb_hash(iter(nodes)) == _by_the_book(nodes)
