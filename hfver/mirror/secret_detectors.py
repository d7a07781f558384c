"""detect-secrets' detectors, given single lines in pieces.

Its own way to a file goes through all of it at once: it expands the aliases of a YAML file and the interpolation of an
INI file, and its patterns take quadratic time of a line. So lines are shown to its detectors one by one, those of YAML
and INI files as it would show them: a value as ``key: "value"``. So what is found, and its hash, is the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

# Digests are everywhere in these files (commits, md5s), so hexadecimal strings and addresses prove nothing.
_UNSUITABLE = frozenset({"HexHighEntropyString", "IPPublicDetector"})
# A piece of this length takes half a second at worst: https://github.com/Yelp/detect-secrets/issues/372 is about its
# patterns for names. Pieces overlap, so that no key is cut in two.
_PIECE, _OVERLAP = 2000, 500
# What every key has; most lines of a configuration have none of it, and need not be shown to two dozen detectors.
_LIKE_A_KEY = re.compile(r"\S{10}|://|PRIVATE KEY")
# `secret = get_secret()` or `keys["a"]`; its own pattern takes cubic time: Yelp/detect-secrets/issues/868.
_INDIRECT = re.compile(r"[:=!]\s{0,20}[\w.-]{1,100}(?:\([^)]{0,200}\)|\[[^]]{0,200}\])")
_DEEPEST = 60  # libyaml takes quadratic time of nested brackets
_LONGEST_PLAIN = 200  # characters; a longer value is no number and no date


def find_in_lines(path: str, lines: Sequence[str], check: Callable[[], None]) -> Iterator[tuple[int, str, str]]:
    """Line (from 1), kind and text of everything in a file that may be a secret.

    ``path`` says by its ending how to read the lines; ``check`` is called again and again, and may raise to end it.
    """
    detectors = _detectors()
    if detectors.skips(path):
        return
    is_yaml = detectors.is_yaml(path)
    values = _yaml_values(lines, check) if is_yaml else _ini_values(lines) if detectors.is_ini(path) else None
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        given = values.get(number, []) if values is not None else []
        # What of a YAML file is no value is a comment or a key: a name there is mentioned, not assigned to.
        plain = [] if is_yaml and given else [(line.rstrip(), not is_yaml or values is None)]
        for shown, by_name in (*((value, True) for value in given), *plain):
            for piece in _pieces(shown):
                check()
                for kind, secret in detectors.secrets(path, piece, by_name=by_name):
                    yield number, kind, secret


def _pieces(line: str) -> Iterator[str]:
    if line:
        yield line[:_PIECE]
    for start in range(_PIECE - _OVERLAP, len(line) - _OVERLAP, _PIECE - _OVERLAP):
        yield line[start : start + _PIECE]


class _Detectors:
    """detect-secrets' detectors and filters, one by one."""

    def __init__(self) -> None:
        from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
        from detect_secrets.filters import heuristic
        from detect_secrets.plugins import keyword
        from detect_secrets.util.filetype import FileType, determine_file_type

        classes = get_mapping_from_secret_type_to_class().values()
        plugins = {plugin.__name__: plugin() for plugin in classes if plugin.__name__ not in _UNSUITABLE}
        self._names, self._random = plugins.pop("KeywordDetector"), plugins.pop("Base64HighEntropyString")
        self._forms = list(plugins.values())
        self._any_name = re.compile("|".join(keyword.DENYLIST), re.IGNORECASE)  # stands in all that its patterns match
        self._patterns = keyword.REGEX_BY_FILETYPE
        self._type_of, self._yaml, self._filters = determine_file_type, FileType.YAML, heuristic
        self._ini = {FileType.CONFIG, FileType.INI, FileType.PROPERTIES, FileType.OTHER}

    def is_yaml(self, path: str) -> bool:
        return self._type_of(path) == self._yaml or path.endswith((".dvc", "dvc.lock"))

    def is_ini(self, path: str) -> bool:
        """Whether it may be one: `.env` is only one of many names."""
        return self._type_of(path) in self._ini and not path.endswith((".json", ".jsonl"))

    def skips(self, path: str) -> bool:
        """Pictures that are text, style sheets, lists of packages."""
        return self._filters.is_non_text_file(path) and not self.is_yaml(path)

    def secrets(self, path: str, line: str, *, by_name: bool) -> Iterator[tuple[str, str]]:
        """Kind and text of every secret in a line. ``by_name``: also what is one by the name it is assigned to, or
        because it looks random.
        """
        found: list[tuple[Any, str]] = []
        if _LIKE_A_KEY.search(line):
            found += ((plugin, secret) for plugin in self._forms for secret in plugin.analyze_string(line))
            if by_name:
                found += (
                    (self._random, secret) for secret in self._random.analyze_string(line) if self._is_random(secret)
                )
        if by_name:
            found += ((self._names, secret) for secret in self._named(path, line))
        for plugin, secret in found:
            if not self._is_harmless(plugin, secret, line):
                yield plugin.secret_type, secret

    def _is_random(self, text: str) -> bool:
        return bool(self._random.calculate_shannon_entropy(text) > self._random.entropy_limit)

    def _named(self, path: str, line: str) -> Iterator[str]:
        if self._any_name.search(line) and not _INDIRECT.search(line):
            kind = self._yaml if self.is_yaml(path) else self._type_of(path)
            yield from self._names.analyze_string(line, denylist_regex_to_group=self._patterns.get(kind))

    def _is_harmless(self, plugin: Any, secret: str, line: str) -> bool:
        its = self._filters
        return bool(
            its.is_templated_secret(secret)
            or its.is_prefixed_with_dollar_sign(secret)
            or its.is_not_alphanumeric_string(secret)
            or its.is_sequential_string(secret)
            or its.is_potential_uuid(secret)
            or its.is_likely_id_string(secret, line, plugin)
        )


