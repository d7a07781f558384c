"""Limits of single values."""

from __future__ import annotations

import pytest

from hfver.config import checks


def test_patterns_are_short_and_few() -> None:
    assert checks.pattern("configs/**") == "configs/**"
    with pytest.raises(ValueError, match="has 2,001 characters; a pattern has at most 1,000"):
        checks.pattern("a*" * 1000 + "b")
    assert len(checks.few(("a",) * 200)) == 200
    with pytest.raises(ValueError, match="has 201 patterns; at most 200 are followed"):
        checks.few(("a",) * 201)
