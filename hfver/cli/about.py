"""``hfver --version``: the versions a bug report needs, read without importing what they are of."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from hfver import __version__

LIBRARIES = ("dvc", "huggingface_hub", "hf_xet")


def version_text() -> str:
    """One line for hfver, one for each thing it stands on."""
    rows = [("hfver", __version__), ("Python", platform.python_version()), ("git", _git_version())]
    rows += [(name, _library_version(name)) for name in LIBRARIES]
    return "\n".join(f"{name} {found}" for name, found in rows)


def _library_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"


def _git_version() -> str:
    import subprocess

    try:
        done = subprocess.run(["git", "--version"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return "(not found)"
    return done.stdout.removeprefix("git version ").strip() or "(not found)"
