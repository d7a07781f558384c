"""What happens when hfver itself is wrong: a short message, and a file with what a bug report needs."""

from __future__ import annotations

import platform
import re
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from hfver import __version__
from hfver.errors import EXIT_FAILED

SECRET = re.compile(r"hf_[A-Za-z0-9]{8,}|(?<=://)[^/\s@]+@")


def report_bug(error: Exception, arguments: Sequence[str]) -> int:
    """Write the traceback to a file, say where it is, and return the exit code."""
    story = "\n".join(
        [
            f"hfver {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"command: hfver {' '.join(arguments)}",
            "",
            *traceback.format_exception(error),
        ]
    )
    with tempfile.NamedTemporaryFile(
        "w", prefix="hfver-bug-", suffix=".log", dir=_log_dir(), delete=False, encoding="utf-8"
    ) as log:
        log.write(SECRET.sub("***", story))
    summary = SECRET.sub("***", f"{type(error).__name__}: {error}")
    sys.stderr.write(f"Error: this is a bug in hfver ({summary}).\nThe details are in {log.name}\n")
    return EXIT_FAILED


def _log_dir() -> Path | None:
    directory = Path.home() / ".cache" / "hfver"
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return directory
