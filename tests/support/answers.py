"""Holds JSON against the answer a command declares (`hfver.cli.answers`)."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Any

import click
import pytest

from hfver.cli.options import answer_of
from hfver.cli.output import Printer, to_jsonable

_PLAIN: dict[Any, tuple[type, ...]] = {str: (str,), int: (int,), float: (int, float), bool: (bool,)}


@contextmanager
def undeclared(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Collects what commands print in this process that their answers do not declare."""
    found: list[str] = []

    def checked(printed: Callable[..., None]) -> Callable[..., None]:
        def check(self: Printer, answer: Any, *human: Any) -> None:
            context = click.get_current_context(silent=True)
            if context is not None:
                wrong = wrong_in(to_jsonable(answer), answer_of(context.command))
                found.extend(f"{context.command_path}: {problem}" for problem in wrong)
            printed(self, answer, *human)

        return check

    monkeypatch.setattr(Printer, "data", checked(Printer.data))
    monkeypatch.setattr(Printer, "secret", checked(Printer.secret))
    yield found


def wrong_in(value: Any, answer: Any, path: str = "") -> list[str]:
    """Where the JSON value is not what the answer says, as sentences; empty when it is."""
    if typing.get_origin(answer) is typing.Annotated:
        return wrong_in(value, typing.get_args(answer)[0], path)
    if answer is Any:
        return []
    if typing.get_origin(answer) in (typing.Union, types.UnionType):
        tried = [wrong_in(value, member, path) for member in typing.get_args(answer)]
        return min(tried, key=lambda found: (len(found), found == [_unlike(path, value)]))
    return list(_wrong(value, answer, path))


def _wrong(value: Any, answer: Any, path: str) -> Iterator[str]:
    if dataclasses.is_dataclass(answer):
        yield from _wrong_fields(value, answer, path)
    elif typing.get_origin(answer) in (list, Sequence):
        if not isinstance(value, list):
            yield _unlike(path, value)
            return
        for number, item in enumerate(value):
            yield from wrong_in(item, typing.get_args(answer)[0], f"{path}[{number}]")
    elif typing.get_origin(answer) is Mapping:
        if not isinstance(value, dict):
            yield _unlike(path, value)
            return
        for key, item in value.items():
            yield from wrong_in(item, typing.get_args(answer)[1], f"{path}.{key}")
    elif not _is_plain(value, answer):
        yield _unlike(path, value)


def _wrong_fields(value: Any, answer: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield _unlike(path, value)
        return
    hints = typing.get_type_hints(answer, include_extras=True)
    for name in hints.keys() | value.keys():
        if name not in hints:
            yield f"{path}.{name} is not declared in {answer.__name__}"
        elif name not in value:
            yield f"{path}.{name} is missing"
        else:
            yield from wrong_in(value[name], hints[name], f"{path}.{name}")


def _is_plain(value: Any, answer: Any) -> bool:
    if answer is type(None):
        return value is None
    if typing.get_origin(answer) is typing.Literal:
        return value in typing.get_args(answer)
    if issubclass(answer, Enum):
        return value in [member.value for member in answer]
    return isinstance(value, _PLAIN[answer]) and (answer is bool or not isinstance(value, bool))


def _unlike(path: str, value: Any) -> str:
    return f"{path or '.'} cannot be {value!r}"
