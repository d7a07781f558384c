"""Notice, on every command and at the price of reading a few small files, that another program took a hook's place.

husky rewrites its files with every `npm install`, lefthook with every change of its configuration; neither says so.
"""

from __future__ import annotations

from pathlib import Path

from hfver.hooks.file import is_called_by_pre_commit, read_hook
from hfver.hooks.record import read_record
from hfver.hooks.scripts import hook_name


def displaced_hooks(home: Path) -> list[str]:
    """Names of hooks that were installed and are not at their place any more."""
    names = []
    for name, installed in read_record(home).hooks.items():
        path = Path(installed.path)
        content = read_hook(path)
        if (content is None or hook_name(content) != name) and not is_called_by_pre_commit(path, name):
            names.append(name)
    return names
