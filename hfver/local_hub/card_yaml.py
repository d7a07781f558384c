"""YAML from anybody. In a module of its own because reading the parser takes longer than answering most requests."""

from __future__ import annotations

import math
from typing import Any

import yaml

LARGEST_NUMBER = 1 << 63
_DEEPEST = 100
_MOST_DIRECTIVES = 20
_MOST_NUMBERS_AS_KEYS = 5_000
_MOST_PLACES = 20
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


class CardYamlError(Exception):
    """The text is not YAML, or not of the plain kind accepted here."""


_CLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # PyYAML can be built without libyaml


class _Loader(_CLoader):  # type: ignore[misc, valid-type]
    """Without dates, which JSON cannot say, and without numbers that take minutes to read."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        # Python's hash of a number is the number: keys can be chosen that all collide.
        if sum(key.tag in _NUMBERS for key, _ in node.value) > _MOST_NUMBERS_AS_KEYS:
            raise yaml.YAMLError("too many keys are numbers")
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def _number(loader: Any, node: Any) -> int | float:
    if node.value.count(":") > _MOST_PLACES:  # to the base of 60, as 1:30:00
        raise yaml.YAMLError("a number has too many places")
    is_int = node.tag == _NUMBERS[0]
    number: int | float = loader.construct_yaml_int(node) if is_int else loader.construct_yaml_float(node)
    return number


for _name in _NUMBERS:
    _Loader.add_constructor(_name, _number)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_mapping(text: str) -> dict[str, Any]:
    try:
        _refuse_aliases(text)
        value = yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader made stricter)
    except (yaml.YAMLError, ValueError, ArithmeticError, LookupError, AttributeError, TypeError) as error:
        # Not only of the first kind: over `!!int ""` PyYAML trips.
        raise CardYamlError(str(error)) from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise CardYamlError("it must be a mapping")
    return {_text(key): _plain(item) for key, item in value.items()}


def _refuse_aliases(text: str) -> None:
    """Aliases could blow up to any size, and libyaml would end the process over what is nested without end."""
    if text.count("%TAG") > _MOST_DIRECTIVES:
        raise yaml.YAMLError("too many %TAG directives")
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed here")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise yaml.YAMLError(f"it is nested more than {_DEEPEST} levels deep")


def _plain(value: Any) -> Any:
    """Only what JSON can say: YAML also has sets, bytes, numbers that are none, and numbers of any length."""
    if isinstance(value, dict):
        return {_text(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, int) and abs(value) < LARGEST_NUMBER:
        return value
    return _text(value)


def _text(value: Any) -> str:
    """Python refuses to write long integers in decimals; YAML can spell half a character, which UTF-8 cannot."""
    text = hex(value) if isinstance(value, int) and abs(value) >= LARGEST_NUMBER else str(value)
    return text.encode("utf-8", "replace").decode()
