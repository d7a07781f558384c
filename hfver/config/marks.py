"""YAML read with positions: the plain data, and for every key and value the line and column it stands at.

Positions are looked up by path in the parsed tree when a problem asks for one. Building a table of all paths first
would let a few lines of nested aliases grow without bound.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from hfver.config.problems import Problem
from hfver.redact import HUB_TOKEN, redact
from hfver.yaml_bounds import SETTINGS, find_excess
from hfver.yaml_loading import SettingsLoader, load

_LONGEST_LINE = 200  # of what is quoted in a message
Path = Sequence[str | int]


@dataclass(frozen=True)
class Document:
    """One YAML file: its data and its tree."""

    file: str
    text: str
    data: Any
    node: yaml.Node | None

    def position(self, path: Path, *, of_key: bool = False) -> tuple[int, int]:
        """Line and column (from 1) of the value at a path, or of its key; of the deepest part that exists."""
        node, key = self.node, None
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            key, node = found
        chosen = key if of_key and key is not None else node
        mark = chosen.start_mark if chosen is not None else None
        return (mark.line + 1, mark.column + 1) if mark else (1, 1)

    def problem(self, path: Path, message: str, *, of_key: bool = False) -> Problem:
        line, column = self.position(path, of_key=of_key)
        return Problem(self.file, line, column, dotted(path), message, source_line(self.text, line))


def dotted(path: Path) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def source_line(text: str, line: int) -> str:
    return _quoted(text.split("\n"), line)


def _quoted(lines: Sequence[str], line: int) -> str:
    return redact(lines[line - 1].rstrip("\r"))[:_LONGEST_LINE] if 0 < line <= len(lines) else ""


def parse_yaml(raw: bytes, file: str) -> tuple[Document, list[Problem]]:
    """Read one file. With problems of the syntax the document's data is None."""
    excess = find_excess(raw, SETTINGS)
    if len(raw) > SETTINGS.bytes:
        return Document(file, "", None, None), [Problem(file, 0, 0, "", str(excess))]
    text, problems = _decode(raw, file)
    if text is None:
        return Document(file, "", None, None), problems
    problems = list(_literal_tokens(text, file))
    if excess is not None:
        too_much = Problem(file, excess.line, min(excess.line, 1), "", excess.reason)
        return Document(file, text, None, None), [too_much, *problems]
    try:
        node = _compose(text)
        if node is None:
            return Document(file, text, {}, None), problems
        problems += _key_problems(node, text, file)
        return Document(file, text, load(text, SettingsLoader), node), problems
    except yaml.YAMLError as exc:
        return Document(file, text, None, None), [_syntax_problem(exc, text, file), *problems]


def _decode(raw: bytes, file: str) -> tuple[str | None, list[Problem]]:
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError as exc:
        line = raw.count(b"\n", 0, exc.start) + 1
        column = exc.start - raw.rfind(b"\n", 0, exc.start)
        return None, [
            Problem(file, line, column, "", f"is not UTF-8: byte 0x{raw[exc.start]:02x}; save the file as UTF-8")
        ]


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return []


def _compose(text: str) -> yaml.Node | None:
    loader = SettingsLoader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    if not isinstance(node, yaml.MappingNode):
        return None
    merged: list[yaml.Node] = []
    for key, value in node.value:
        if key.tag == "tag:yaml.org,2002:merge":
            merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
        elif key.value == str(step):
            return key, value
    return next((found for parent in merged if (found := _child(parent, step))), None)


def _nodes(root: yaml.Node) -> Iterator[yaml.Node]:
    """Every node once, however often aliases name it."""
    seen: set[int] = set()
    todo = [root]
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        todo += _children(node)


def _key_problems(root: yaml.Node, text: str, file: str) -> list[Problem]:
    problems = []
    lines = text.split("\n")
    for node in _nodes(root):
        if not isinstance(node, yaml.MappingNode):
            continue
        first: dict[Hashable, int] = {}
        for key, _ in node.value:
            line, column = key.start_mark.line + 1, key.start_mark.column + 1
            if not isinstance(key, yaml.ScalarNode):
                message = "a key must be plain text"
            elif key.value in first and not key.tag.endswith(":merge"):
                message = f'"{key.value}" is set twice (first on line {first[key.value]}); keep one'
            else:
                first[key.value] = line
                continue
            problems.append(Problem(file, line, column, "", message, _quoted(lines, line)))
    return sorted(problems, key=lambda problem: (problem.line, problem.column))


def _literal_tokens(text: str, file: str) -> Iterator[Problem]:
    for number, line in enumerate(text.split("\n"), 1):
        for match in HUB_TOKEN.finditer(line):
            message = "a token must never stand in a file; set HF_TOKEN in the environment, and revoke this one"
            yield Problem(file, number, match.start() + 1, "", message, line.rstrip("\r")[:_LONGEST_LINE])


def _syntax_problem(exc: yaml.YAMLError, text: str, file: str) -> Problem:
    mark = getattr(exc, "problem_mark", None) or getattr(exc, "context_mark", None)
    message = getattr(exc, "problem", None) or str(exc)
    if getattr(exc, "context", None) and message:
        message = f"{exc.context}: {message}"  # type: ignore[attr-defined]
    if isinstance(exc, yaml.reader.ReaderError):
        message = (
            f"character U+{ord(exc.character) if isinstance(exc.character, str) else exc.character:04X} is not allowed"
        )
        line = text.count("\n", 0, exc.position) + 1
        column = exc.position - text.rfind("\n", 0, exc.position)
        return Problem(file, line, column, "", f"is not YAML: {message}", source_line(text, line))
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    source = source_line(text, line)
    if "\t" in source[: column + 1]:
        message = "YAML does not allow tabs for indentation; use spaces"
    return Problem(file, line, column, "", f"is not YAML: {message}", source)
