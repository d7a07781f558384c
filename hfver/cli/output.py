"""The one place that prints, and so the place that takes secrets out of what is printed.

Data goes to stdout, everything about the work (progress, hints, warnings, errors) to stderr. ``--json`` and the human
text are made from the same value; ``-q`` leaves data and errors only. Colour and bars appear where a terminal is, and
NO_COLOR is honoured.
"""

from __future__ import annotations

import dataclasses
import io
import json
import math
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from enum import Enum
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

from hfver.cli.answers import ConfigProblem, Error, Failed
from hfver.cli.streams import write_unchanged
from hfver.errors import HfverError, StateError
from hfver.redact import redact, redact_all, redact_json
from hfver.reporting import SILENT_PROGRESS, Progress

_GAP = "   "  # between columns, as rich draws them
_NARROW = 72  # columns of a terminal below which a wide table is shown row by row
_SHORT = 13  # columns a cell may have to be kept whole: the longest state is one

# What moves the cursor, changes colours or turns the direction of writing: names and texts from a Hub or a repository
# must not do that to a terminal.
_CONTROLS = (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_ESCAPED = {code: ascii(chr(code))[1:-1] for code in _CONTROLS}
_ESCAPED_IN_TEXT = {code: escaped for code, escaped in _ESCAPED.items() if chr(code) not in "\n\t"}


class Printer:
    """How one command speaks; made once by the main group and handed to every command."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self._answered = False

    # -- data -----------------------------------------------------------------------------------------------------

    def data(self, answer: Any, *human: str | Text | Table) -> None:
        """Print the result of a command, once: ``answer`` with ``--json``, else ``human``."""
        if self.as_json:
            self._write_json(redact_json(to_jsonable(answer)))
        else:
            self.show(*human)

    def secret(self, answer: Any, human: str) -> None:
        """As ``data``, for the one command that is asked for a secret."""
        if self.as_json:
            self._write_json(to_jsonable(answer))
        else:
            _write_unchanged(sys.stdout, human + "\n")

    def show(self, *human: str | Text | Table) -> None:
        """A part of the result that people see before the rest is known; with ``--json`` the answer holds it."""
        for piece in human:
            if not self.as_json:
                self._print(piece, sys.stdout)

    # -- about the work -------------------------------------------------------------------------------------------

    def note(self, message: str) -> None:
        """Something that was done, or the next command to type."""
        if not self.quiet:
            _write(sys.stderr, _harmless(message) + "\n")

    def warn(self, message: str) -> None:
        _write(sys.stderr, _coloured("Warning:", "33") + f" {_harmless(message)}\n")

    def fail(self, error: Error) -> None:
        """The end of a command that failed; with ``--json`` its answer, unless it gave one."""
        if self.as_json and not self._answered:
            self._write_json(redact_json(to_jsonable(Failed(error))))
        self.error(error)

    def error(self, error: Error | HfverError) -> None:
        """One error as people read it."""
        _write(sys.stderr, _coloured("Error:", "31") + f" {_harmless(error.message)}\n")
        for hint in error.hints:
            _write(sys.stderr, _coloured("Hint:", "36") + f" {_harmless(hint)}\n")

    @contextmanager
    def progress(self, label: str, total: int | None, *, unit: str = "bytes") -> Iterator[Progress]:
        """A bar on stderr with rate and time left; nothing when stderr is no terminal, with ``-q`` or ``--json``."""
        if not self.shows_progress:
            yield SILENT_PROGRESS
            return
        with _rich_progress(redact(label), total, unit) as bar:
            yield bar

    @property
    def shows_progress(self) -> bool:
        return not self.quiet and not self.as_json and sys.stderr.isatty()

    # -- tools ----------------------------------------------------------------------------------------------------

    def _write_json(self, value: Any) -> None:
        assert not self._answered, "one command prints one JSON value"
        self._answered = True
        is_unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
        text = json.dumps(value, indent=2, ensure_ascii=not is_unicode, allow_nan=False)
        _write_unchanged(sys.stdout, text + "\n")

    def _print(self, human: str | Text | Table, stream: IO[str]) -> None:
        if isinstance(human, str):
            human = _harmless(human) if stream.isatty() else human
            _write(stream, human if human.endswith("\n") else human + "\n")
        elif isinstance(human, Table):
            human.print(stream)
        else:
            console(stream).print(_redacted_text(human))


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings. On a terminal it is drawn with rich, through a pipe it is plain tab-separated text."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    styles: Mapping[str, str] = dataclasses.field(default_factory=dict)  # cell text -> rich style
    empty: str = ""

    def __post_init__(self) -> None:
        # Here, where a cell is whole: a terminal may fold it in the middle of a secret.
        cells = iter(redact_all([cell for row in self.rows for cell in row]))
        object.__setattr__(self, "headings", redact_all(list(self.headings)))
        object.__setattr__(self, "rows", [[next(cells).translate(_ESCAPED) for _ in row] for row in self.rows])

    def print(self, stream: IO[str]) -> None:
        if not self.rows:
            if self.empty:
                _write(stream, self.empty + "\n")
            return
        if not stream.isatty():
            _write_unchanged(stream, "".join("\t".join(row) + "\n" for row in [self.headings, *self.rows]))
            return
        screen = console(stream)
        table = self._drawn()
        if screen.width < min(_NARROW, self._width()):
            table = self._one_below_the_other()
        screen.print(table)

    def _width(self) -> int:
        """Columns of a terminal that the table takes when nothing is folded."""
        from rich.cells import cell_len

        columns = zip(self.headings, *self.rows, strict=True)
        return sum(max(map(cell_len, column)) + len(_GAP) for column in columns) - len(_GAP)

    def _drawn(self) -> RichTable:
        from rich import box
        from rich.cells import cell_len
        from rich.table import Table as RichTable
        from rich.text import Text

        table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for column in zip(self.headings, *self.rows, strict=True):
            is_short = max(map(cell_len, column)) <= _SHORT  # ids and states are read whole or not at all
            table.add_column(Text(column[0]), overflow="fold", no_wrap=is_short)
        for row in self.rows:
            table.add_row(*(Text(cell, style=self.styles.get(cell, "")) for cell in row))
        return table

    def _one_below_the_other(self) -> RichTable:
        """Each row as a block of lines, where there is no room for columns."""
        from rich.table import Table as RichTable
        from rich.text import Text

        table = RichTable(box=None, show_header=False, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for number, row in enumerate(self.rows):
            if number:
                table.add_row("", "")
            for heading, cell in zip(self.headings, row, strict=True):
                table.add_row(Text(heading), Text(cell, style=self.styles.get(cell, "")))
        return table


class _RichBar:
    def __init__(self, progress: Any, task: Any) -> None:
        self._progress, self._task, self._lock = progress, task, threading.Lock()

    def advance(self, amount: int) -> None:
        with self._lock:
            self._progress.advance(self._task, amount)


@contextmanager
def _rich_progress(label: str, total: int | None, unit: str) -> Iterator[Progress]:
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as RichProgress

    sizes = [DownloadColumn(), TransferSpeedColumn()] if unit == "bytes" else [MofNCompleteColumn()]
    # Without markup, to which "[hidden]" is a style.
    columns = [
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        *sizes,
        TimeRemainingColumn(compact=True),
    ]
    with RichProgress(*columns, console=console(sys.stderr), transient=False) as progress:
        yield _RichBar(progress, progress.add_task(label, total=total))


def console(stream: IO[str]) -> Console:
    from rich.console import Console

    return Console(file=stream, highlight=False, soft_wrap=not stream.isatty())


def error_answer(error: HfverError) -> Error:
    """An error as ``--json`` shows it."""
    from hfver.config.problems import InvalidConfigError

    problems = error.problems if isinstance(error, InvalidConfigError) else ()
    places = [ConfigProblem(item.file, item.line, item.column, item.key, redact(item.message)) for item in problems]
    return Error(error.kind, error.exit_code, error.message, error.hints, places)


def to_jsonable(value: Any) -> Any:
    """Dataclasses, tuples, paths and times as JSON types; a number that JSON cannot hold is null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_jsonable(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_jsonable(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return [to_jsonable(item) for item in value]
    return value


def human_bytes(count: int) -> str:
    """``1536`` as ``1.5 kB``: decimal units, as the Hub shows them."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def counted(number: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _harmless(text: str) -> str:
    """Text of several lines that a terminal shows and does not obey."""
    return redact(text).translate(_ESCAPED_IN_TEXT)


def _redacted_text(text: Text) -> Text:
    """Without its colours when it held a secret: they are counted by characters."""
    clean = redact(text.plain)
    return text if clean == text.plain else type(text)(clean)


def _coloured(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if sys.stderr.isatty() and "NO_COLOR" not in os.environ else text


def _write(stream: IO[str], text: str) -> None:
    _write_unchanged(stream, redact(text))


def _write_unchanged(stream: IO[str], text: str) -> None:
    try:
        write_unchanged(stream, text)
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        if stream is not sys.stdout:
            raise
        discard_output()
        raise StateError(f"the result cannot be written: {error.strerror}") from error


def accept_any_text() -> None:
    """Names that the terminal's encoding lacks, or that are no text at all, are shown escaped."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def discard_output() -> None:
    """Nobody reads it any more, or nobody can; what is still buffered must not fail again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
