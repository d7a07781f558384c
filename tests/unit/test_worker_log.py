"""The worker's log has what is printed in the background, by whomever, and no secret."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from hfver.worker_log import LOG

SECRET = "plainSelfHostedToken0123456789"


def log_of(home: Path, program: str, *, code: int = 0) -> str:
    """What a program leaves in the log of ``home``. It prints nothing anywhere else, and ends by itself."""
    start = (
        "import os, subprocess, sys\n"
        "from pathlib import Path\n"
        "from hfver.secret_values import KNOWN\n"
        "from hfver.worker_log import log_to_file\n"
        "log_to_file(Path(sys.argv[1]))\n"
        "secret = os.environ['HF_TOKEN']\n"
        "KNOWN.add(secret)\n"  # after the log was opened, as most are
    )
    done = subprocess.run(
        [sys.executable, "-c", start + program, str(home)],
        env={**os.environ, "HF_TOKEN": SECRET},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")
    return (home / LOG).read_bytes().decode("latin-1")


def test_it_has_what_python_and_the_programs_it_starts_print(tmp_path: Path) -> None:
    told = log_of(tmp_path, "print('one', flush=True)\nsubprocess.run(['sh', '-c', 'echo two; echo three >&2'])\n")
    assert told == "one\ntwo\nthree\n"


def test_what_is_written_past_pythons_streams_holds_no_secret(tmp_path: Path) -> None:
    told = log_of(
        tmp_path,
        "half = len(secret) // 2\n"
        "os.write(2, b'one ' + secret[:half].encode())\n"
        "os.write(2, secret[half:].encode() + b'\\n')\n"
        "subprocess.run(['sh', '-c', 'echo two $HF_TOKEN'])\n"
        "os.write(1, b'three \\xff ' + secret.encode())\n",
    )
    assert told == "one [hidden]\ntwo [hidden]\nthree \xff [hidden]"


def test_an_error_nobody_caught_is_in_it(tmp_path: Path) -> None:
    assert "ValueError: [hidden]" in log_of(tmp_path, "raise ValueError(secret)\n", code=1)


def test_it_goes_on_where_it_ended_until_it_is_large(tmp_path: Path) -> None:
    log_of(tmp_path, "print('one')\n")
    assert log_of(tmp_path, "print('two')\n") == "one\ntwo\n"
    (tmp_path / LOG).write_text("x" * 1_000_001)
    assert log_of(tmp_path, "print('three')\n") == "three\n"


def test_a_line_without_an_end_is_not_kept_in_memory(tmp_path: Path) -> None:
    assert log_of(tmp_path, "print('x' * 5_000_000)\n") == "x" * 5_000_000 + "\n"


def test_a_full_disk_does_not_stop_the_work(tmp_path: Path) -> None:
    (tmp_path / LOG).symlink_to("/dev/full")
    program = "print('x' * 1_000_000)\nprint('y')\nPath(LOG).unlink()\nPath(LOG).write_text('the work is done')\n"
    told = log_of(tmp_path, f"from hfver.worker_log import LOG\nos.chdir(sys.argv[1])\n{program}")
    assert told == "the work is done"


def test_a_program_that_is_left_running_is_not_waited_for(tmp_path: Path) -> None:
    program = "left = subprocess.Popen(['sleep', '60'])\nleft.returncode = 0\nprint(left.pid)\n"
    os.kill(int(log_of(tmp_path, program)), signal.SIGTERM)
