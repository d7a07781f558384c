"""Where a hub keeps its data, and the command that mends it there."""

from __future__ import annotations

import os
import shlex
from pathlib import Path


def default_store() -> Path:
    """Shared by everything this user runs on this machine."""
    named = os.environ.get("HFVER_HUB_DIR")
    if named:
        return Path(named).expanduser().absolute()
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data) / "hfver" / "hub"


def hub_command(root: Path, command: str) -> str:
    """``hfver hub <command>`` for the store at ``root``."""
    option = "" if root == default_store() else f" --store {shlex.quote(str(root))}"
    return f"hfver hub {command}{option}"
