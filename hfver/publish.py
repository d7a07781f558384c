"""Executes a plan: the one loop that changes the Hub.

The order makes any prefix harmless: repository → a look at who may see it → branch → content → receipt → one commit →
tag. Content nobody names is invisible, a commit without its tag is not a release yet, and the tag comes last: whoever
sees it sees all of it. Every step asks before it acts, so running again finishes what was cut short.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from hfver.errors import ConflictError, UnreachableError
from hfver.hub_state import MAIN, HubCommit, HubRefs
from hfver.mirror.secret_scan import without_secrets
from hfver.model import OutputFile
from hfver.paths import CARD_PATH, RECEIPT_PATH
from hfver.plan import Commit, PublishPlan, complete
from hfver.state import Content
from hfver.trailers import parse_trailers
from hfver.visibility import VisibilityHub, require_private

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FileContent:
    """Bytes to commit at a path: a file on disk or the bytes themselves; ``sha256`` saves hashing them again."""

    path: str
    source: Path | bytes
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class FileCopy:
    """A file to copy on the Hub's side from another revision of the same repository."""

    path: str
    source_path: str
    source_revision: str


class Prepared(Protocol):
    """Content the Hub has received and a commit can now name; only the client knows what is in it."""

    @property
    def sha256s(self) -> Mapping[str, str]:
        """By path, what the bytes that were sent hash to, as far as the client hashed them."""


