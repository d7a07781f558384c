from __future__ import annotations

import json
import time

import pytest

from hfver.local_hub.cards import parse_card


def test_metadata_and_text_are_told_apart() -> None:
    card = parse_card("\ufeff---\r\nlicense: mit\r\ntags: [a, b]\r\n---\r\n# Title\r\n".encode())
    assert card.metadata == {"license": "mit", "tags": ["a", "b"]}
    assert card.text == "# Title\n"
    assert card.tags() == ["a", "b", "license:mit"]


@pytest.mark.parametrize("text", ["", "# Title", "---\nno end", "----\na: 1\n----\n", "--- \na: 1\n---\n"])
def test_a_text_without_metadata_is_all_text(text: str) -> None:
    card = parse_card(text.encode())
    assert (card.metadata, card.text, card.errors) == ({}, text, ())


@pytest.mark.parametrize(
    "block",
    ["a: [", "- a", "a: &x 1\nb: *x", "tags: {a: 1}", "license: 3", "model-index: x", "!!python/object:os.x {}"],
)
def test_bad_metadata_is_reported_not_raised(block: str) -> None:
    assert parse_card(f"---\n{block}\n---\ntext".encode()).errors


def test_deep_nesting_is_reported_not_raised() -> None:
    assert parse_card(b"---\na: " + b"[" * 5000 + b"\n---\n").errors


@pytest.mark.parametrize(
    "block",
    ["a: !!timestamp x", "a: !!int ''", "a: !!bool x", "a: 1" + ":59" * 100_000, "a: 1" + ":59" * 300 + ".5",
     "{" + ", ".join(f"{((1 << 61) - 1) * n}: x" for n in range(1, 8_000)) + "}", "[" * 300_000,
     "%TAG !a! b\n" * 20_000 + "---\na: 1"],
    ids=["timestamp", "int", "bool", "base of 60", "and a point", "keys", "brackets", "directives"],
)  # fmt: skip
def test_metadata_that_trips_or_keeps_the_parser_busy_is_reported_at_once(block: str) -> None:
    begun = time.process_time()
    assert parse_card(f"---\n{block}\n---\ntext".encode()).errors
    assert time.process_time() - begun < 2


def test_metadata_is_always_json() -> None:
    card = parse_card(b"---\nwhen: 2024-01-01\nn: .nan\nraw: !!binary aGk=\nset: !!set {a, b}\nd: {1: [.inf]}\n---\n")
    assert json.loads(json.dumps(card.metadata, allow_nan=False))["when"] == "2024-01-01"


def test_a_huge_card_is_cut() -> None:
    card = parse_card(b"---\na: 1\n---\n" + b"x" * (2 << 20))
    assert card.errors == ("The card is larger than 1 MB.",)
    assert len(card.text) <= 1 << 20
