"""YAML from anybody. In a module of its own because reading the parser takes longer than answering most requests."""

from __future__ import annotations

import math
from typing import Any

import yaml

LARGEST_NUMBER = 1 << 63


class CardYamlError(Exception):
    """The text is not YAML, or not of the plain kind accepted here."""


class _Loader(yaml.SafeLoader):
    """Without aliases, which could blow up to any size, and without dates, which JSON cannot say."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed here")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_mapping(text: str) -> dict[str, Any]:
    try:
        value = yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader made stricter)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CardYamlError(str(error)) from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise CardYamlError("it must be a mapping")
    return {_text(key): _plain(item) for key, item in value.items()}


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
