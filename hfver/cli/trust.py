"""``hfver trust``: which servers and directories a repository's configuration may use."""

from __future__ import annotations

import os

import click

from hfver.cli.answers.setup import Trusted
from hfver.cli.options import common
from hfver.cli.output import Printer, Table
from hfver.errors import UsageError


@click.command()
@click.argument("entry", metavar="[URL|PATH]", required=False)
@click.option("--remove", is_flag=True, help="Take the trust back.")
@click.option("--list", "listing", is_flag=True, help="Show what is trusted.")
@common(Trusted)
def trust(printer: Printer, entry: str | None, remove: bool, listing: bool) -> None:
    """Let repositories use a Hub, a webhook or mail server, or a directory outside them.

    A repository's configuration can name any address. Your token goes to huggingface.co, to what HF_ENDPOINT names and
    to what you trust here; notifications and backups go only where you trust. The list is yours and in no repository.

    \b
    Example:
      hfver trust https://hub.example.org
      hfver trust /mnt/backups
      hfver trust --remove https://hub.example.org
    """
    from hfver.trust import read_trust, write_trust

    known = read_trust(os.environ)
    if listing or entry is None:
        if entry is not None or remove:
            raise UsageError("--list stands alone", hints=["hfver trust --list"])
        rows = [("server", url) for url in known.urls] + [("directory", path) for path in known.paths]
        printer.data(
            Trusted(known.urls, known.paths),
            Table(("KIND", "TRUSTED"), rows, empty="Nothing is trusted beyond huggingface.co."),
        )
        return
    known = known.without_entry(entry) if remove else known.with_entry(entry)
    path = write_trust(known, os.environ)
    printer.data(Trusted(known.urls, known.paths), f"{entry} is {'no longer ' if remove else ''}trusted (in {path}).")
