"""Answers of the commands that make releases and look at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from hfver.alignment import VersionState
from hfver.cli.answers import Error

Commit = Annotated[str | None, "commit the git tag points at; null if there is no git tag"]
Revision = Annotated[str | None, "commit on the Hub; null if there is none"]
Branch = Annotated[str | None, "the Hub's branch the release is on"]
Asked = Annotated[str | None, "time the Hub was last asked, `never`, or null if it was asked just now"]


@dataclass(frozen=True, slots=True)
class Initialised:
    """What `hfver init` set up."""

    repo: Annotated[str, "repository of the model on the Hub"]
    endpoint: Annotated[str, "`embedded`, or the URL of the Hub"]
    done: Annotated[Sequence[str], "what was changed, in sentences"]
    kept: Annotated[Sequence[str], "what was right already"]
    warnings: Annotated[Sequence[str], "what needs a look"]


@dataclass(frozen=True, slots=True)
class Tracked:
    """A model that DVC tracks."""

    path: Annotated[str, "the model, relative to the top of the git work tree"]
    pointer: Annotated[str, "the file git keeps in its place"]
    stage: Annotated[str | None, "the stage in dvc.yaml that makes it"]


@dataclass(frozen=True, slots=True)
class Release:
    """A release on the Hub."""

    tag: Annotated[str, "the version"]
    repo: Annotated[str, "repository on the Hub"]
    revision: Annotated[str, "its commit there"]
    branch: Annotated[str, "the branch the commit is on"]
    already_published: Annotated[bool, "true if nothing was left to do"]
    sent: Annotated[int, "files that were sent"]
    new_bytes: Annotated[int, "their size; Xet may have sent less"]
    known_bytes: Annotated[int, "size of the files the Hub had already"]
    warnings: Annotated[Sequence[str], "what was odd, in sentences"]


@dataclass(frozen=True, slots=True)
class MirrorStep:
    """One commit, or tag, of the repository with configurations and experiments."""

    repo: Annotated[str, "the configs repository"]
    revision: Annotated[str, "its commit"]
    made: Annotated[bool, "false if everything was there already"]
    title: Annotated[str, "title of the commit"]
    added: Annotated[Sequence[str], "files that were added or changed"]
    deleted: Annotated[Sequence[str], "files that were removed"]
    sent_bytes: Annotated[int, "size of what was added"]


@dataclass(frozen=True, slots=True)
class NotDone:
    """Something that failed and stays owed, unless a guard refused it."""

    tag: Annotated[str, "the tag, or the branch for a mirror"]
    kind: Annotated[Literal["release", "mirror"], "what was to be done"]
    error: Error


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was owed and what came of it."""

    released: Sequence[Release]
    mirrored: Sequence[MirrorStep]
    failed: Sequence[NotDone]


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that will be sent."""

    path: Annotated[str, "path in the repository"]
    size: Annotated[int | None, "bytes; null if it is not known before the file is fetched"]
    md5: Annotated[str, "DVC's digest"]


@dataclass(frozen=True, slots=True)
class Copied:
    """A file that is copied on the Hub's side."""

    path: Annotated[str, "path in the repository"]
    source: Annotated[str, "`revision:path` it is copied from"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What releasing a tag would do."""

    tag: Annotated[str, "the version"]
    commit: Annotated[str, "the commit in git"]
    repo: Annotated[str, "repository on the Hub"]
    branch: Annotated[str, "the branch the commit goes to"]
    parent: Annotated[str | None, "the commit it follows there"]
    published: Annotated[bool, "true if it is released already and nothing is left to do"]
    steps: Annotated[Sequence[str], "the steps in words, in their order"]
    send: Sequence[Sent]
    copy: Sequence[Copied]
    delete: Annotated[Sequence[str], "paths that the release before has and this one has not"]
    new_bytes: Annotated[int, "size of what is to be sent, as far as it is known"]
    known_bytes: Annotated[int, "size of what the Hub has already"]
    api_calls: Annotated[Mapping[str, int], "changing calls of the Hub's API, by kind"]
    commits: Annotated[int, "commits that are made: 0 or 1"]


@dataclass(frozen=True, slots=True)
class Bumped:
    """The version that was made, and its release."""

    tag: Annotated[str, "the new tag"]
    commit: Annotated[str, "the commit it is at"]
    made: Annotated[bool, "false with `--dry-run`"]
    released: Annotated[Sequence[Release], "the release; empty if it is left to a worker or switched off"]
    failed: Sequence[NotDone]


@dataclass(frozen=True, slots=True)
class Version:
    """One version in git, on the Hub, or both."""

    tag: Annotated[str, "the version"]
    state: Annotated[VersionState, "how git and the Hub agree, see [concepts](concepts.md)"]
    commit: Commit
    revision: Revision
    branch: Branch
    subject: Annotated[str, "first line of the message of tag or commit"]
    detail: Annotated[str, "what the state does not say; often empty"]


@dataclass(frozen=True, slots=True)
class ModelVersions:
    """The versions of one model, newest first."""

    model: Annotated[str, "name of the model"]
    repo: Annotated[str, "its repository on the Hub"]
    asked: Asked
    versions: Sequence[Version]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One version with its commit."""

    version: Annotated[str, "the version's tag"]
    state: Annotated[VersionState, "as in `hfver status`"]
    date: Annotated[str | None, "day of the commit, `YYYY-MM-DD`"]
    author: Annotated[str | None, "name of its author"]
    commit: Commit
    subject: Annotated[str, "first line of the message of tag or commit"]
    revision: Revision
    branch: Branch


@dataclass(frozen=True, slots=True)
class ModelLog:
    """The history of one model, newest version first."""

    model: Annotated[str, "name of the model"]
    repo: Annotated[str, "its repository on the Hub"]
    asked: Asked
    versions: Sequence[LogEntry]


@dataclass(frozen=True, slots=True)
class HubBranches:
    """The branches of one repository on the Hub."""

    repo: Annotated[str, "the repository"]
    branches: Annotated[Mapping[str, Sequence[str]], "commits of each branch, newest first"]


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file in which two versions differ."""

    kind: Annotated[Literal["added", "changed", "removed", "renamed"], "what happened to it"]
    path: Annotated[str, "path in the model; the new one of a rename"]
    old_path: Annotated[str, "differs from `path` for a rename only"]
    old_size: Annotated[int | None, "bytes; null if unknown or not there"]
    new_size: Annotated[int | None, "bytes; null if unknown or not there"]


@dataclass(frozen=True, slots=True)
class Difference:
    """In what two versions of the model differ."""

    old: Annotated[str, "the version compared with"]
    new: Annotated[str, "the version compared"]
    changes: Sequence[FileChange]


@dataclass(frozen=True, slots=True)
class Proof:
    """What proving one version found."""

    tag: Annotated[str, "the version"]
    state: Annotated[VersionState, "as in `hfver status`; here also `tampered` and `unrecoverable`"]
    commit: Commit
    revision: Revision
    files: Annotated[int, "files of the release"]
    size: Annotated[int, "their size in bytes"]
    problems: Annotated[Sequence[str], "each names the file and both digests; empty if all agrees"]


@dataclass(frozen=True, slots=True)
class Verified:
    """What `hfver verify` found."""

    versions: Sequence[Proof]
    drift: Annotated[bool, "true if any version has problems; the exit code is 3 then"]


@dataclass(frozen=True, slots=True)
class Repair:
    """One version that does not agree."""

    tag: Annotated[str, "the version"]
    state: Annotated[VersionState, "as in `hfver status`"]
    action: Annotated[str, "what mends it, or what a person has to do"]


@dataclass(frozen=True, slots=True)
class Repaired:
    """What can be mended and what cannot; without `--dry-run` also what came of it."""

    mend: Sequence[Repair]
    beyond: Annotated[Sequence[Repair], "only a person can decide about these"]
    released: Sequence[Release]
    failed: Sequence[NotDone]
