"""``python -m hfver`` and the ``hfver`` console script."""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress

from hfver.cli.streams import redact_streams


def main() -> int:
    """Run the command line and return its exit code."""
    end = _End()
    atexit.register(end)  # the first to be registered is the last to run
    redact_streams()
    end.code = _run(sys.argv[1:])
    return end.code


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["hook"]:
        # What git hooks start: it has to begin in a blink, so it does without the command line's machinery.
        from hfver.hooks.entry import main as run_hook

        return run_hook(arguments[1:])
    from hfver.cli.main import run

    return run(arguments)


class _End:
    """Ends the process once everything there is to do at its end is done.

    Python would take itself apart then. That frees what the system frees anyway, and takes up to a tenth of a second.
    """

    code: int | None = None

    def __call__(self) -> None:
        if self.code is None:  # an exception nobody caught has to be shown first
            return
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # closed, or its reader has gone
                stream.flush()
        os._exit(self.code)


if __name__ == "__main__":
    sys.exit(main())
