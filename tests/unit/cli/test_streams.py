"""Nobody writes a secret to the streams of a process of ours: neither we nor the libraries in it."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from hfver.cli.streams import RedactedStream, redact_streams, write_unchanged
from hfver.secret_values import KNOWN

SECRET = "plainSelfHostedToken0123456789"


def behind_stderr(monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    """What arrives there from now on. No fixture: pytest puts its own streams in place for each phase of a test."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    KNOWN.add(SECRET)
    redact_streams()
    return raw


def test_what_is_written_is_redacted(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = behind_stderr(monkeypatch)
    print("one", SECRET, file=sys.stderr)  # noqa: T201 (as libraries do)
    sys.stderr.writelines([f"two {SECRET}\n", "three\n"])
    assert raw.getvalue().decode() == "one [hidden]\ntwo [hidden]\nthree\n"


def test_it_says_that_all_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    behind_stderr(monkeypatch)
    assert sys.stderr.write(SECRET) == len(SECRET)


def test_what_is_redacted_already_is_not_touched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = behind_stderr(monkeypatch)
    write_unchanged(sys.stderr, f'{{"authorization": "Bearer {SECRET}"}}')
    assert raw.getvalue().decode() == f'{{"authorization": "Bearer {SECRET}"}}'


def test_the_stream_stays_what_it_was_for_those_who_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = behind_stderr(monkeypatch)
    first = sys.stderr
    redact_streams()
    assert sys.stderr is first
    assert isinstance(first, RedactedStream)
    assert (first.encoding, first.errors, first.write_through) == ("utf-8", "backslashreplace", True)
    sys.stderr.write("\udcff")
    assert raw.getvalue() == b"\\udcff"


def test_a_stream_that_is_no_file_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    behind_stderr(monkeypatch)
    assert isinstance(sys.stdout, io.StringIO)
    write_unchanged(sys.stdout, "text")
    assert sys.stdout.getvalue() == "text"


# What other programs' code does in a process that `hfver` was started in.
OTHERS = {
    "print": "print('said', secret)",
    "a warning": "warnings.warn('said ' + secret)",
    "a logger nobody configured": "logging.getLogger('urllib3').warning('said %s', secret)",
    "a traceback in a log": """
try:
    raise ValueError('said ' + secret)
except ValueError as error:
    error.add_note('noted ' + secret)
    logging.getLogger('other').exception('failed')""",
    "the Hub client's own handler": """
import huggingface_hub
logging.getLogger('huggingface_hub.file_download').error('said %s', secret)""",
    "a thread that fails": """
def fail():
    raise ValueError('said ' + secret)
thread = threading.Thread(target=fail)
thread.start()
thread.join()""",
    "an error nobody caught": "raise SystemError('said ' + secret)",
    "a bar": """
from tqdm import tqdm
for _ in tqdm([1], desc='said ' + secret):
    pass""",
}


@pytest.mark.parametrize("how", OTHERS)
@pytest.mark.parametrize("secret", [SECRET, "hf_" + "NotARealToken" * 3])
def test_no_library_gets_a_secret_past_the_streams(how: str, secret: str) -> None:
    program = (
        "import logging, os, sys, threading, warnings\n"
        "sys.argv = ['hfver', '--help']\n"
        "from hfver.__main__ import main\n"
        "main()\n"
        "secret = os.environ['HF_TOKEN']\n"
        f"{OTHERS[how]}\n"
    )
    environment = {**os.environ, "HF_TOKEN": secret}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert "said [hidden]" in done.stdout + done.stderr
    assert secret not in done.stdout + done.stderr
