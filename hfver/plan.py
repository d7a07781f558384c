"""What publishing a tag will do, decided before anything is done.

A plan is a frozen value made without I/O: equal inputs give equal plans. ``--dry-run`` prints the very object that is
executed. Files are compared by DVC's md5, so planning reads no model bytes; sha256 digests are filled in by
``complete`` once new content has been hashed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfver.errors import ConflictError, RefusedError
from hfver.hub_state import HubState, PublishedRelease
from hfver.mirror.secret_scan import without_secrets
from hfver.model import Output, OutputFile, Tag
from hfver.paths import ATTRIBUTES_PATH, CARD_PATH, RECEIPT_PATH
from hfver.receipt import ConfigsRevision, GitOrigin, Receipt, dump_receipt
from hfver.state import Content
from hfver.topology import Line
from hfver.trailers import Trailers, render_trailers, title_of

# Copying on the Hub's side costs three small requests, which is more than sending a small file.
COPY_FROM_BYTES = 1_000_000
PREUPLOAD_BATCH = 256  # files the Hub client asks about at a time


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """One version to be published: what git, DVC and the configuration at the tag's commit say."""

    tag: Tag
    version: str
    repo: str
    name: str  # of the model
    private: bool
    output: Output
    remote: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    configs: ConfigsRevision | None = None
    tools: Mapping[str, str] = field(default_factory=dict)
    allow_same: bool = False


