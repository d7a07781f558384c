"""What the Hub holds of one repository, as values.

A branch's history on the Hub is a line of commits. Release commits are told from others (a person editing the card in
the browser) by their trailers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hfver.trailers import Trailers, parse_trailers

MAIN = "main"
EMBEDDED = "embedded"  # what the configuration calls the hub that is part of hfver


@dataclass(frozen=True, slots=True)
class HubCommit:
    """One commit of a Hub repository; ``description`` is the message without its title."""

    sha: str
    title: str
    description: str
    date: str  # ISO 8601


@dataclass(frozen=True, slots=True)
class HubRefs:
    """Names of branches and tags with the commits they point at."""

    branches: Mapping[str, str]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PublishedRelease:
    """A release commit on the Hub; ``tagged`` is False after a crash between the commit and its tag."""

    tag: str
    revision: str
    branch: str
    trailers: Trailers
    tagged: bool


@dataclass(frozen=True, slots=True)
class HubState:
    """Refs and histories of one repository; ``lines`` holds the commits of each branch, newest first."""

    repo: str
    exists: bool
    refs: HubRefs
    lines: Mapping[str, tuple[HubCommit, ...]] = field(default_factory=dict)

    def releases(self) -> Iterator[PublishedRelease]:
        """Every release commit of every branch once, ``main`` first."""
        seen: set[str] = set()
        for branch in sorted(self.lines, key=lambda name: (name != MAIN, name)):
            for commit in self.lines[branch]:
                if commit.sha in seen:
                    continue
                seen.add(commit.sha)
                trailers = parse_trailers(commit.description)
                if trailers is not None:
                    tagged = self.refs.tags.get(trailers.tag) == commit.sha
                    yield PublishedRelease(trailers.tag, commit.sha, branch, trailers, tagged)

    def newest_release(self, branch: str) -> PublishedRelease | None:
        """The release nearest to a branch's head, whatever other commits lie above it."""
        for commit in self.lines.get(branch, ()):
            trailers = parse_trailers(commit.description)
            if trailers is not None:
                tagged = self.refs.tags.get(trailers.tag) == commit.sha
                return PublishedRelease(trailers.tag, commit.sha, branch, trailers, tagged)
        return None

    def find(self, tag: str, commit: str | None) -> PublishedRelease | None:
        """The release commit made for this tag at this git commit, tagged or not."""
        for release in self.releases():
            if release.tag == tag and release.trailers.commit == commit:
                return release
        return None

    def tagged_release(self, tag: str) -> PublishedRelease | None:
        """What the Hub tag of that name points at, if it is a release commit of that tag."""
        target = self.refs.tags.get(tag)
        return next((release for release in self.releases() if release.revision == target and release.tag == tag), None)


def missing_repo(repo: str) -> HubState:
    return HubState(repo, exists=False, refs=HubRefs({}, {}))
