from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hfver.nesting import is_deeper

values = st.recursive(st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=2), inner))


def depth(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inside is None else 1 + max(map(depth, inside), default=0)


@given(values, st.integers(0, 6))
def test_levels_are_lists_and_mappings_in_one_another(value: Any, levels: int) -> None:
    assert is_deeper(value, levels) == (depth(value) > levels)


def test_no_depth_is_too_deep_to_be_told() -> None:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    assert is_deeper(value, 40)
    while isinstance(value, list):  # or it is taken apart by recursion
        value = value.pop()
