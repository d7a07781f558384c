"""``<git common dir>/hfver/worker.log``: what is printed in the background, whoever prints it.

git and libraries in C and Rust write to the descriptors of stdout and stderr, past Python's streams. So both are a pipe
here, and a thread copies what comes out of it into the file, line by line and without secrets.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hfver.redact import redact

if TYPE_CHECKING:
    from threading import Thread

LOG = "worker.log"
_LIMIT = 1_000_000  # bytes; the file starts again when it has grown beyond
_LONGEST_LINE = 1 << 20
# Written behind all the rest. The end of the pipe would not do: a program that was started here and goes on holds it.
_LAST = b"\0end\0"


def log_to_file(home: Path) -> None:
    """Send what is printed from here on, until the process ends, to the worker's log."""
    import atexit
    from threading import Thread

    log = _opened(home / LOG)
    reading, writing = os.pipe()
    _print_to(writing)
    thread = Thread(target=_copy, args=(reading, log), name="hfver-worker-log", daemon=True)
    thread.start()
    atexit.register(_end, thread)


def _opened(path: Path) -> int:
    mode = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    if path.is_file() and path.stat().st_size > _LIMIT:
        mode |= os.O_TRUNC
    return os.open(path, mode, 0o644)


def _print_to(descriptor: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _copy(reading: int, log: int) -> None:
    rest = b""
    try:
        while block := os.read(reading, 1 << 16):
            rest += block
            if _LAST in rest:
                break
            lines, end, rest = rest.rpartition(b"\n")
            if len(rest) > _LONGEST_LINE:
                lines, rest = lines + end + rest, b""
            _write(log, lines + end)
        _write(log, rest.partition(_LAST)[0])
    finally:
        os.close(reading)  # or whoever writes would wait for a reader when the pipe is full


def _write(log: int, raw: bytes) -> None:
    text = redact(raw.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    try:
        while text:
            text = text[os.write(log, text) :]
    except OSError:  # no room: to stop reading would stop the work
        return


def _end(thread: Thread) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(2, _LAST)
    thread.join()
    _print_to(os.open(os.devnull, os.O_WRONLY))
