"""Turning the operations of a request into one commit: all of it or nothing, and each ref moves under its lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hfver.local_hub import attributes
from hfver.local_hub.accounts import Account
from hfver.local_hub.clock import now
from hfver.local_hub.commit_body import CommitHeader
from hfver.local_hub.discussions import Discussion
from hfver.local_hub.errors import HubError, bad_request, revision_not_found
from hfver.local_hub.git.objects import ObjectWriter
from hfver.local_hub.git.pointers import Pointer
from hfver.local_hub.git.ref_names import HEADS, PULLS
from hfver.local_hub.git.refs import Revision, write_ref
from hfver.local_hub.git.repository import GitRepository
from hfver.local_hub.git.tree_edit import Blob, Folder, TreeEditor
from hfver.local_hub.git.writing import write_commit
from hfver.local_hub.operations import AddBlob, AddPointer, Delete, Operation
from hfver.local_hub.repos import Repo

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub

STALE_PARENT = "The branch was updated since you opened this page. Please refresh and try again."


@dataclass(frozen=True, slots=True)
class Committed:
    commit: str
    pull_request: int | None


@dataclass(frozen=True, slots=True)
class CommitJob:
    """One request: who wants what done to which revision."""

    repo: Repo
    author: Account
    revision: str
    header: CommitHeader
    operations: Sequence[Operation]
    create_pr: bool


def commit(hub: Hub, job: CommitJob, writer: ObjectWriter) -> Committed:
    """Blobs of the job's files are in `writer` already."""
    with hub.git.locked(job.repo.id):
        # Touched under the lock: a collection has either seen the last commit or finds this content young.
        pointers = _pointers(hub, job.operations)
        git = hub.git.open(job.repo.id)
        start = _start(git, job)
        editor = git.editor(git.commit(start.commit).tree)
        _apply(editor, job.operations, pointers, writer)
        _mark_pointers(git, start.commit, editor, job.operations, writer)
        oid = _write(hub, git, job, start, editor, writer)
        number = _open_pull_request(hub, git, job, start, oid) if job.create_pr else None
        if number is None and oid != start.commit:
            assert start.ref is not None
            write_ref(git.path, start.ref, oid)
    hub.repos.touch(job.repo)
    return Committed(oid, number)


def _pointers(hub: Hub, operations: Sequence[Operation]) -> Mapping[str, Pointer]:
    """The content each large file of the commit names has to be here, or the commit would have a hole."""
    wanted = {operation.sha256 for operation in operations if isinstance(operation, AddPointer)}
    if not wanted:
        return {}
    hub.content.touch(wanted)
    stored = hub.content.lookup(wanted)
    for operation in operations:
        if isinstance(operation, AddPointer):
            found = stored.get(operation.sha256)
            if found is None:
                raise bad_request(f"The content of {operation.path} (sha256 {operation.sha256}) was not uploaded.")
            if operation.size not in (None, found.size):
                raise bad_request(f"{operation.path} has {found.size} bytes, not {operation.size}.")
    return {sha256: Pointer(sha256, found.size) for sha256, found in stored.items()}


def _start(git: GitRepository, job: CommitJob) -> Revision:
    """The commit to build on, unless the caller built on another one."""
    start = git.resolve(job.revision)
    if start.ref is None or not start.ref.startswith((HEADS,) if job.create_pr else (HEADS, PULLS)):
        raise revision_not_found(job.revision)
    parent = job.header.parent
    if parent is not None and not start.commit.startswith(parent.lower()):
        raise HubError(412, None, STALE_PARENT)
    return start


def _apply(
    editor: TreeEditor, operations: Sequence[Operation], pointers: Mapping[str, Pointer], writer: ObjectWriter
) -> None:
    for operation in operations:
        match operation:
            case AddBlob(path, oid):
                editor.put(path, Blob(oid))
            case AddPointer(path, sha256, _):
                editor.put(path, Blob(writer.write("blob", pointers[sha256].text())))
            case Delete(path, folder):
                found = editor.find(path)
                if found is None or (folder and not isinstance(found, Folder)):
                    what = "folder" if folder else "file"
                    raise HubError(404, "EntryNotFound", f"A {what} with this name doesn't exist: {path}")
                editor.remove(path)


def _mark_pointers(
    git: GitRepository, base: str, editor: TreeEditor, operations: Sequence[Operation], writer: ObjectWriter
) -> None:
    """List new pointer files in .gitattributes for git-lfs, unless the commit writes that file itself."""
    if any(not isinstance(operation, AddPointer) and operation.path == attributes.FILE for operation in operations):
        return
    added = {operation.path for operation in operations if isinstance(operation, AddPointer)}
    unmarked = {path for path in added if editor.find(path) and not attributes.is_lfs(git, base, path)}
    if unmarked:
        old = editor.find(attributes.FILE)
        text = git.read(old.oid) if isinstance(old, Blob) else b""
        editor.put(attributes.FILE, Blob(writer.write("blob", attributes.with_lines(text, unmarked))))


def _write(
    hub: Hub, git: GitRepository, job: CommitJob, start: Revision, editor: TreeEditor, writer: ObjectWriter
) -> str:
    """The new commit, or the old one when nothing changed: a request whose answer was lost may come again."""
    tree = editor.write(writer.write)
    if tree == git.commit(start.commit).tree:
        return start.commit
    oid = write_commit(writer, tree, (start.commit,), hub.signature(job.author), job.header.message)
    writer.publish()
    return oid


def _open_pull_request(hub: Hub, git: GitRepository, job: CommitJob, start: Revision, oid: str) -> int:
    assert start.ref is not None
    number = hub.discussions.next_number(job.repo)
    base = start.ref.removeprefix(HEADS)
    opened = Discussion(number, job.header.summary, "open", job.author.name, now(), base, None)
    write_ref(git.path, opened.ref, oid)
    hub.discussions.add(job.repo, opened, job.header.description)
    return number
