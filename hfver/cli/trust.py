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
@click.option(
    "--private-network",
    is_flag=True,
    help="Messages may go there although its name leads to this machine or a private network.",
)
@common(Trusted)
def trust(printer: Printer, entry: str | None, remove: bool, listing: bool, private_network: bool) -> None:
    """Let repositories use a Hub, a webhook or mail server, or a directory outside them.

    A repository's configuration can name any address. Your token goes to huggingface.co, to what HF_ENDPOINT names and
    to what you trust here; notifications and backups go only where you trust. A name that leads notifications to this
    machine or into a private network needs --private-network; an address itself, or localhost, does not. The list is
    yours and in no repository.

    \b
    Example:
      hfver trust https://hub.example.org
      hfver trust --private-network https://hooks.internal
      hfver trust /mnt/backups
      hfver trust --remove https://hub.example.org
    """
    from hfver.trust import read_trust, write_trust

    known = read_trust(os.environ)
    if listing or entry is None:
        if entry is not None or remove or private_network:
            raise UsageError("--list stands alone", hints=["hfver trust --list"])
        kinds = dict.fromkeys(known.private_network, "server in a private network")
        rows = [(kinds.get(url, "server"), url) for url in known.urls]
        rows += [("directory", path) for path in known.paths]
        printer.data(
            Trusted(known.urls, known.paths, known.private_network),
            Table(("KIND", "TRUSTED"), rows, empty="Nothing is trusted beyond huggingface.co."),
        )
        return
    if remove and private_network:
        raise UsageError("--remove takes all trust in it back", hints=[f"hfver trust --remove {entry}"])
    known = known.without_entry(entry) if remove else known.with_entry(entry, private_network=private_network)
    path = write_trust(known, os.environ)
    printer.data(
        Trusted(known.urls, known.paths, known.private_network),
        f"{entry} is {'no longer ' if remove else ''}trusted (in {path}).",
    )
