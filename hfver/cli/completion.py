"""``hfver completion``: what a shell needs to complete hfver's commands, options and version tags."""

from __future__ import annotations

import subprocess

import click
from click.shell_completion import CompletionItem, get_completion_class

from hfver.cli.answers.setup import Script
from hfver.cli.options import common
from hfver.cli.output import Printer

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_HFVER_COMPLETE"
MOST_TAGS = 500


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


def complete_tags(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Tags of this repository that go on from what is typed, newest version first; nothing outside git."""
    done = subprocess.run(
        ["git", "for-each-ref", "--format=%(refname:strip=2)", "--sort=-version:refname", f"--count={MOST_TAGS}",
         "refs/tags/"],
        capture_output=True,
        text=True,
    )  # fmt: skip
    return [CompletionItem(tag) for tag in done.stdout.splitlines() if tag.startswith(incomplete)]
