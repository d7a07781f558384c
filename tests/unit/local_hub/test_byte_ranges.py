from __future__ import annotations

import pytest

from hfver.local_hub.byte_ranges import UnsatisfiableRangeError, parse_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("bytes=-", None),
        ("items=0-1", None),
        ("bytes=0-1,4-5", None),
        ("bytes=5-4", None),
        ("bytes=0-0", (0, 1)),
        ("bytes=0-9", (0, 10)),
        ("bytes=0-999", (0, 10)),
        ("bytes=3-", (3, 10)),
        (" bytes=3-5 ", (3, 6)),
        ("bytes=-4", (6, 10)),
        ("bytes=-40", (0, 10)),
        ("bytes=9-9", (9, 10)),
    ],
)
def test_single_ranges_are_clipped_and_others_ignored(header: str | None, expected: tuple[int, int] | None) -> None:
    assert parse_range(header, 10) == expected


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=999999999999999999-"])
def test_a_range_behind_the_end_cannot_be_satisfied(header: str) -> None:
    with pytest.raises(UnsatisfiableRangeError):
        parse_range(header, 10)


def test_an_empty_file_has_no_ranges() -> None:
    assert parse_range(None, 0) is None
    with pytest.raises(UnsatisfiableRangeError):
        parse_range("bytes=0-0", 0)
