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

_LARGEST = 1024 * 1024
_DEEPEST = 40
_MOST_NODES = 100_000
_LONGEST_LINE = 200  # of what is quoted in a message
Path = Sequence[str | int]

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # PyYAML built without libyaml
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]


class _Loader(_SafeLoader):
    """Safe, and patient with an application's own tags in the rest of config.yaml: they are read as plain values."""


def _plain(loader: Any, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


_Loader.add_multi_constructor("!", _plain)


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
    lines = text.split("\n")
    return redact(lines[line - 1].rstrip("\r"))[:_LONGEST_LINE] if 0 < line <= len(lines) else ""


def parse_yaml(raw: bytes, file: str) -> tuple[Document, list[Problem]]:
    """Read one file. With problems of the syntax the document's data is None."""
    text, problems = _decode(raw, file)
    if text is None:
        return Document(file, "", None, None), problems
    problems = list(_literal_tokens(text, file))
    try:
        deep = _too_deep(text, file)
        if deep:
            return Document(file, text, None, None), [deep, *problems]
        node = _compose(text)
    except yaml.YAMLError as exc:
        return Document(file, text, None, None), [_syntax_problem(exc, text, file), *problems]
    if node is None:
        return Document(file, text, {}, None), problems
    problems += _key_problems(node, text, file)
    if _expanded_size(node) > _MOST_NODES:
        message = "its aliases stand for too much, or for themselves; write the values out"
        return Document(file, text, None, node), [Problem(file, 0, 0, "", message), *problems]
    try:
        data = _construct(text)
    except (yaml.YAMLError, ValueError) as exc:
        return Document(file, text, None, node), [_syntax_problem(exc, text, file), *problems]
    return Document(file, text, data, node), problems


def _decode(raw: bytes, file: str) -> tuple[str | None, list[Problem]]:
    if len(raw) > _LARGEST:
        return None, [Problem(file, 0, 0, "", f"is {len(raw):,} bytes; a configuration has at most {_LARGEST:,}")]
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError as exc:
        line = raw.count(b"\n", 0, exc.start) + 1
        column = exc.start - raw.rfind(b"\n", 0, exc.start)
        return None, [
            Problem(file, line, column, "", f"is not UTF-8: byte 0x{raw[exc.start]:02x}; save the file as UTF-8")
        ]


def _too_deep(text: str, file: str) -> Problem | None:
    """libyaml builds its tree by recursion and would exhaust the stack; its events come in a loop."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            line = event.start_mark.line + 1 if event.start_mark else 0
            return Problem(file, line, 1, "", f"is nested more than {_DEEPEST} levels deep")
    return None


def _expanded_size(root: yaml.Node) -> int:
    """How many nodes there are once every alias is replaced by what it names; more than allowed for a cycle."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: yaml.Node) -> int:
        known = sizes.get(id(node))
        if known is not None:
            return known
        if id(node) in open_nodes:
            return _MOST_NODES + 1
        open_nodes.add(id(node))
        total = 1 + sum(size(child) for child in _children(node))
        open_nodes.remove(id(node))
        sizes[id(node)] = total
        return total

    return size(root)


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return []


def _compose(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _construct(text: str) -> Any:
    loader = _Loader(text)
    try:
        return loader.get_single_data()
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
    for node in _nodes(root):
        if not isinstance(node, yaml.MappingNode):
            continue
        first: dict[Hashable, int] = {}
        for key, _ in node.value:
            line, column = key.start_mark.line + 1, key.start_mark.column + 1
            source = source_line(text, line)
            if not isinstance(key, yaml.ScalarNode):
                problems.append(Problem(file, line, column, "", "a key must be plain text", source))
            elif key.value in first and not key.tag.endswith(":merge"):
                message = f'"{key.value}" is set twice (first on line {first[key.value]}); keep one'
                problems.append(Problem(file, line, column, "", message, source))
            else:
                first[key.value] = line
    return sorted(problems, key=lambda problem: (problem.line, problem.column))


def _literal_tokens(text: str, file: str) -> Iterator[Problem]:
    for number, line in enumerate(text.split("\n"), 1):
        for match in HUB_TOKEN.finditer(line):
            message = "a token must never stand in a file; set HF_TOKEN in the environment, and revoke this one"
            yield Problem(file, number, match.start() + 1, "", message, line.rstrip("\r"))


def _syntax_problem(exc: Exception, text: str, file: str) -> Problem:
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
