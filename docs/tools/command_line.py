"""hfver's command line as a tree: what the reference and the tests of every command are made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import click

from hfver.cli.main import hfver


@dataclass(frozen=True, slots=True)
class Found:
    """A command and how it is called, without the program's name."""

    path: tuple[str, ...]
    command: click.Command

    @property
    def name(self) -> str:
        return " ".join(("hfver", *self.path))

    @property
    def is_group(self) -> bool:
        return isinstance(self.command, click.Group)

    @property
    def help(self) -> str:
        """What ``--help`` prints, in the 80 columns of a plain terminal."""
        context: click.Context | None = None
        command: click.Command = hfver
        for part in ("", *self.path):
            if part:
                assert isinstance(command, click.Group)
                assert context is not None
                following = command.get_command(context, part)
                assert following is not None
                command = following
            settings = {**command.context_settings, "terminal_width": 80}
            context = click.Context(command, info_name=part or "hfver", parent=context, **settings)
        assert context is not None
        return command.get_help(context)


def all_commands() -> Iterator[Found]:
    """Every command in the order of the help, groups before what is in them, without the program itself."""
    yield from _below((), hfver)


def _below(path: tuple[str, ...], group: click.Group) -> Iterator[Found]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found = Found((*path, name), command)
        yield found
        if isinstance(command, click.Group):
            yield from _below(found.path, command)
