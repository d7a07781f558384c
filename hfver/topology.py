"""On which Hub branch a release goes, and after which revision.

Topology follows git: the parent of a release is the revision of its nearest published ancestor in git's graph. When
that is the newest release of the Hub's main branch, main moves on; else the release goes to a maintenance branch
started there, so that main never goes backwards because somebody tagged a hotfix.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hfver.ancestry import nearest_ancestors
from hfver.hub_state import MAIN, HubState, PublishedRelease


@dataclass(frozen=True, slots=True)
class Line:
    """Where a release is committed.

    ``head`` is the commit the release is made on top of (None while the repository does not exist yet), ``start`` is
    set when the branch has to be created there first, and ``base`` is the release whose files the new one changes.
    """

    branch: str
    head: str | None
    start: str | None = None
    base: PublishedRelease | None = None


def nearest_releases(
    commit: str, releases: Collection[PublishedRelease], parents: Mapping[str, tuple[str, ...]]
) -> tuple[PublishedRelease, ...]:
    """The releases of ``commit`` itself or of its nearest published ancestors; one commit can have several."""
    by_commit: dict[str, list[PublishedRelease]] = {}
    for release in releases:
        if release.trailers.commit is not None:
            by_commit.setdefault(release.trailers.commit, []).append(release)
    here = (commit,) if commit in by_commit else nearest_ancestors(parents, commit, by_commit)
    return tuple(release for found in here for release in by_commit[found])


def choose_line(hub: HubState, nearest: Collection[PublishedRelease], branch: str, fallback: str) -> Line:
    """Where a release with these nearest published ancestors goes.

    ``branch`` is the maintenance branch for its version (``release/1.2``); ``fallback`` is used when that branch
    already holds a history the release does not descend from.
    """
    newest = hub.newest_release(MAIN)
    head = hub.refs.branches.get(MAIN)
    if newest is None:
        return Line(MAIN, head)
    if any(release.revision == newest.revision for release in nearest):
        return Line(MAIN, head, base=newest)
    for name in (branch, fallback):
        if name not in hub.refs.branches:
            base = _preferred(nearest, hub)
            start = base.revision if base is not None else hub.lines[MAIN][-1].sha
            return Line(name, start, start=start, base=base)
        latest = hub.newest_release(name)
        if latest is not None and any(release.revision == latest.revision for release in nearest):
            return Line(name, hub.refs.branches[name], base=latest)
        if latest is None and not nearest and hub.refs.branches[name] == hub.lines[MAIN][-1].sha:
            return Line(name, hub.refs.branches[name])  # left empty by a publication that was cut short
    head = hub.refs.branches[fallback]
    return Line(fallback, head, base=hub.newest_release(fallback))


def _preferred(nearest: Collection[PublishedRelease], hub: HubState) -> PublishedRelease | None:
    """Of several nearest ancestors (a merge), the one that was published last on main, else the first parent's."""
    order = {commit.sha: index for index, commit in enumerate(hub.lines.get(MAIN, ()))}
    return min(nearest, key=lambda release: order.get(release.revision, len(order)), default=None)