class HubWriter(VisibilityHub, Protocol):
    """What publishing needs of the Hub; ``hfver.adapters.hub_client.HubClient`` is it."""

    def refs(self, repo: str) -> HubRefs | None: ...
    def commits(self, repo: str, revision: str) -> Sequence[HubCommit]: ...
    def create_repo(self, repo: str, *, private: bool) -> None: ...
    def create_branch(self, repo: str, branch: str, start: str) -> None: ...
    def send_content(self, repo: str, branch: str, contents: Sequence[FileContent]) -> Prepared: ...
    def commit(
        self,
        repo: str,
        branch: str,
        *,
        parent: str,
        contents: Sequence[Prepared],
        copies: Iterable[FileCopy],
        deletes: Iterable[str],
        title: str,
        description: str,
    ) -> str: ...
    def create_tag(self, repo: str, tag: str, revision: str, message: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Located:
    """The bytes of one content; ``sha256`` is known for those that were checked before."""

    source: Path | bytes
    size: int
    sha256: str | None = None


class ContentSource(Protocol):
    """Where the bytes of an output come from. IntegrityError when any is missing everywhere or is not as recorded."""

    def locate(self, files: Sequence[OutputFile]) -> Mapping[str, Located]:
        """The bytes of these files, by md5; they need not have been checked yet."""

    def checking(
        self, files: Sequence[OutputFile], located: Mapping[str, Located]
    ) -> AbstractContextManager[Callable[[Mapping[str, str]], Mapping[str, Content]]]:
        """Start checking, in the background, that bytes never checked before are what DVC recorded.

        The function is given the sha256s of what was sent, by path. It waits, and says by md5 what all of it hashes to.
        """

    def digests(self, files: Sequence[OutputFile]) -> Mapping[str, Content]:
        """Only what they hash to, by md5; bytes are read for content nobody has hashed yet."""


@dataclass(frozen=True, slots=True)
class CardTexts:
    """The card to publish, and the generated text it came from (they differ when people's edits were kept)."""

    published: str
    generated: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What publishing one tag ended in; ``new_bytes`` is what was sent, ``sent`` the number of files."""

    tag: str
    repo: str
    revision: str
    branch: str
    already_published: bool = False
    sent: int = 0
    new_bytes: int = 0
    known_bytes: int = 0
    warnings: tuple[str, ...] = field(default=())


Checkpoint = Callable[[str], None]
Inspect = Callable[[Sequence[OutputFile], Mapping[str, Located]], tuple[str, ...]]
"""Looks at what is about to be sent, by md5, before any of it is: raises to stop it, or returns warnings."""


class StaleParentError(ConflictError):
    """Somebody else committed to the branch first: plan again."""


def execute(
    plan: PublishPlan,
    hub: HubWriter,
    source: ContentSource | None,
    make_card: Callable[[Mapping[str, Content]], CardTexts],
    *,
    inspect: Inspect = lambda _files, _located: (),
    checkpoint: Checkpoint = lambda _step: None,
) -> Outcome:
    """Carry a plan out and return what came of it.

    ``source`` may be None for a plan that commits nothing. ``checkpoint`` is called with the name of each step once it
    is done. Raises ConflictError when somebody else was first (plan again), UnreachableError when the Hub cannot be
    reached (run again later), IntegrityError when the bytes are not what DVC recorded, RefusedError when everybody
    could see what is to be private.
    """
    request, line = plan.request, plan.line
    revision = plan.existing_revision
    warnings: tuple[str, ...] = ()
    if plan.published:
        assert revision is not None
        return Outcome(request.tag.name, request.repo, revision, line.branch, already_published=True)
    new_bytes = plan.add_bytes
    if revision is None:
        assert source is not None
        revision, warnings, new_bytes = _commit_release(plan, hub, source, make_card, inspect, checkpoint)
    else:
        _look(plan, hub)
    _tag(plan, hub, revision)
    checkpoint("tag")
    return Outcome(
        tag=request.tag.name,
        repo=request.repo,
        revision=revision,
        branch=line.branch,
        sent=len(plan.add),
        new_bytes=new_bytes,
        known_bytes=plan.known_bytes,
        warnings=warnings,
    )


def _commit_release(
    plan: PublishPlan,
    hub: HubWriter,
    source: ContentSource,
    make_card: Callable[[Mapping[str, Content]], CardTexts],
    inspect: Inspect,
    checkpoint: Checkpoint,
) -> tuple[str, tuple[str, ...], int]:
    request, line = plan.request, plan.line
    located = source.locate(plan.add)
    checkpoint("locate")
    warnings = inspect(plan.add, located)
    # Sending and checking read the same bytes at the same time. Bytes that turn out not to be what DVC recorded were
    # sent for nothing: no commit names them.
    with source.checking(plan.add, located) as checked:
        if plan.creates_repo:
            hub.create_repo(request.repo, private=request.private)
        checkpoint("repository")
        _look(plan, hub)
        checkpoint("visibility")
        parent = _ensure_branch(plan, hub)
        checkpoint("branch")
        sent = hub.send_content(request.repo, line.branch, _unchecked(plan, located))
        hashed = dict(checked(sent.sha256s))
    checkpoint("content")
    # Only now are all sizes known: DVC's list of a directory has none.
    new_bytes = sum(hashed[file.md5].size for file in plan.add)
    # What was read just now counts more than what a release says of the same content.
    hashed = {**source.digests((*plan.unchanged, *(file for file, _ in plan.copy))), **hashed}
    card = make_card(hashed) if plan.generates_card else None
    commit = complete(
        plan, hashed, card=card.published if card else None, generated_card=card.generated if card else None
    )
    written = [FileContent(RECEIPT_PATH, commit.receipt_bytes)]
    if commit.card is not None:
        written.append(FileContent(CARD_PATH, commit.card))
    contents = (sent, hub.send_content(request.repo, line.branch, written))
    checkpoint("receipt")
    copies = [FileCopy(file.path, known.path, known.revision) for file, known in plan.copy]
    _look(plan, hub)  # sending may have taken hours, and only the commit shows what was sent
    revision = _commit_once(plan, hub, parent, contents, copies, commit)
    checkpoint("commit")
    return revision, (*warnings, *(card.warnings if card else ())), new_bytes


def _unchecked(plan: PublishPlan, located: Mapping[str, Located]) -> list[FileContent]:
    # Without what is known of their sha256: the client is to compute it of the bytes it sends.
    return [FileContent(file.path, located[file.md5].source) for file in plan.add]


def _look(plan: PublishPlan, hub: HubWriter) -> None:
    if plan.request.private:
        require_private(hub, plan.request.repo, created=plan.creates_repo)


def _ensure_branch(plan: PublishPlan, hub: HubWriter) -> str:
    """Make the branch where it is missing; return the commit to build on."""
    request, line = plan.request, plan.line
    if line.start is not None:
        hub.create_branch(request.repo, line.branch, line.start)
        return line.start
    if line.head is not None:
        return line.head
    refs = hub.refs(request.repo)
    if refs is None or MAIN not in refs.branches:
        raise UnreachableError(f"{request.repo}: the repository was created but its main branch is not there yet")
    head = refs.branches[MAIN]
    if len(hub.commits(request.repo, head)) > 1:  # on which this release, planned for an empty one, must not be put
        raise StaleParentError(f"{request.repo}: somebody else created the repository and committed first")
    return head


def _commit_once(
    plan: PublishPlan,
    hub: HubWriter,
    parent: str,
    contents: Sequence[Prepared],
    copies: Sequence[FileCopy],
    commit: Commit,
) -> str:
    """Commit; when the outcome is unknown, look the commit up by its trailers before anybody tries again."""
    request = plan.request
    try:
        return hub.commit(
            request.repo,
            plan.line.branch,
            parent=parent,
            contents=contents,
            copies=copies,
            deletes=plan.delete,
            title=commit.title,
            description=commit.description,
        )
    except UnreachableError:
        wanted = parse_trailers(commit.description)
        for found in hub.commits(request.repo, plan.line.branch):
            if found.sha == parent:
                break
            if parse_trailers(found.description) == wanted:
                log.info("the commit of %s was made although the Hub's reply was lost", request.tag.name)
                return found.sha
        raise


def _tag(plan: PublishPlan, hub: HubWriter, revision: str) -> None:
    request = plan.request
    # The commit may be one that an older hfver made: its title is what it is, the tag's message need not be.
    message = without_secrets(request.tag.subject) or request.tag.name
    if hub.create_tag(request.repo, request.tag.name, revision, message):
        return
    refs = hub.refs(request.repo)
    target = refs.tags.get(request.tag.name) if refs else None
    if target != revision:
        raise ConflictError(
            f"{request.repo}: tag {request.tag.name} was created by somebody else at {(target or 'nothing')[:8]} while "
            f"this release was committed as {revision[:8]}",
            hints=["hfver status shows what the Hub has; nothing was overwritten"],
        )
