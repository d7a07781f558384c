"""Which repositories lie on the disk, and which are there to stay. Apart from what opens them, as in ref_names."""

from __future__ import annotations

from pathlib import Path

# A file in a repository that is not in the table on purpose: it is being made, or removed.
UNLISTED = "hfver-unlisted"
SUFFIX = ".git"


def ids(root: Path) -> set[str]:
    """Every repository on disk, whatever the table says."""
    return {path.stem for path in root.glob(f"*{SUFFIX}")}


def listed_ids(root: Path) -> set[str]:
    """Those that a row of the table has named, and of which none of the hub's own doing has removed that row."""
    return {repo_id for repo_id in ids(root) if not (root / f"{repo_id}{SUFFIX}" / UNLISTED).exists()}
