"""Makes docs/json.md from the answers the commands declare: each value by its path as jq takes it."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from docs.tools.command_line import all_commands
from hfver.cli.answers import Error
from hfver.cli.options import answer_of

INTRODUCTION = """\
# JSON

With `--json` a command prints exactly one JSON value on stdout, whether it succeeds or not. Notes, warnings and the
text of errors still go to stderr (`-q` leaves errors only), and the [exit code](exit-codes.md) says how it ended.
`--json` and `-q` may stand before the command as well: `hfver --json status`.

What is documented here is part of the interface: values may be added, none is renamed or removed or changes its
meaning within a major version. Ignore what you do not know. Paths are written as `jq` takes them; `[]` stands for each
element of a list. A value that may be missing is null and never left out.

This page is made from the code by `make docs`, and the tests hold everything that a command prints against it.

## When a command fails

The command prints this instead of its answer, and ends with the code in it. Mistakes in the command line look the
same. Where several things are done and some fail (`push`, `bump`, `repair`, `sync --all`), the answer lists them under
`failed`, or with a `status` and an `error`, and the exit code is that of the first.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One value: how jq reaches it, what it can be, what it means."""

    path: str
    kind: str
    meaning: str


def json_page() -> str:
    parts = [INTRODUCTION, _table(Error, ".error")]
    for found in all_commands():
        answer = answer_of(found.command)
        if answer is not None:
            parts += [f"## {found.name}", *_alternatives(answer)]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _alternatives(answer: Any) -> Iterator[str]:
    """An answer that depends on an option says on which."""
    members = _members(answer)
    for member in members:
        kind, text = _stripped(member)
        when = f"{text[:1].upper()}{text[1:]}: " if text and len(members) > 1 else ""
        yield when + _sentence(kind)
        yield _table(kind if len(members) > 1 else member)


def _sentence(kind: Any) -> str:
    inner = typing.get_args(kind)[0] if _is_list(kind) else kind
    text = (inner.__doc__ or "").splitlines()[0] if dataclasses.is_dataclass(inner) else ""
    return f"A list, each element of which is: {text[:1].lower()}{text[1:]}" if _is_list(kind) else text


def _table(kind: Any, path: str = "") -> str:
    lines = ["| Path | Type | Meaning |", "|---|---|---|"]
    lines += [f"| `{row.path}` | {row.kind} | {row.meaning} |" for row in rows(kind, path)]
    return "\n".join(lines)


def rows(kind: Any, path: str = "") -> Iterator[Row]:
    """Every value below a type, depth first."""
    if _is_list(kind):
        yield from rows(typing.get_args(kind)[0], f"{path or '.'}[]")
    elif dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind, include_extras=True)
        for field in dataclasses.fields(kind):
            yield from _field_rows(hints[field.name], f"{path}.{field.name}")
    else:
        inner, meaning = _stripped(kind)
        yield Row(path or ".", _kind(inner), meaning)


def _field_rows(hint: Any, path: str) -> Iterator[Row]:
    kind, meaning = _stripped(hint)
    inside = _inside(kind)
    if inside is Error:
        text = "the error, as [above](#when-a-command-fails)"
        yield Row(path, _kind(kind), f"{text}; {meaning}" if meaning else text)
        return
    if meaning or inside is None:
        yield Row(path, _kind(kind), meaning)
    if inside is not None:
        yield from rows(inside, path)


def _inside(kind: Any) -> Any:
    """The dataclass, or list of them, that a value holds and that has rows of its own."""
    for member in _members(kind):
        element = typing.get_args(member)[0] if _is_list(member) else member
        if dataclasses.is_dataclass(element):
            return member
    return None


def _kind(kind: Any) -> str:
    """A type in words."""
    members = _members(kind)
    if len(members) > 1:
        return " or ".join(map(_kind, members))
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(f"`{str(value).lower() if isinstance(value, bool) else value}`" for value in
                           typing.get_args(kind))  # fmt: skip
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{member.value}`" for member in kind)
    if _is_list(kind):
        return f"list of {_plural(_kind(typing.get_args(kind)[0]))}"
    if typing.get_origin(kind) is Mapping and typing.get_args(kind)[1] is not Any:
        return f"object of {_plural(_kind(typing.get_args(kind)[1]))}"
    if typing.get_origin(kind) is Mapping or dataclasses.is_dataclass(kind):
        return "object"
    return {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null", Any: "anything"}[kind]


def _plural(noun: str) -> str:
    first, _, rest = noun.partition(" ")
    return f"{first}s {rest}".strip()


def _stripped(hint: Any) -> tuple[Any, str]:
    """A type without its text, and the text."""
    if typing.get_origin(hint) is typing.Annotated:
        kind, meaning = typing.get_args(hint)
        return kind, meaning
    return hint, ""


def _members(kind: Any) -> tuple[Any, ...]:
    is_union = typing.get_origin(kind) in (typing.Union, types.UnionType)
    return typing.get_args(kind) if is_union else (kind,)


def _is_list(kind: Any) -> bool:
    return typing.get_origin(kind) in (Sequence, list)
