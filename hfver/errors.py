"""The families of errors a user can meet, one class per thing the reader has to do.

Each carries a message (what is wrong and where), hints (commands that mend it) and the exit code of its family.
Exit codes are part of the interface: docs/exit-codes.md lists them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

from hfver.redact import redact

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_DRIFT = 3
EXIT_UNAUTHORISED = 4
EXIT_CONFLICT = 5
EXIT_UNREACHABLE = 6
EXIT_INTEGRITY = 7
EXIT_REFUSED = 8
EXIT_INTERRUPTED = 130

# The families by name, as ``--json`` shows them. What is no error of ours is "interrupted" or a "bug".
Kind = Literal[
    "failed", "usage", "config", "state", "drift", "unauthorised", "conflict", "unreachable", "integrity", "refused",
    "interrupted", "bug",
]  # fmt: skip


class HfverError(Exception):
    """Base of everything hfver raises on purpose; anything else that escapes is a bug.

    Messages quote what servers and other programs said, and some of them repeat the token they were given: no secret
    this process knows, and nothing that looks like one, is in the message or the hints.
    """

    exit_code: ClassVar[int] = EXIT_FAILED
    kind: ClassVar[Kind] = "failed"

    def __init__(self, message: str, *, hints: Iterable[str] = ()) -> None:
        self.message = redact(message)
        self.hints = [redact(hint) for hint in hints]
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message


class UsageError(HfverError):
    """The command line, or where it was run, is wrong."""

    exit_code = EXIT_USAGE
    kind = "usage"


class ConfigError(HfverError):
    """One or more configuration problems, each with file:line:column; all of them at once."""

    exit_code = EXIT_USAGE
    kind = "config"


class StateError(HfverError):
    """git, DVC or the workspace is not in a state in which this can be done."""

    exit_code = EXIT_FAILED
    kind = "state"


class NoSpaceError(StateError):
    """The disk is too full for what is to be written to it; no other source would help."""


class DriftError(HfverError):
    """git, DVC and the Hub disagree about a version."""

    exit_code = EXIT_DRIFT
    kind = "drift"


class UnauthorisedError(HfverError):
    """The Hub refuses the token, or there is none, or the endpoint is not trusted with it."""

    exit_code = EXIT_UNAUTHORISED
    kind = "unauthorised"


class ConflictError(HfverError):
    """Somebody else's change is in the way: a moved tag, a race that could not be settled."""

    exit_code = EXIT_CONFLICT
    kind = "conflict"


class UnreachableError(HfverError):
    """The Hub cannot be reached or limits us; what is owed is kept."""

    exit_code = EXIT_UNREACHABLE
    kind = "unreachable"

    def __init__(self, message: str, *, hints: Iterable[str] = (), retry_after: float | None = None) -> None:
        super().__init__(message, hints=hints)
        self.retry_after = retry_after


class IntegrityError(HfverError):
    """Bytes are missing or are not what their digest says."""

    exit_code = EXIT_INTEGRITY
    kind = "integrity"


class RefusedError(HfverError):
    """A guard says no, and how to go around it."""

    exit_code = EXIT_REFUSED
    kind = "refused"