@cache
def _detectors() -> _Detectors:
    return _Detectors()


@dataclass(slots=True)
class _Open:
    """A collection of a YAML file that has not ended; ``key`` is None where the next thing in a mapping is a key."""

    is_mapping: bool
    key: str | None = None


def _yaml_values(lines: Sequence[str], check: Callable[[], None]) -> dict[int, list[str]] | None:
    """The strings of a YAML file by line, as ``key: "value"``, whose hashes are those of a baseline; None for what is
    not YAML. Read from libyaml's events, in which an alias is a name and stands for nothing.
    """
    import yaml

    resolver, loader = yaml.resolver.Resolver(), getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    found: dict[int, list[str]] = {}
    inside: list[_Open] = []
    try:
        for event in yaml.parse("\n".join(lines), Loader=loader):
            check()
            if isinstance(event, yaml.CollectionEndEvent):
                inside.pop()
            elif isinstance(event, yaml.NodeEvent):
                around = inside[-1] if inside else _Open(is_mapping=False)
                scalar = event if isinstance(event, yaml.ScalarEvent) else None
                if around.is_mapping and around.key is None:
                    around.key = scalar.value if scalar is not None else ""
                else:
                    if scalar is not None and scalar.start_mark is not None and _is_string(scalar, resolver):
                        number = scalar.start_mark.line
                        found.setdefault(number + 1, []).append(_as_value(around.key, scalar.value, lines[number]))
                    around.key = None
                if isinstance(event, yaml.CollectionStartEvent):
                    inside.append(_Open(isinstance(event, yaml.MappingStartEvent)))
                    if len(inside) > _DEEPEST:
                        return None
    except (yaml.YAMLError, ValueError):
        return None
    return found


def _is_string(event: Any, resolver: Any) -> bool:
    """Whether a scalar is a text: numbers, dates and switches are no secrets, be it of ``use_secret: true``."""
    import yaml

    tag = event.tag
    if tag is None and len(event.value) <= _LONGEST_PLAIN:
        tag = resolver.resolve(yaml.ScalarNode, event.value, event.implicit)
    return tag is None or tag.endswith((":str", ":binary"))


def _as_value(key: str | None, value: str, line: str) -> str:
    _, mark, comment = line.partition(" #")
    text = f"{key}: {_quoted(value)}" if key else value
    return f"{text} #{comment}" if mark else text


def _ini_values(lines: Sequence[str]) -> dict[int, list[str]] | None:
    """The values of an INI or `.env` file by line, as ``key = "value"``; None where anything else stands in it."""
    found: dict[int, list[str]] = {}
    key = ""
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text[0] in "#;" or (text[0] == "[" and text[-1] == "]"):
            continue
        value = text
        if not (key and line[0] in " \t"):  # else it goes on with the value above
            at = min((text.index(sign) for sign in "=:" if sign in text), default=0)
            if at == 0:
                return None
            key, value = text[:at].rstrip(), text[at + 1 :].lstrip()
        if value[:1] in ("'", '"') and value[1:].endswith(value[0]):
            value = value[1:-1]
        if value:
            found[number] = [f"{key} = {_quoted(value)}"]
    return found


def _quoted(value: str) -> str:
    escaped = value.replace('"', '\\"')
    return f'"{escaped}"'
