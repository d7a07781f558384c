"""Conditions over metrics: ``accuracy > 0.8 and not (eval.loss >= 1)``.

A small language of its own, parsed by hand, so that nothing typed or configured is ever run as code:

    condition := and-chain { "or" and-chain }          and-chain := negation { "and" negation }
    negation  := "not" negation | comparison           comparison := sum { ("<"|"<="|">"|">="|"=="|"!=") sum }
    sum := product { ("+"|"-") product }                product := factor { ("*"|"/") factor }
    factor := number | "text" | true | false | name | `any name` | "-" factor | "(" condition ")"
"""

from __future__ import annotations

import difflib
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hfver.errors import UsageError

Value = float | bool | str
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[^\W\d][\w.]*)|`(?P<quoted>[^`]+)`"
    r"|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<sign><=|>=|==|!=|[<>+\-*/()]))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_LONGEST = 1000
_DEEPEST = 50


class MissingMetricError(UsageError):
    """The condition names a metric that the run does not have."""

    def __init__(self, name: str, known: Mapping[str, object]) -> None:
        close = difflib.get_close_matches(name, known, n=1)
        names = ", ".join(sorted(known)[:20]) or "none"
        super().__init__(
            f"there is no metric {name!r}; there are {names}", hints=[f"did you mean {close[0]}?"] if close else []
        )


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition; ask it with ``holds``."""

    text: str
    tree: Node

    def holds(self, metrics: Mapping[str, Any]) -> bool:
        """Whether it is true of these metrics (by dotted name). MissingMetricError for one they do not have."""
        return _truth(_evaluate(self.tree, metrics), self.text)


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    sign: str
    parts: tuple[Node, ...]


Node = Value | Name | Operation


def parse_condition(text: str) -> Condition:
    """Raises UsageError, with the place, for what is no condition."""
    if len(text) > _LONGEST:
        raise UsageError(f"the condition is longer than {_LONGEST} characters")
    parser = _Parser(text)
    tree = parser.condition()
    if parser.kind:
        raise parser.error("unexpected")
    return Condition(text, tree)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.end = 0
        self.kind = ""
        self.token = ""
        self.depth = 0
        self._advance()

    def condition(self) -> Node:
        return self._chain("or", lambda: self._chain("and", self._negation))

    def error(self, what: str) -> UsageError:
        found = repr(self.token) if self.kind else "the end"
        return UsageError(
            f"not a condition: {what} {found} at character {self.at + 1} of {self.text!r}",
            hints=['for example "accuracy > 0.8 and loss < 1"; other names in backticks: `eval/loss` < 1'],
        )

    def _advance(self) -> None:
        self.at = self.end + len(self.text[self.end :]) - len(self.text[self.end :].lstrip())
        match = _TOKEN.match(self.text, self.end)
        if match is None:
            if self.text[self.end :].strip():
                self.kind, self.token = "?", self.text[self.at]
                raise self.error("unexpected")
            self.kind = self.token = ""
            return
        self.kind = str(match.lastgroup)
        self.token = match[self.kind]
        self.end = match.end()
        if self.kind == "name" and self.token in ("and", "or", "not"):
            self.kind = "sign"

    def _take(self, *signs: str) -> str:
        if self.kind != "sign" or self.token not in signs:
            return ""
        token = self.token
        self._advance()
        return token

    def _chain(self, word: str, part: Callable[[], Node]) -> Node:
        parts = [part()]
        while self._take(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Operation(word, tuple(parts))

    def _negation(self) -> Node:
        if self._take("not"):
            with self._deeper():
                return Operation("not", (self._negation(),))
        return self._comparison()

    def _comparison(self) -> Node:
        parts = [self._sum()]
        comparisons: list[Node] = []
        while sign := self._take(*_COMPARE):
            parts.append(self._sum())
            comparisons.append(Operation(sign, (parts[-2], parts[-1])))
        if len(comparisons) > 1:
            return Operation("and", tuple(comparisons))
        return comparisons[0] if comparisons else parts[0]

    def _sum(self) -> Node:
        node = self._product()
        while sign := self._take("+", "-"):
            node = Operation(sign, (node, self._product()))
        return node

    def _product(self) -> Node:
        node = self._factor()
        while sign := self._take("*", "/"):
            node = Operation(sign, (node, self._factor()))
        return node

    def _factor(self) -> Node:
        if self._take("-"):
            with self._deeper():
                return Operation("negative", (self._factor(),))
        if self._take("("):
            with self._deeper():
                node = self.condition()
            if not self._take(")"):
                raise self.error('")" expected, found')
            return node
        kind, word = self.kind, self.token
        if kind not in ("number", "name", "quoted", "text"):
            raise self.error("a metric or number expected, found")
        self._advance()
        if kind == "number":
            return float(word)
        if kind == "text":
            return word[1:-1]
        if kind == "name" and word in ("true", "false"):
            return word == "true"
        return Name(word)

    def _deeper(self) -> _Deeper:
        if self.depth >= _DEEPEST:
            raise self.error("nested too deeply near")
        return _Deeper(self)


class _Deeper:
    def __init__(self, parser: _Parser) -> None:
        self.parser = parser

    def __enter__(self) -> None:
        self.parser.depth += 1

    def __exit__(self, *_exc: object) -> None:
        self.parser.depth -= 1


def _evaluate(node: Node, metrics: Mapping[str, Any]) -> Value:
    if isinstance(node, Name):
        if node.name not in metrics:
            raise MissingMetricError(node.name, metrics)
        value = metrics[node.name]
        if not isinstance(value, (bool, int, float, str)):
            raise UsageError(f"metric {node.name!r} is no number or text")
        return value
    if not isinstance(node, Operation):
        return node
    if node.sign in ("and", "or"):
        wanted = node.sign == "or"
        return next((wanted for part in node.parts if _truth(_evaluate(part, metrics), part) is wanted), not wanted)
    values = [_evaluate(part, metrics) for part in node.parts]
    if node.sign == "not":
        return not _truth(values[0], node.parts[0])
    if node.sign in _COMPARE:
        return _compared(node.sign, values[0], values[1])
    return _arithmetic(node.sign, [_number(value, part) for value, part in zip(values, node.parts, strict=True)])


def _arithmetic(sign: str, numbers: list[float]) -> float:
    if sign == "negative":
        return -numbers[0]
    left, right = numbers
    if sign == "/":
        return left / right if right else math.nan
    return {"+": operator.add, "-": operator.sub, "*": operator.mul}[sign](left, right)  # type: ignore[no-any-return]


def _compared(sign: str, left: Value, right: Value) -> bool:
    """A text equals no number, and has no order with one. nan, as text too, is less and more than nothing."""
    if isinstance(left, str) is not isinstance(right, str):
        if sign in ("==", "!="):
            return sign == "!="
        number = _text_as_number(left, right)
        if number is None:
            raise UsageError(f"{left!r} and {right!r} cannot be compared with {sign}")
        left, right = number
    return _COMPARE[sign](left, right)


def _text_as_number(left: Value, right: Value) -> tuple[float, float] | None:
    """Records hold nan and inf as text, because JSON has no word for them."""
    try:
        return float(left), float(right)
    except ValueError:
        return None


def _truth(value: Value, what: object) -> bool:
    if not isinstance(value, bool):
        shown = what.name if isinstance(what, Name) else what
        raise UsageError(
            f"{shown!r} is {value!r}, which is neither true nor false", hints=["compare it: accuracy > 0.8"]
        )
    return value


def _number(value: Value, what: object) -> float:
    if isinstance(value, str):
        shown = what.name if isinstance(what, Name) else what
        raise UsageError(f"{shown!r} is text and cannot be calculated with")
    return float(value)
