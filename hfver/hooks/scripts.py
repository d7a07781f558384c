"""The scripts in hooks/, and how one recognises them in a repository.

Every script names itself in its second line, because tools rename files: ``# hfver-hook <name> <format>``.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

HOOKS = ("reference-transaction", "post-commit", "pre-push")

_MARKER = re.compile(rb"\A#!/bin/sh\r?\n# hfver-hook ([a-z-]+) [0-9]+\r?\n")


def script_directory() -> Path:
    """Where the scripts are: in hooks/ of a checkout, else in the installed package."""
    package = Path(__file__).parent.parent
    checkout = package.parent / "hooks"
    return checkout if (checkout / HOOKS[0]).is_file() else package / "_hooks"


@cache
def script(name: str) -> bytes:
    return (script_directory() / name).read_bytes()


def hook_name(content: bytes) -> str | None:
    """Which of our hooks this is, whatever its file is called; None for a hook of somebody else."""
    match = _MARKER.match(content)
    return match[1].decode() if match else None


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
