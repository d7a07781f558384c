"""Ranges of versions."""

from __future__ import annotations

import re

import pytest

from hfver.errors import UsageError
from hfver.version_ranges import best_match, is_range
from hfver.versions import TagFormats, Version, parse

FORMATS = TagFormats()


def versions(*tags: str) -> list[Version]:
    found = [parse(tag, FORMATS) for tag in tags]
    return [version for version in found if version is not None]


ALL = versions(
    "v0.2.3", "v0.2.9", "v0.3.0", "v1.2.3", "v1.2.9", "v1.3.0-rc.1", "v1.4.0", "v2.0.0-rc.1", "v2.0.0", "v2.1.0-rc.1",
    "exp-a-001", "v20240101-120000",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("^1.2", "v1.4.0"),
        ("^v1.2", "v1.4.0"),
        ("^0.2.3", "v0.2.9"),
        ("^0.0.1", None),
        ("^1", "v1.4.0"),
        ("~1.2", "v1.2.9"),
        ("~1.2.4", "v1.2.9"),
        ("~1", "v1.4.0"),
        (">=1.2,<2", "v1.4.0"),
        (">=1.2 <1.4", "v1.2.9"),
        ("1.x", "v1.4.0"),
        ("1.2.*", "v1.2.9"),
        ("1", "v1.4.0"),
        ("1.2", "v1.2.9"),
        ("*", "v2.0.0"),
        ("<=1.2", "v1.2.9"),
        (">1.2", "v2.0.0"),
        ("<2.0.0", "v1.4.0"),
        ("!=2.0.0", "v1.4.0"),
        ("=1.2.3", "v1.2.3"),
        (">=2.1.0-rc.1", "v2.1.0-rc.1"),
        ("^1.3.0-rc.1", "v1.4.0"),
        ("~1.3.0-rc.1", "v1.3.0-rc.1"),
        ("latest", "v2.0.0"),
        ("^3", None),
    ],
)
def test_a_range_chooses_its_highest_version(text: str, expected: str | None) -> None:
    chosen = best_match(ALL, text)
    assert (chosen.tag if chosen else None) == expected
    assert is_range(text)


def test_latest_falls_back_to_prereleases_and_then_to_timestamps() -> None:
    assert str(best_match(versions("v1.0.0-rc.1", "v20240101-120000"), "latest")) == "v1.0.0-rc.1"
    assert (
        str(best_match(versions("v20240101-120000", "v20230101-120000", "exp-a-001"), "latest")) == "v20240101-120000"
    )
    assert best_match(versions("exp-a-001"), "latest") is None


@pytest.mark.parametrize("text", ["v1.2.3", "1.2.3", "main", "exp-a-001", "v20240101-120000", "v1.0.0-rc.1", "a.xyz"])
def test_single_tags_and_branches_are_no_ranges(text: str) -> None:
    assert not is_range(text)


@pytest.mark.parametrize("text", ["^", ">=1.2,,<", "^1.2 || 2", ">=one", "", "!=1.2"])
def test_what_is_no_range_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match=re.escape("range of versions") + "|whole version"):
        best_match(ALL, text)