@dataclass(frozen=True, slots=True)
class KnownContent:
    """Content some revision on the Hub already has: copied there instead of sent."""

    path: str
    revision: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignChanges:
    """What commits that are no releases did to the tree since the release below them, as sets of paths."""

    touched: frozenset[str] = frozenset()  # added or changed
    gone: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PublishPlan:
    """Everything publishing one tag does, in order. Counts are files, sizes are bytes."""

    request: ReleaseRequest
    line: Line
    creates_repo: bool = False
    existing_revision: str | None = None  # the commit is there already, only the tag is missing
    published: bool = False  # nothing is left to do
    add: tuple[OutputFile, ...] = ()
    copy: tuple[tuple[OutputFile, KnownContent], ...] = ()
    delete: tuple[str, ...] = ()
    unchanged: tuple[OutputFile, ...] = ()
    generates_card: bool = False

    @property
    def add_bytes(self) -> int:
        return sum(file.size or 0 for file in self.add)

    @property
    def known_bytes(self) -> int:
        return sum(file.size or 0 for file in (*self.unchanged, *(file for file, _ in self.copy)))

    @property
    def api_calls(self) -> dict[str, int]:
        """How often each changing call of the Hub's API is made; the transfer of large files' content comes on top."""
        if self.published:
            return {}
        if self.existing_revision is not None:
            return {"tag": 1}
        calls = {
            "create": int(self.creates_repo),
            "branch": int(self.line.start is not None),
            # The output's files, and after them, when their digests are known, receipt and card.
            "preupload": -(-len(self.add) // PREUPLOAD_BATCH) + 1,
            "validate-yaml": int(self.generates_card or any(file.path == CARD_PATH for file in self.add)),
            "commit": 1,
            "tag": 1,
        }
        return {name: count for name, count in calls.items() if count}

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps in words, in the order in which they are executed."""
        if self.published:
            return ()
        tag, repo, branch = self.request.tag.name, self.request.repo, self.line.branch
        if self.existing_revision is not None:
            return (f"tag {repo}@{self.existing_revision[:8]} as {tag}",)
        steps = [f"create repository {repo}"] if self.creates_repo else []
        if self.line.start is not None:
            steps.append(f"create branch {branch} at {self.line.start[:8]}")
        if self.add:
            steps.append(f"send {len(self.add)} files ({self.add_bytes} bytes)")
        onto = "the repository's first commit" if self.line.head is None else self.line.head[:8]
        steps.append(f"commit to {repo}@{branch} on top of {onto}")
        steps.append(f"tag the commit as {tag}")
        return tuple(steps)


def plan_publish(
    request: ReleaseRequest,
    hub: HubState,
    line: Line,
    base: Receipt | None,
    *,
    foreign: ForeignChanges | None = None,
    known: Mapping[str, KnownContent] | None = None,
    doubtful: Collection[str] = (),
) -> PublishPlan:
    """Decide what publishing does.

    ``base`` is the receipt of ``line.base``; ``foreign`` says what people have changed by hand on top of it; ``known``
    says by md5 where on the Hub content is that is not at hand here; ``doubtful`` are paths of the base whose content
    may not be what it is said to be: they are sent anew.

    Raises ConflictError when the tag is published with another commit, RefusedError when the content is that of the
    nearest ancestor and ``allow_same`` is not set.
    """
    existing = existing_release(request.tag, request.repo, hub)
    if existing is not None:
        return PublishPlan(request, line, published=existing.tagged, existing_revision=existing.revision)
    if base is not None and line.base is not None and base.md5 == request.output.oid and not request.allow_same:
        raise _same_content(request, line.base)
    foreign = foreign or ForeignChanges()
    add, copy, unchanged = _ways(request.output.files, line, base, foreign, known or {}, doubtful)
    wanted = {file.path for file in request.output.files} | {RECEIPT_PATH, CARD_PATH, ATTRIBUTES_PATH}
    before = set() if base is None else {file.path for file in base.files}
    return PublishPlan(
        request,
        line,
        creates_repo=not hub.exists,
        add=tuple(add),
        copy=tuple(copy),
        delete=tuple(sorted(((before - foreign.gone) | foreign.touched) - wanted)),
        unchanged=tuple(unchanged),
        generates_card=all(file.path != CARD_PATH for file in request.output.files),
    )


def _ways(
    files: Iterable[OutputFile],
    line: Line,
    base: Receipt | None,
    foreign: ForeignChanges,
    known: Mapping[str, KnownContent],
    doubtful: Collection[str],
) -> tuple[list[OutputFile], list[tuple[OutputFile, KnownContent]], list[OutputFile]]:
    """Each file by the way it gets into the release: sent, copied on the Hub's side, or left where it is."""
    before = {} if base is None else {file.path: file for file in base.files}
    sound = [file for file in before.values() if file.path not in doubtful]
    here = {file.md5: _known_in(line.base, file) for file in sound} if line.base else {}
    # A file somebody changed by hand on the Hub since the release has to be sent again.
    changed = foreign.touched | foreign.gone | frozenset(doubtful)
    add, copy, unchanged = [], [], []
    for file in files:
        old, source = before.get(file.path), here.get(file.md5)
        if old is not None and old.md5 == file.md5 and file.path not in changed:
            unchanged.append(file._replace(size=old.size, sha256=old.sha256))
        elif file.md5 in known:
            copy.append(_copied(file, known[file.md5]))
        elif source is not None and (file.size is None or file.size >= COPY_FROM_BYTES):
            copy.append(_copied(file, source))
        else:
            add.append(file)
    return add, copy, unchanged


def _known_in(base: PublishedRelease, file: OutputFile) -> KnownContent:
    return KnownContent(file.path, base.revision, file.size, file.sha256)


def _copied(file: OutputFile, source: KnownContent) -> tuple[OutputFile, KnownContent]:
    """With the sha256 that the release it is copied from has for it."""
    known = source.size is not None and source.sha256 is not None
    return (file._replace(size=source.size, sha256=source.sha256) if known else file), source


def existing_release(tag: Tag, repo: str, hub: HubState) -> PublishedRelease | None:
    """The release this tag has on the Hub already, tagged there or not.

    ConflictError when the Hub's tag of that name is something else.
    """
    if tag.name not in hub.refs.tags:
        return hub.find(tag.name, tag.commit or None)
    target = hub.refs.tags[tag.name]
    release = hub.tagged_release(tag.name)
    where = f"{repo}@{tag.name}"
    if release is None:
        raise ConflictError(
            f"{where} exists on the Hub at {target[:8]}, which is not a release made by hfver",
            hints=[f"release under a new version, or remove the Hub tag: hf repos tag delete {repo} {tag.name}"],
        )
    if (release.trailers.commit or "") != tag.commit:
        made_from = (release.trailers.commit or "no commit")[:8]
        raise ConflictError(
            f"tag {tag.name} is commit {tag.commit[:8]} here, but {where} was made from {made_from}",
            hints=["hfver never moves a published version; make a new one: hfver bump patch"],
        )
    return release


def _same_content(request: ReleaseRequest, base: PublishedRelease) -> RefusedError:
    return RefusedError(
        f"{request.tag.name} has the same model content as {base.tag}, which is already released",
        hints=[f"to release it again under the new name: hfver push --allow-same {request.tag.name}"],
    )


@dataclass(frozen=True, slots=True)
class Commit:
    """The Hub commit of a release, every byte of it known except the model's own."""

    title: str
    description: str
    receipt: Receipt
    receipt_bytes: bytes
    card: bytes | None


def complete(
    plan: PublishPlan, hashed: Mapping[str, Content], *, card: str | None, generated_card: str | None
) -> Commit:
    """The commit of a plan, once the sha256 of all content is known (``hashed``, by md5).

    A function of the plan and the digests alone: two machines make the same bytes.
    """
    request = plan.request
    files = []
    for file in request.output.files:
        content = hashed[file.md5]
        files.append(file._replace(size=content.size, sha256=content.sha256))
    receipt = Receipt(
        version=request.version,
        tag=request.tag.name,
        git=GitOrigin(request.tag.commit, request.tag.tag_object, request.remote) if request.tag.commit else None,
        name=request.name,
        path=request.output.path,
        md5=request.output.oid,
        files=tuple(sorted(files, key=lambda file: file.path)),
        params=request.params,
        metrics=request.metrics,
        configs=request.configs,
        generated_card=generated_card if generated_card != card else None,
        tools=request.tools,
        hash_name=request.output.pointer.hash_name,
    )
    trailers = Trailers(
        tag=request.tag.name,
        tree=receipt.tree,
        commit=request.tag.commit or None,
        configs_revision=request.configs.revision if request.configs else None,
    )
    return Commit(
        title=title_of(request.tag.name, without_secrets(request.tag.subject)),
        description=render_trailers(trailers),
        receipt=receipt,
        receipt_bytes=dump_receipt(receipt),
        card=None if card is None else card.encode(),
    )
