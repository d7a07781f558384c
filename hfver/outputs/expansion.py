"""How much a dvc.yaml becomes once DVC has expanded it, told without expanding anything.

A foreach or matrix makes a stage of each of its items, and a template (``${model.layers}``) puts in whatever stands
there in params.yaml and the files and mappings under ``vars``, as often as it is written. So a page of text can become
billions of values, and DVC expands all of them before it looks at anything.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hfver.outputs.pipelines import templates_in

MOST_EXPANDED = 2_000_000
# A stage costs DVC about as much as so many values; so much text as one.
_VALUES_OF_A_STAGE = 100
_TEXT_OF_A_VALUE = 64
_SEPARATORS = re.compile(r"[.\[\]]+")

Values = Mapping[str, Any]


def expands_beyond_measure(definition: Mapping[str, Any], values: Sequence[Values], unknown: int = 1) -> bool:
    """``definition`` is all of a dvc.yaml; ``values`` are what its templates may name.

    ``unknown`` is how much may stand under a name that is in none of them.
    """
    size = _Size(values, unknown)
    total = 0
    for stage in _mapping(definition.get("stages")).values():
        body = _mapping(stage)
        items = list(_columns(body))
        count = math.prod(size.most_items(column) for column in items)
        size.items = max((size.largest_item(column) for column in items), default=1)
        inside = _mapping(body.get("do", body))
        copied = (
            size.of_all_values if "vars" in inside else 0
        )  # DVC copies all it knows for a stage with more of its own
        total += count * (_VALUES_OF_A_STAGE + copied + size.of(inside))
        if total > MOST_EXPANDED:
            return True
    size.items = 1
    return total + size.of({key: value for key, value in definition.items() if key != "stages"}) > MOST_EXPANDED


def _columns(body: Mapping[str, Any]) -> Iterator[Any]:
    if "foreach" in body:
        yield body["foreach"]
    elif "matrix" in body:
        yield from _mapping(body["matrix"]).values()


class _Size:
    """The size of values with their templates replaced; what several places may name counts as the largest of them."""

    def __init__(self, values: Sequence[Values], unknown: int) -> None:
        self._values, self._unknown = values, unknown
        self._plain: dict[int, int] = {}
        self._named: dict[str, int] = {}
        self.items = 1  # of the largest item of the loop that is looked at

    @property
    def of_all_values(self) -> int:
        return sum(map(self._plain_size, self._values))

    def of(self, value: Any) -> int:
        return sum(self._of_text(one) if isinstance(one, str) else 1 for one in _walk(value))

    def most_items(self, column: Any) -> int:
        """Into how many stages a foreach, or a variable of a matrix, divides."""
        return max((len(found) for found in self._lists(column)), default=self._unknown)

    def largest_item(self, column: Any) -> int:
        inside = (found.values() if isinstance(found, Mapping) else found for found in self._lists(column))
        return max((self._plain_size(item) for items in inside for item in items), default=self._unknown)

    def _lists(self, column: Any) -> Iterator[Mapping[str, Any] | Sequence[Any]]:
        named = templates_in(column) if isinstance(column, str) else ()
        candidates = [column, *(found for name in named for found in self._found(name))]
        return (found for found in candidates if isinstance(found, (Mapping, list)))

    def _of_text(self, text: str) -> int:
        return 1 + len(text) // _TEXT_OF_A_VALUE + sum(map(self._of_template, templates_in(text)))

    def _of_template(self, name: str) -> int:
        if name.partition(".")[0] in ("item", "key"):
            return self.items
        if name not in self._named:
            self._named[name] = max(map(self._plain_size, self._found(name)), default=self._unknown)
        return self._named[name]

    def _found(self, name: str) -> Iterator[Any]:
        """What stands under a dotted name; ``layers[0]`` is the first of a list."""
        for found in self._values:
            place: Any = found
            for step in filter(None, _SEPARATORS.split(name)):
                if isinstance(place, Mapping):
                    place = place.get(step, place.get(int(step)) if step.isdecimal() and len(step) < 10 else None)
                elif isinstance(place, list) and step.isdecimal() and len(step) < 10 and int(step) < len(place):
                    place = place[int(step)]
                else:
                    place = None
            if place is not None:
                yield place

    def _plain_size(self, value: Any) -> int:
        """Remembered by identity: the values live as long as this does."""
        if not isinstance(value, (Mapping, list)):
            return 1 + (len(value) // _TEXT_OF_A_VALUE if isinstance(value, str) else 0)
        if id(value) not in self._plain:
            self._plain[id(value)] = sum(
                1 + (len(one) // _TEXT_OF_A_VALUE if isinstance(one, str) else 0) for one in _walk(value)
            )
        return self._plain[id(value)]


def _walk(value: Any) -> Iterator[Any]:
    """Every value and key in it, as often as aliases repeat it: how often that may be was looked at before loading."""
    left = [value]
    while left:
        one = left.pop()
        yield one
        if isinstance(one, Mapping):
            left += one
            left += one.values()
        elif isinstance(one, list):
            left += one


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
