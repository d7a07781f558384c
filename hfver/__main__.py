"""``python -m hfver`` and the ``hfver`` console script."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return its exit code."""
    if sys.argv[1:2] == ["hook"]:
        # What git hooks start: it has to begin in a blink, so it does without the command line's machinery.
        from hfver.hooks.entry import main as run_hook

        return run_hook(sys.argv[2:])
    from hfver.cli.main import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
