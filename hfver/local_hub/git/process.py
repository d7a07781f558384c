"""Starting git itself on a repository of the store."""

from __future__ import annotations

import os

KEPT = ("PATH", "HOME", "TMPDIR")


def environment() -> dict[str, str]:
    """Nothing of what the user has set for git, nor of what git sets in a hook: GIT_OBJECT_DIRECTORY, for instance,
    would make `git gc` prune somebody else's objects."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}
