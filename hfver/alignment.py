"""How git's versions and the Hub's releases stand to each other: one pure comparison.

What needs bytes or file lists (tampered trees, content that no place has) is ``hfver verify``'s to find.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hfver.hub_state import HubState, PublishedRelease
from hfver.model import Tag


class VersionState(StrEnum):
    ALIGNED = "aligned"
    PENDING = "pending"  # owed: noticed here and not done yet
    UNPUBLISHED = "unpublished"  # in git, never owed here
    INCOMPLETE = "incomplete"  # its commit is on the Hub, its tag or its configs in the mirror are not
    ORPHAN = "orphan"  # on the Hub, not in git
    MOVED = "moved"  # git's tag and the Hub's release name different commits
    TAMPERED = "tampered"  # the Hub's tree is not what the receipt says
    UNRECOVERABLE = "unrecoverable"  # no place has the bytes


DRIFT = frozenset({VersionState.ORPHAN, VersionState.MOVED, VersionState.TAMPERED, VersionState.UNRECOVERABLE})


@dataclass(frozen=True, slots=True)
class Alignment:
    """One version: ``commit`` is git's, ``revision`` the Hub's; None where that side has none."""

    tag: str
    state: VersionState
    commit: str | None
    revision: str | None
    branch: str | None
    subject: str
    detail: str = ""


def align(
    tags: Sequence[Tag],
    hub: HubState,
    owed: Collection[str],
    *,
    is_version: Collection[str],
    mirrored: Collection[str] | None = None,
) -> list[Alignment]:
    """Compare the version tags of one model with its Hub repository.

    ``owed`` are tags in the outbox; ``is_version`` are the names, of git tags and Hub tags alike, that are versions of
    this model. ``mirrored`` are the tags of the mirror, None when nobody asked. Sorted as ``tags`` are, orphans last.
    """
    by_tag = _releases_by_tag(hub.releases())
    here = {tag.name for tag in tags}
    found = [_compare(tag, by_tag.get(tag.name, ()), hub, owed, mirrored) for tag in tags if tag.name in is_version]
    titles = {commit.sha: commit.title for line in hub.lines.values() for commit in line}
    for name, target in sorted(hub.refs.tags.items()):
        if name not in here and name in is_version:
            release = next((item for item in by_tag.get(name, ()) if item.revision == target), None)
            title = titles.get(target, "")
            made = f"made from {(release.trailers.commit or 'no commit')[:8]}" if release else "not made by hfver"
            branch = release.branch if release else None
            found.append(Alignment(name, VersionState.ORPHAN, None, target, branch, title, f"no git tag; {made}"))
    return found


def _releases_by_tag(releases: Iterable[PublishedRelease]) -> Mapping[str, list[PublishedRelease]]:
    found: dict[str, list[PublishedRelease]] = {}
    for release in releases:
        found.setdefault(release.tag, []).append(release)
    return found


def _compare(
    tag: Tag,
    releases: Sequence[PublishedRelease],
    hub: HubState,
    owed: Collection[str],
    mirrored: Collection[str] | None,
) -> Alignment:
    target = hub.refs.tags.get(tag.name)
    if target is not None:
        release = next((item for item in releases if item.revision == target), None)
        if release is None:
            detail = f"the Hub tag points at {target[:8]}, which is no release of {tag.name}"
            return Alignment(tag.name, VersionState.MOVED, tag.commit, target, None, tag.subject, detail)
        if release.trailers.commit != tag.commit:
            detail = (
                f"git has {tag.commit[:8]}, the release was made from {(release.trailers.commit or 'no commit')[:8]}"
            )
            return Alignment(tag.name, VersionState.MOVED, tag.commit, target, release.branch, tag.subject, detail)
        state, detail = VersionState.ALIGNED, ""
        if mirrored is not None and release.trailers.configs_revision is not None and tag.name not in mirrored:
            state, detail = VersionState.INCOMPLETE, "released, but its configs are not in the mirror"
        return Alignment(tag.name, state, tag.commit, target, release.branch, tag.subject, detail)
    for release in releases:
        if release.trailers.commit == tag.commit:
            detail = "committed on the Hub, its tag is missing"
            state = VersionState.PENDING if tag.name in owed else VersionState.INCOMPLETE
            return Alignment(tag.name, state, tag.commit, release.revision, release.branch, tag.subject, detail)
    state = VersionState.PENDING if tag.name in owed else VersionState.UNPUBLISHED
    return Alignment(tag.name, state, tag.commit, None, None, tag.subject)
