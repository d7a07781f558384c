"""What happens when hfver itself is wrong: a short message, and a file with what a bug report needs."""

from __future__ import annotations

import os
import platform
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from hfver import __version__
from hfver.cli.answers import Error
from hfver.errors import EXIT_FAILED
from hfver.redact import redact


def report_bug(error: Exception, arguments: Sequence[str]) -> Error:
    """Write the traceback to a file, and say where it is."""
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
        log.write(redact(story))
    summary = redact(f"{type(error).__name__}: {error}")
    return Error("bug", EXIT_FAILED, f"this is a bug in hfver ({summary}).\nThe details are in {log.name}", [])


def _log_dir() -> Path | None:
    directory = Path.home() / ".cache" / "hfver"
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None  # the system's directory for temporary files
    return directory if os.access(directory, os.W_OK) else None
