"""What people wrote on the Hub survives the next release."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfver.cards.merge import _kept, _unique, merge_cards

BASE = """\
---
license: mit
tags:
- a
---

# bert

Version `v1.0.0`.

## Evaluation

| loss | 0.5 |

## Provenance

- commit 1
"""
NEW = BASE.replace("v1.0.0", "v1.1.0").replace("0.5", "0.4").replace("commit 1", "commit 2").replace("- a", "- a\n- b")


def test_an_untouched_card_is_replaced() -> None:
    merged = merge_cards(BASE, NEW, BASE)
    assert (merged.text, merged.warnings) == (NEW, ())


def test_added_and_changed_text_stays_and_the_rest_is_renewed() -> None:
    current = BASE.replace("# bert\n", "# bert, the good one\n").replace(
        "## Provenance", "## Limits\n\nNot for medicine.\n\n## Provenance"
    )
    merged = merge_cards(BASE, NEW, current)
    assert merged.text == NEW.replace("# bert\n", "# bert, the good one\n").replace(
        "## Provenance", "## Limits\n\nNot for medicine.\n\n## Provenance"
    )
    assert merged.warnings == ()


def test_a_removed_section_stays_removed() -> None:
    current = BASE.replace("## Provenance\n\n- commit 1\n", "")
    new = BASE.replace("v1.0.0", "v1.1.0")
    merged = merge_cards(BASE, new, current)
    assert "Provenance" not in merged.text
    assert "v1.1.0" in merged.text


def test_on_a_conflict_the_human_text_stays_and_a_warning_names_the_place() -> None:
    current = BASE.replace("| loss | 0.5 |", "| loss | 0.5 (seed 3) |")
    merged = merge_cards(BASE, NEW, current)
    assert "| loss | 0.5 (seed 3) |" in merged.text
    assert "v1.1.0" in merged.text
    assert merged.warnings == ("the card's text was changed on the Hub and here (\"Evaluation\"); the Hub's was kept",)


def test_metadata_is_merged_key_by_key() -> None:
    current = BASE.replace("license: mit", "license: apache-2.0\nlanguage: zh")
    merged = merge_cards(BASE, NEW, current)
    assert merged.text.startswith("---\nlicense: apache-2.0\nlanguage: zh\ntags:\n- a\n- b\n---\n")
    assert merged.warnings == ()


def test_metadata_changed_on_both_sides_stays_as_on_the_hub() -> None:
    merged = merge_cards(
        BASE, NEW.replace("license: mit", "license: gpl-3.0"), BASE.replace("license: mit", "license: apache-2.0")
    )
    assert "license: apache-2.0" in merged.text
    assert merged.warnings == ("the card's license was changed on the Hub and here; the Hub's was kept",)


def test_comments_in_human_metadata_stay_when_nothing_new_came() -> None:
    current = BASE.replace("license: mit", "license: other  # ask us")
    new = BASE.replace("v1.0.0", "v1.1.0")
    assert "license: other  # ask us" in merge_cards(BASE, new, current).text


def test_broken_metadata_is_generated_again_with_a_warning() -> None:
    merged = merge_cards(BASE, NEW, BASE.replace("license: mit", "license: [mit"))
    assert "license: mit" in merged.text
    assert merged.warnings == ("the card's metadata on the Hub is not YAML; it was generated again",)


lines = st.lists(st.sampled_from(["a", "b", "c", "## h", ""]), max_size=8).map("\n".join)


@given(lines, lines)
def test_one_sided_changes_never_conflict(base: str, changed: str) -> None:
    assert merge_cards(base, changed, base).text == changed
    assert merge_cards(base, base, changed).text.rstrip("\n") == changed.rstrip("\n")
    assert merge_cards(base, base, changed).warnings == ()
    assert merge_cards(base, changed, changed).warnings == ()


@given(lines, lines, lines)
def test_no_human_line_is_ever_lost(base: str, new: str, current: str) -> None:
    merged = merge_cards(base, new, current).text.splitlines()
    added = [line for line in current.splitlines() if line not in base.splitlines()]
    assert all(line in merged for line in added)


def test_what_people_add_next_to_generated_lines_that_change_does_not_hold_these_back() -> None:
    base, new = "# m\n\n- made of 1\n", "# m\n\n- made of 2\n"
    assert merge_cards(base, new, base + "\nBelow.\n").text == new + "\nBelow.\n"
    assert merge_cards(base, new, "# m\n\nAbove.\n- made of 1\n").text == "# m\n\nAbove.\n- made of 2\n"


LINES = st.lists(st.sampled_from(["", "a", "b", "# c", "d"]), max_size=12)


@given(LINES, LINES)
def test_lines_that_are_kept_are_equal_and_in_order(base: list[str], other: list[str]) -> None:
    for find in (_kept, _unique):
        kept = find(base, other)
        assert all(base[at] == other[there] for at, there in kept.items())
        assert sorted(kept.values()) == [kept[at] for at in sorted(kept)]


def test_unchanged_text_around_a_change_stays_whatever_its_length() -> None:
    base = [f"line {at}" for at in range(2000)]
    current = ["above", *base[:900], "people's own", *base[900:], "below"]
    new = [line.replace("line 1500", "line 1500 renewed") for line in base]
    merged = merge_cards("\n".join(base), "\n".join(new), "\n".join(current))
    assert merged.text == "\n".join(["above", *new[:900], "people's own", *new[900:], "below"]) + "\n"
    assert merged.warnings == ()


@pytest.mark.parametrize(
    "current",
    [["a", "c", "b"] * 700, [""] * 200_000, [f"# {at}" for at in range(50_000)]],
    ids=["repeats itself", "blank lines", "headings"],
)
def test_a_card_made_to_be_slow_is_merged_in_time(current: list[str]) -> None:
    base, new = ["# model", *["a", "b"] * 1000], ["# model", *["b", "c", "a"] * 700]
    begun = time.process_time()
    merged = merge_cards("\n".join(base), "\n".join(new), "\n".join(current))
    assert time.process_time() - begun < 5
    assert len(merged.warnings) <= 21
    assert merged.text.count("\n") >= len(current) - 1
