"""A hook's file, read: every command looks at it (``hfver.hooks.watch``), so this imports little."""

from __future__ import annotations

from pathlib import Path

from hfver.hooks.scripts import hook_name

LEGACY = ".legacy"  # where the pre-commit framework moves a hook, to run it first


def read_hook(path: Path) -> bytes | None:
    """The bytes of a hook file, None when there is none; a directory or an unreadable file is an empty foreign one."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError:
        return b""


def sibling(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def is_called_by_pre_commit(path: Path, name: str) -> bool:
    content = read_hook(path) or b""
    return b"pre-commit" in content and is_ours(sibling(path, LEGACY), name)


def is_ours(path: Path, name: str) -> bool:
    return hook_name(read_hook(path) or b"") == name
