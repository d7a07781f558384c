"""What happens when hfver itself is wrong: a short message, and a file with what a bug report needs."""

from __future__ import annotations

import errno
import os
import platform
import shlex
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from hfver import __version__
from hfver.cli.answers import Error
from hfver.errors import EXIT_FAILED, StateError
from hfver.redact import redact

# What a file system says about a file: it may not be touched, it is no file, or the disk cannot give it.
_OF_FILES = frozenset({
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENAMETOOLONG,
    errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY, errno.ELOOP, errno.EIO, errno.ESTALE,
})  # fmt: skip


def unforeseen(error: Exception, arguments: Sequence[str]) -> Error:
    """What the file system says is said as it is; anything else is a mistake of ours."""
    named = (error.filename2 or error.filename) if isinstance(error, OSError) else None  # of a rename the target
    if isinstance(error, OSError) and error.errno in _OF_FILES and isinstance(named, str | bytes):
        place = Path(os.fsdecode(named))
        return Error(StateError.kind, EXIT_FAILED, f"{place}: {error.strerror}", [_way_out(place, error.errno)])
    return report_bug(error, arguments)


def _way_out(place: Path, number: int) -> str:
    """Move away what is of another kind than is needed there; look at everything else."""
    if number in (errno.ENOTDIR, errno.EEXIST):
        place = next((parent for parent in (*reversed(place.parents), place) if parent.is_file()), place)
    if number in (errno.EISDIR, errno.ENOTDIR, errno.EEXIST):
        return f"mv {shlex.quote(str(place))} {shlex.quote(f'{place}.aside')}"
    return f"ls -ld {shlex.quote(str(place if place.exists() else place.parent))}"


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
