"""Questions, asked only where somebody can answer."""

from __future__ import annotations

import sys

import click

from hfver.errors import UsageError


def confirm(question: str, *, yes: bool) -> None:
    """Go on after a yes; UsageError when there is nobody to ask and ``--yes`` was not given."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} There is no terminal to ask on", hints=["say --yes"])
    if not click.confirm(question, default=False, err=True):
        raise UsageError("nothing was changed")
