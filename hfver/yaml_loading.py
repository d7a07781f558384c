"""Loaders for YAML that somebody else wrote. Ask ``hfver.yaml_bounds`` first: these trust its word on size and depth.

Imported where something is loaded, never to start: PyYAML takes its time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import yaml
from yaml.constructor import ConstructorError, SafeConstructor

if TYPE_CHECKING:
    from yaml import BaseLoader as _BaseLoader
    from yaml import SafeLoader as _SafeLoader
else:  # PyYAML can be built without libyaml
    _BaseLoader, _SafeLoader = (getattr(yaml, f"C{name}", getattr(yaml, name)) for name in ("BaseLoader", "SafeLoader"))

_TAG = "tag:yaml.org,2002:"
_NUMBERS = (f"{_TAG}int", f"{_TAG}float")
# Python's hash of a number is the number: keys can be chosen that all collide, 20,000 of them for seconds.
_MOST_NUMBERS_AS_KEYS = 5_000
# YAML 1.1 reads 1:30:00 as a number to the base of 60; half a megabyte of digits took half a minute.
_MOST_PLACES = 20
_MOST_BITS = 1_000  # no float holds more, and Python refuses to print the longest


class SettingsLoader(_SafeLoader):
    """Plain values of YAML's own types. An application's own tags (``!env``) are read as if they were not there."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        if isinstance(node, yaml.MappingNode):
            self.flatten_mapping(node)
            if sum(key.tag in _NUMBERS for key, _ in node.value) > _MOST_NUMBERS_AS_KEYS:
                raise ConstructorError(
                    None, None, f"more than {_MOST_NUMBERS_AS_KEYS:,} keys of a mapping are numbers", node.start_mark
                )
        return super().construct_mapping(node, deep)


def _number(loader: Any, node: Any) -> int | float:
    if str(node.value).count(":") > _MOST_PLACES:
        raise ConstructorError(None, None, "a number has too many places", node.start_mark)
    is_int = node.tag == f"{_TAG}int"
    value: int | float = loader.construct_yaml_int(node) if is_int else loader.construct_yaml_float(node)
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise ConstructorError(None, None, "a number is too long", node.start_mark)
    return value


def _plain(loader: Any, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


for _name in _NUMBERS:
    SettingsLoader.add_constructor(_name, _number)
SettingsLoader.add_multi_constructor("!", _plain)


class PointerLoader(_BaseLoader):
    """Strings, lists and mappings only: an md5 of digits must not become a number. Merge keys are merged."""

    flatten_mapping: Callable[..., None] = SafeConstructor.flatten_mapping

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        if isinstance(node, yaml.MappingNode):
            self.flatten_mapping(node)
        return super().construct_mapping(node, deep)


PointerLoader.add_implicit_resolver(f"{_TAG}merge", re.compile("<<"), ["<"])


def load(source: bytes | str, loader: type[SettingsLoader | PointerLoader]) -> Any:
    """The one document in ``source``, None when it is empty; ``yaml.YAMLError`` for whatever is wrong with it."""
    try:
        return yaml.load(source, Loader=loader)  # noqa: S506 (both make plain values only)
    except (ValueError, ArithmeticError, LookupError, AttributeError, TypeError) as exc:
        # A value that is not what its tag says (`!!int ""`, `!!timestamp x`): PyYAML then trips over itself.
        raise ConstructorError(None, None, f"a value is not what its tag says ({exc})", None) from exc
