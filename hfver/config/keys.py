"""The schema as a list of keys: for hints at mistyped keys, for `hfver config show` and for the documentation."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

if typing.TYPE_CHECKING:
    from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Key:
    """One leaf of the schema. ``path`` has ``[]`` behind the name of a list of sections."""

    path: tuple[str, ...]
    kind: str
    default: Any
    required: bool
    description: str

    @property
    def dotted(self) -> str:
        return ".".join(self.path)


def iter_keys(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        section, many = section_of(field.annotation)
        if section is not None:
            yield from iter_keys(section, (*path, f"{name}[]" if many else name))
            continue
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        kind = _kind(field.annotation)
        yield Key((*path, name), kind, default, field.is_required(), field.description or "")


def section_of(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The section a field holds, and whether it holds a list of them."""
    from pydantic import BaseModel

    if isinstance(annotation, type) and not typing.get_origin(annotation) and issubclass(annotation, BaseModel):
        return annotation, False
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return section_of(arguments[0])
    if origin is tuple:
        return section_of(arguments[0])[0], True
    return None, False


def section_at(model: type[BaseModel], path: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The section that stands at a path of the data, if the schema has one there."""
    current: type[BaseModel] | None = model
    for step in path:
        if isinstance(step, int):
            continue
        field = current.model_fields.get(step) if current is not None else None
        current = section_of(field.annotation)[0] if field is not None else None
    return current


def suggestion(model: type[BaseModel], path: tuple[str | int, ...], prefix: str) -> str:
    """What an unknown key was probably meant to be, as the end of a sentence."""
    name = str(path[-1])
    section = section_at(model, path[:-1])
    close = difflib.get_close_matches(name, list(section.model_fields), n=1) if section is not None else []
    if close:
        return f'; did you mean "{close[0]}"?'
    elsewhere = [key.dotted for key in iter_keys(model) if key.path[-1].rstrip("[]") == name]
    return f'; did you mean "{prefix}{elsewhere[0]}"?' if elsewhere else ""


def _kind(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _kind(arguments[0])
    if origin is typing.Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin is tuple:
        return f"list of {_kind(arguments[0])}"
    if origin in (typing.Union, types.UnionType):
        return _kind(next(argument for argument in arguments if argument is not type(None)))
    return {str: "text", bool: "true or false", int: "whole number", float: "number"}[annotation]
