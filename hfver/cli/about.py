"""``hfver --version``: the versions a bug report needs, read without importing what they are of."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from hfver import __version__

LIBRARIES = ("dvc", "huggingface_hub", "hf_xet")


def version_text() -> str:
    """One line for hfver, one for each thing it stands on."""
    rows = [("hfver", __version__), ("Python", platform.python_version()), ("git", _git_version())]
    rows += [(name, _library_version(name)) for name in LIBRARIES]
    return "\n".join(f"{name} {found}" for name, found in rows)


def _library_version(name: str) -> str:
    # Where importlib.metadata would look, without the 30 ms it takes to parse mail headers.
    for folder in sys.path:
        for found in Path(folder).glob(f"{name}-*.dist-info"):
            return found.name.removesuffix(".dist-info").partition("-")[2]
    return "(not installed)"


def _git_version() -> str:
    import subprocess

    try:
        done = subprocess.run(["git", "--version"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return "(not found)"
    return done.stdout.removeprefix("git version ").strip() or "(not found)"
