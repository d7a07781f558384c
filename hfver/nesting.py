"""How deep lists and mappings are in one another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_deeper(value: Any, levels: int) -> bool:
    """Whether more than so many are in one another. Level by level: what recurses might not survive the answer."""
    inside = [value] if isinstance(value, (Mapping, list)) else []
    for _ in range(levels):
        inside = [
            item
            for outer in inside
            for item in (outer.values() if isinstance(outer, Mapping) else outer)
            if isinstance(item, (Mapping, list))
        ]
    return bool(inside)
