"""Version tags where a shell completes one; imported by every command that takes a version, so it imports little."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

MOST_TAGS = 500


def complete_tags(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Tags of this repository that go on from what is typed, newest version first; nothing outside git."""
    from click.shell_completion import CompletionItem

    done = subprocess.run(
        ["git", "for-each-ref", "--format=%(refname:strip=2)", "--sort=-version:refname", f"--count={MOST_TAGS}",
         "refs/tags/"],
        capture_output=True,
        text=True,
    )  # fmt: skip
    return [CompletionItem(tag) for tag in done.stdout.splitlines() if tag.startswith(incomplete)]
