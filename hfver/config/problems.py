"""Configuration problems: where, which key, what is wrong. All of them are reported in one run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hfver.errors import ConfigError
from hfver.redact import redact

MOST_PROBLEMS = 100  # that are looked into and told; nobody reads more, and a file can have 100,000
_LONGEST_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class Problem:
    file: str
    line: int  # from 1; 0 for a problem of the file as a whole
    column: int
    key: str  # dotted; empty for a problem of the syntax
    message: str
    source: str = ""  # the line itself

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        message = self.message if len(self.message) <= _LONGEST_MESSAGE else self.message[:_LONGEST_MESSAGE] + "…"
        text = f"{where}: {self.key[:_LONGEST_MESSAGE]}: {message}" if self.key else f"{where}: {message}"
        return redact(f"{text}\n{self.line:>5} | {self.source}" if self.source else text)


class InvalidConfigError(ConfigError):
    """What is wrong with the configuration, every problem with its place."""

    def __init__(self, problems: Iterable[Problem], *, hints: Iterable[str] = ()) -> None:
        self.problems = tuple(problems)
        told = [str(problem) for problem in self.problems[:MOST_PROBLEMS]]
        if len(self.problems) > MOST_PROBLEMS:
            told.append(f"and more: only the first {MOST_PROBLEMS} are told")
        super().__init__("\n".join(told), hints=hints)


class MissingConfigError(ConfigError):
    """There is no configuration where one was looked for: hfver was never set up there."""
