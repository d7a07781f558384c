"""What long work tells whoever started it; the command line prints it, a library user may ignore it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """A bar: bytes or items done of a known total."""

    def advance(self, amount: int) -> None: ...


class Reporter(Protocol):
    def note(self, message: str) -> None: ...
    def warn(self, message: str) -> None: ...
    def progress(self, label: str, total: int | None, *, unit: str = "bytes") -> AbstractContextManager[Progress]: ...

    @property
    def shows_progress(self) -> bool:
        """Whether bars are drawn: on a terminal, and nobody asked for quiet."""

    @property
    def is_heard(self) -> bool:
        """Whether notes reach anybody."""


class _SilentProgress:
    def advance(self, amount: int) -> None:
        pass


SILENT_PROGRESS: Progress = _SilentProgress()


class Silent:
    """Tells nobody."""

    shows_progress = False
    is_heard = False

    def note(self, message: str) -> None:
        pass

    def warn(self, message: str) -> None:
        pass

    @contextmanager
    def progress(self, label: str, total: int | None, *, unit: str = "bytes") -> Iterator[Progress]:
        yield SILENT_PROGRESS
