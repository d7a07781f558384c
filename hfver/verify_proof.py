"""What verifying one version came to."""

from __future__ import annotations

from dataclasses import dataclass

from hfver.alignment import VersionState


@dataclass(frozen=True, slots=True)
class Proof:
    """What verifying one version found. ``problems`` name the file and both digests; empty when all agrees."""

    tag: str
    state: VersionState
    commit: str | None
    revision: str | None
    files: int = 0
    size: int = 0  # bytes
    problems: tuple[str, ...] = ()
