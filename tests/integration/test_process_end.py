"""The end of the process: everything said is said, and the exit code is that of the command."""

from __future__ import annotations

import subprocess
import sys


def python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_what_waits_in_buffers_is_written_and_what_was_registered_runs() -> None:
    done = python(
        "import atexit, sys, hfver.__main__ as program\n"
        "def command(arguments):\n"
        "    atexit.register(print, 'at the end', file=sys.stderr)\n"
        "    print('said')\n"
        "    return 7\n"
        "program._run = command\n"
        "sys.exit(program.main())\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "said\n", "at the end\n")


def test_an_exception_nobody_caught_is_shown() -> None:
    done = python("import hfver.__main__ as program\nprogram._run = lambda arguments: 1 / 0\nprogram.main()\n")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_a_thread_that_is_still_at_work_is_waited_for() -> None:
    done = python(
        "import sys, threading, time, hfver.__main__ as program\n"
        "def work():\n"
        "    while threading.main_thread().is_alive(): time.sleep(0.01)\n"
        "    print('done')\n"
        "def command(arguments):\n"
        "    threading.Thread(target=work).start()\n"
        "    return 0\n"
        "program._run = command\n"
        "sys.exit(program.main())\n"
    )
    assert (done.returncode, done.stdout) == (0, "done\n")
