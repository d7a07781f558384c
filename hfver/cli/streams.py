"""stdout and stderr of a process of ours, through which no secret passes, whoever writes to them.

Not only hfver does: the logging handlers of DVC, of the Hub client and of Python's last resort, its warnings, the
tracebacks of threads and the progress bars of others all end in ``sys.stdout`` or ``sys.stderr``.
"""

from __future__ import annotations

import io
import sys
from typing import IO, TextIO

from hfver.redact import redact


class RedactedStream(io.TextIOWrapper):
    """A text stream that redacts each piece it is given: a message, a line of a log.

    It writes to the same bytes as ``below``, which it keeps: a text stream that nobody has any more closes its bytes.
    """

    def __init__(self, below: io.TextIOWrapper) -> None:
        super().__init__(
            below.buffer,
            encoding=below.encoding,
            errors=below.errors,
            line_buffering=below.line_buffering,
            write_through=below.write_through,
        )
        self._below = below

    def write(self, text: str, /) -> int:
        super().write(redact(text))
        return len(text)

    def write_unchanged(self, text: str) -> int:
        """Write what was redacted already, or is asked for although it is a secret."""
        return super().write(text)


def redact_streams() -> None:
    """From here on, for as long as the process lives."""
    sys.stdout, sys.stderr = _redacted(sys.stdout), _redacted(sys.stderr)


def write_unchanged(stream: IO[str], text: str) -> None:
    """See ``RedactedStream``; a stream of another kind changes nothing anyway."""
    getattr(stream, "write_unchanged", stream.write)(text)


def _redacted(stream: TextIO) -> TextIO:
    """What is no file (it was closed before we started) stays as it is."""
    if not isinstance(stream, io.TextIOWrapper) or isinstance(stream, RedactedStream):
        return stream
    stream.flush()
    return RedactedStream(stream)
