"""What every command prints with ``--json``, and what it prints when it fails.

An answer is a dataclass, or a list of them; the text behind each field is its documentation: docs/json.md is made from
these classes. A command hands an answer to the printer, or a value of the core with the same fields. Every JSON that a
test makes a command print is held against the answer the command declares, so neither can change alone.

Fields may be added; renaming or removing one, or giving it another meaning, breaks other people's programs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from hfver.errors import Kind


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """Something that is wrong in a configuration file."""

    file: Annotated[str, "the file, or the variable or option that set the value"]
    line: Annotated[int, "from 1; 0 for a problem of the file as a whole"]
    column: Annotated[int, "from 1; 0 likewise"]
    key: Annotated[str, "the dotted key; empty for a problem of the syntax"]
    message: Annotated[str, "what is wrong"]


@dataclass(frozen=True, slots=True)
class Error:
    """Why something was not done."""

    kind: Annotated[Kind, "the family of the error, see [exit codes](exit-codes.md)"]
    code: Annotated[int, "the exit code of the family"]
    message: Annotated[str, "what is wrong, and where"]
    hints: Annotated[Sequence[str], "commands that mend it"]
    problems: Annotated[Sequence[ConfigProblem], "for a wrong configuration, each problem with its place"] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """What a command prints in place of its answer when it fails."""

    error: Error
