"""What is printed does to a terminal only what we mean it to."""

from __future__ import annotations

import io
import sys

import pytest

from hfver.cli.output import Printer, Table
from hfver.errors import StateError

HOSTILE = "v1\x1b]0;owned\x07\x1b[2J\r\u202egpj"
SHOWN = r"v1\x1b]0;owned\x07\x1b[2J\r\u202egpj"


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    made = Terminal()
    monkeypatch.setattr(sys, "stdout", made)
    monkeypatch.setenv("COLUMNS", "120")
    return made


def test_messages_show_control_characters_instead_of_sending_them(capsys: pytest.CaptureFixture[str]) -> None:
    printer = Printer()
    printer.note(HOSTILE)
    printer.warn(HOSTILE)
    printer.error(StateError(HOSTILE, hints=[HOSTILE]))
    assert capsys.readouterr().err == f"{SHOWN}\nWarning: {SHOWN}\nError: {SHOWN}\nHint: {SHOWN}\n"


def test_lines_and_tabs_of_a_message_stay(capsys: pytest.CaptureFixture[str]) -> None:
    Printer().note("one\n\ttwo")
    assert capsys.readouterr().err == "one\n\ttwo\n"


def test_a_cell_stays_in_its_row_and_column(capsys: pytest.CaptureFixture[str]) -> None:
    Printer().show(Table(["version", "title"], [[HOSTILE, "a\tb\nc"]]))
    assert capsys.readouterr().out == f"version\ttitle\n{SHOWN}\ta\\tb\\nc\n"


def test_a_cell_on_a_terminal_is_harmless_too(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    Printer().show(Table(["version"], [[HOSTILE]]))
    assert SHOWN in terminal.getvalue()
    assert "\x1b]" not in terminal.getvalue()


def test_data_goes_through_a_pipe_as_it_is_and_to_a_terminal_harmless(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Printer().show(HOSTILE)
    assert capsys.readouterr().out == HOSTILE + "\n"
    terminal = on_terminal(monkeypatch)
    Printer().show(HOSTILE)
    assert terminal.getvalue() == SHOWN + "\n"
