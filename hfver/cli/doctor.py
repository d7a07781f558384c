"""``hfver doctor``: is everything in place here, and if not, what mends it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from hfver.cli.answers import setup
from hfver.cli.options import common
from hfver.cli.output import Printer
from hfver.doctor import Finding, Verdict, examine, fix
from hfver.errors import EXIT_DONE, EXIT_FAILED

_SIGNS = {Verdict.FINE: "ok  ", Verdict.NOTE: "note", Verdict.PROBLEM: "FAIL"}


@click.command()
@click.option("--fix", "mend", is_flag=True, help="Mend what is safe to mend, then look again.")
@click.option("--offline", is_flag=True, help="Do not ask the Hub.")
@common(list[setup.Finding])
def doctor(printer: Printer, mend: bool, offline: bool) -> int:
    """Check hooks, configuration, DVC, what is owed and the Hub; name each problem with the command that mends it.

    The hooks are tried out for real, with a ref of hfver's own. Exit code 1 if something is wrong.

    \b
    Example:
      hfver doctor --fix
    """
    top = Path.cwd()
    findings = examine(top, os.environ, online=not offline)
    if mend:
        for done in fix(top, findings):
            printer.note(f"Mended: {done}")
        findings = examine(top, os.environ, online=not offline)
    answer = [setup.Finding(one.check, one.verdict.value, one.message, one.mend, one.fixable) for one in findings]
    printer.data(answer, "\n".join(map(_line, findings)))
    return EXIT_FAILED if any(finding.verdict is Verdict.PROBLEM for finding in findings) else EXIT_DONE


def _line(finding: Finding) -> str:
    text = f"{_SIGNS[finding.verdict]}  {finding.check}: {finding.message}"
    return f"{text}\n      mend: {finding.mend}" if finding.mend else text
