"""Mends what can be mended without overwriting anything.

A release whose commit is on the Hub gets its tag back, one that is owed is finished. What people moved, removed or
changed by hand is named with what to do about it; nothing published is ever rewritten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hfver.alignment import Alignment, VersionState

_MENDABLE = {
    VersionState.INCOMPLETE: "finish the release",
    VersionState.PENDING: "make the release that is owed",
}
_ADVICE = {
    VersionState.MOVED: "a published version is never moved: put the git tag back, or make a new version",
    VersionState.ORPHAN: "fetch the git tag or make it again at the old commit, or remove the Hub tag by hand",
    VersionState.TAMPERED: "make a new version; the Hub's revision is not what was released",
    VersionState.UNRECOVERABLE: "find a machine that has the bytes and `dvc push` there",
}


@dataclass(frozen=True, slots=True)
class Repair:
    """One version to mend."""

    tag: str
    state: VersionState
    action: str


@dataclass(frozen=True, slots=True)
class RepairPlan:
    mend: tuple[Repair, ...]
    beyond: tuple[Repair, ...]  # what only a person can decide, with advice as its action


def plan_repair(versions: Sequence[Alignment]) -> RepairPlan:
    """What can be mended and what cannot; versions that are aligned, or were never owed, are left out."""
    return RepairPlan(
        tuple(Repair(item.tag, item.state, _action(item)) for item in versions if item.state in _MENDABLE),
        tuple(Repair(item.tag, item.state, _ADVICE[item.state]) for item in versions if item.state in _ADVICE),
    )


def _action(item: Alignment) -> str:
    action = _MENDABLE[item.state]
    return f"{action} ({item.detail})" if item.detail else action
