"""``hfver completion``: what a shell needs to complete hfver's commands, options and version tags."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from hfver.cli.answers.setup import Script
from hfver.cli.options import common
from hfver.cli.output import Printer

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_HFVER_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@common(Script)
def completion(printer: Printer, shell: str) -> None:
    """Print the completion script of a shell, for the file that every new shell reads.

    \b
    Example:
      echo 'eval "$(hfver completion bash)"' >> ~/.bashrc
      echo 'eval "$(hfver completion zsh)"' >> ~/.zshrc
      hfver completion fish > ~/.config/fish/completions/hfver.fish
    """
    found = get_completion_class(shell)
    assert found is not None
    script = found.source_template % found(click.Command("hfver"), {}, "hfver", VARIABLE).source_vars()
    printer.data(Script(shell, script), script.strip())
