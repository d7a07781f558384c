"""What is printed does to a terminal only what we mean it to."""

from __future__ import annotations

import io
import json
import sys

import pytest
from rich.text import Text

from hfver.cli.answers import Error
from hfver.cli.output import Printer, Table
from hfver.cli.streams import RedactedStream
from hfver.errors import StateError
from hfver.secret_values import KNOWN

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


SECRET = "plainSelfHostedToken0123456789"


@pytest.fixture
def secret() -> str:
    KNOWN.add(SECRET)
    return SECRET


def test_messages_hold_no_secret(secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    printer = Printer()
    printer.note(f"sent {secret}")
    printer.warn(f"sent {secret}")
    printer.error(Error("state", 1, f"sent {secret}", [f"hfver trust https://me:{secret}@host"]))
    printer.show(f"sent {secret}", Table(["NAME", secret], [["a", f"b {secret}"]]), Table(["a"], [], empty=secret))
    told = capsys.readouterr()
    assert told.err == "sent [hidden]\nWarning: sent [hidden]\nError: sent [hidden]\nHint: hfver trust https://host\n"
    assert told.out == "sent [hidden]\nNAME\t[hidden]\na\tb [hidden]\n[hidden]\n"


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_a_terminal_that_folds_lines_does_not_show_a_secret_in_two_halves(
    secret: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = on_terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", str(columns))
    long = f"the Hub said {'no ' * 20}{secret}"
    Printer().show(long, Table(["VERSION", "REASON"], [["v1.0.0", long]]), Text(long))
    shown = terminal.getvalue()
    assert shown.count("hidden") == 3 or "idden" in shown  # it may be folded itself
    for part in (secret[at : at + 6] for at in range(len(secret) - 6)):
        assert part not in shown


def test_neither_does_a_bar(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "100")
    with Printer().progress(f"asking {secret}", 3) as bar:
        bar.advance(3)
    assert "asking [hidden]" in terminal.getvalue()
    assert secret not in terminal.getvalue()


def test_json_holds_no_secret_and_stays_json(secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    Printer(as_json=True).data({f"from {secret}": [f'"{secret}"', 1], "note": 'Authorization: Bearer a"b\\'})
    assert json.loads(capsys.readouterr().out) == {
        "from [hidden]": ['"[hidden]"', 1],
        "note": 'Authorization: Bearer [hidden]"b\\',
    }


def test_neither_does_a_failure_in_json(secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    Printer(as_json=True).fail(Error("state", 1, f"sent {secret}", [f"try {secret}"]))
    told = capsys.readouterr()
    assert json.loads(told.out)["error"]["message"] == "sent [hidden]"
    assert secret not in told.out + told.err


@pytest.mark.parametrize(("as_json", "expected"), [(True, f'"{SECRET}"\n'), (False, f"{SECRET}\n")])
def test_only_a_secret_that_was_asked_for_is_printed(
    secret: str, as_json: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", RedactedStream(io.TextIOWrapper(raw, encoding="utf-8")))
    Printer(as_json=as_json).secret(secret, secret)
    assert raw.getvalue().decode() == expected
