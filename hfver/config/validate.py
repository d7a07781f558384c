"""Pydantic's errors as sentences with positions."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from hfver.config.keys import suggestion
from hfver.config.marks import Document, dotted
from hfver.config.problems import Problem
from hfver.redact import redact

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

    from hfver.config.environment import Override

SectionT = TypeVar("SectionT", bound="BaseModel")

_EXPECTED = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "tuple_type": "a list",
    "model_type": "a section with keys of its own",
}


def validate(
    model: type[SectionT],
    data: Any,
    document: Document,
    *,
    prefix: tuple[str, ...] = (),
    overrides: Mapping[tuple[str, ...], Override] | None = None,
) -> tuple[SectionT | None, list[Problem]]:
    """The section, or every problem it has. ``prefix`` is where the section stands in its file."""
    from pydantic import ValidationError

    try:
        return model.model_validate(_lists_as_tuples(data)), []
    except ValidationError as exc:
        errors = exc.errors(include_url=False)
    problems = []
    for error in errors:
        path = (*prefix, *error["loc"])
        override = (overrides or {}).get(tuple(str(step) for step in path[: _override_length(path, overrides)]))
        message = _message(model, error, ".".join(prefix) + "." if prefix else "")
        if override is not None:
            problems.append(Problem(override.source, 0, 0, dotted(path), message))
        else:
            of_key = error["type"] in {"extra_forbidden", "invalid_key"}
            problems.append(document.problem(path, message, of_key=of_key))
    return None, problems


def _override_length(path: tuple[str | int, ...], overrides: Mapping[tuple[str, ...], Override] | None) -> int:
    """How much of the path an environment variable or option has set."""
    texts = tuple(str(step) for step in path)
    return next((len(known) for known in overrides or {} if texts[: len(known)] == known), 0)


def _message(model: type[BaseModel], error: ErrorDetails, prefix: str) -> str:
    kind, path, value = error["type"], error["loc"], error["input"]
    if kind == "extra_forbidden":
        return "unknown key" + suggestion(model, path, prefix)
    if kind == "invalid_key":
        return "a key must be text; put it in quotes"
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == "literal_error":
        choices = error["ctx"]["expected"].replace("'", '"')
        close = difflib.get_close_matches(str(value), choices.replace('"', "").replace(" or ", ", ").split(", "), n=1)
        return f"expected {choices}, got {_shown(value)}" + (f'; did you mean "{close[0]}"?' if close else "")
    if kind in _EXPECTED:
        quote = _quote_hint(kind, value)
        return f"expected {_EXPECTED[kind]}, got {_shown(value)}{quote}"
    message = error["msg"].removeprefix("Input ")
    return f"{message}, got {_shown(value)}"


def _quote_hint(kind: str, value: Any) -> str:
    """`language: no` is a truth value to YAML, `version: 1.0` a number."""
    if kind in {"string_type", "tuple_type"} and isinstance(value, bool):
        return "; YAML reads yes, no, on and off that way: put the text in quotes"
    if kind == "string_type" and not isinstance(value, (list, tuple, dict)) and value is not None:
        return "; put it in quotes"
    return ""


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a section"
    if isinstance(value, (list, tuple)):
        return "a list"
    text = redact(str(value))  # before it is cut: half a password cannot be seen any more
    text = text if len(text) <= 40 else text[:37] + "..."
    return f'"{text}"' if isinstance(value, str) else text


def _lists_as_tuples(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _lists_as_tuples(value) for key, value in data.items()}
    return tuple(_lists_as_tuples(item) for item in data) if isinstance(data, list) else data
