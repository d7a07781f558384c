"""One template per kind of tag, formatted and parsed by the same object: the two undo each other.

A template is literal text with ``{field}`` or ``{field:02d}`` in it. The spec is a least number of digits.
Whatever could be read in two ways is refused when the template is made, so a parsed tag always formats to itself.
"""

from __future__ import annotations

import itertools
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass

Value = int | str

# A fixed width makes neighbours like {year}{month:02d} readable; 0 means "as many digits as it has".
_WIDTHS = {"year": 4}
_NAME = r"\w(?:[\w.-]*\w)?"
_SPEC = re.compile(r"0([1-9])d")
# Text that git refuses in a ref name, wherever it stands.
_BAD_LITERAL = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")


class TemplateError(ValueError):
    """A template that could not be parsed back, or could not name a git tag."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    width: int  # least digits of a number; 0 for none
    exact: bool  # the number has exactly `width` digits

    @property
    def pattern(self) -> str:
        if self.name == "name":
            body = _NAME
        elif self.exact:
            body = rf"[0-9]{{{self.width}}}"
        elif self.width:
            body = rf"[1-9][0-9]{{{self.width},}}|[0-9]{{{self.width}}}"
        else:
            body = r"0|[1-9][0-9]*"
        return f"(?P<{self.name}>{body})"

    def text(self, value: Value) -> str:
        if self.name == "name":
            if not re.fullmatch(_NAME, str(value)) or ".." in str(value):
                raise TemplateError(f"{value!r} cannot be part of a tag: use letters, digits, '.', '_' and '-'")
            return str(value)
        text = f"{int(value):0{self.width}d}"
        if self.exact and len(text) != self.width:
            raise TemplateError(f"{value} does not fit into the {self.width} digits of {{{self.name}}}")
        return text


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template; make it with `compile_template`."""

    text: str
    parts: tuple[str | _Field, ...]
    pattern: re.Pattern[str]

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(part.name for part in self.parts if isinstance(part, _Field))

    @property
    def ends_with_field(self) -> str | None:
        last = self.parts[-1]
        return last.name if isinstance(last, _Field) else None

    def format(self, values: Mapping[str, Value]) -> str:
        return "".join(part if isinstance(part, str) else part.text(values[part.name]) for part in self.parts)

    def parse(self, text: str) -> dict[str, Value] | None:
        """The values that format to exactly this text, or None."""
        match = self.pattern.fullmatch(text)
        if match is None:
            return None
        values = {name: found if name == "name" else int(found) for name, found in match.groupdict().items()}
        try:
            return values if self.format(values) == text else None
        except TemplateError:
            return None


def compile_template(text: str, *, allowed: frozenset[str], fixed_width: bool = False) -> Template:
    """Read a template that may use the fields in ``allowed``.

    With ``fixed_width`` a number has exactly the digits of its spec (parts of a date), else at least that many.
    """
    parts = tuple(_read_parts(text, allowed, fixed_width))
    if not any(isinstance(part, _Field) for part in parts):
        raise TemplateError(f"{text!r} has no field: every version would get the same tag")
    _refuse_ambiguity(text, parts)
    first, last = parts[0], parts[-1]
    if isinstance(first, str) and first[0] in "-./":
        raise TemplateError(f"{text!r} starts with {first[0]!r}, which git does not allow in a tag")
    if isinstance(last, str) and (last.endswith((".", "/", ".lock"))):
        raise TemplateError(f"{text!r} ends in a way git does not allow in a tag")
    pattern = "".join(re.escape(part) if isinstance(part, str) else part.pattern for part in parts)
    return Template(text, parts, re.compile(pattern))


def _read_parts(text: str, allowed: frozenset[str], fixed_width: bool) -> list[str | _Field]:
    parts: list[str | _Field] = []
    seen: set[str] = set()
    try:
        pieces = list(string.Formatter().parse(text))
    except ValueError as exc:
        raise TemplateError(f"{text!r}: {exc}") from exc
    for literal, name, spec, conversion in pieces:
        if literal:
            if _BAD_LITERAL.search(literal):
                raise TemplateError(f"{text!r} has characters that git does not allow in a tag")
            parts.append(literal)
        if name is None:
            continue
        if name not in allowed:
            raise TemplateError(f"{text!r}: unknown field {{{name}}}; allowed are {_listed(allowed)}")
        if name in seen:
            raise TemplateError(f"{text!r} has {{{name}}} twice")
        seen.add(name)
        parts.append(_read_field(text, name, spec or "", conversion, fixed_width))
    return parts


def _read_field(text: str, name: str, spec: str, conversion: str | None, fixed_width: bool) -> _Field:
    match = _SPEC.fullmatch(spec)
    if conversion or (spec and (match is None or name == "name")):
        raise TemplateError(f"{text!r}: {{{name}}} can only have a width such as {{{name}:02d}}")
    width = int(match[1]) if match else _WIDTHS.get(name, 0)
    return _Field(name, width, exact=bool(width) and fixed_width)


def _refuse_ambiguity(text: str, parts: tuple[str | _Field, ...]) -> None:
    """A field of open length may only be followed by text that cannot belong to it."""
    for left, right in itertools.pairwise(parts):
        if not isinstance(left, _Field) or left.exact:
            continue
        if isinstance(right, _Field):
            raise TemplateError(
                f"{text!r}: where {{{left.name}}} ends and {{{right.name}}} begins cannot be told; "
                "put a separator between them"
            )
        if left.name != "name" and right[0].isdigit():
            raise TemplateError(f"{text!r}: the digit after {{{left.name}}} could belong to it; use another separator")
        if left.name == "name" and not re.search(r"[^0-9]", right):
            raise TemplateError(f"{text!r}: the text after {{name}} must hold something other than digits")


def _listed(names: frozenset[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names))
