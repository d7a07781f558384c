"""Preparing and making commits."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hfver.local_hub import attributes
from hfver.local_hub.bodies import text_field, with_object
from hfver.local_hub.commit_body import CommitBody
from hfver.local_hub.committing import CommitJob, Committed, commit
from hfver.local_hub.errors import bad_request
from hfver.local_hub.git.objects import ObjectWriter
from hfver.local_hub.git.tree_edit import Blob
from hfver.local_hub.operations import check_path
from hfver.local_hub.paging import flag
from hfver.local_hub.repos import Repo
from hfver.local_hub.routing import decoded

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub

ALWAYS_REGULAR = 1 << 20
TEXT_REGULAR = 10 << 20
FED_AT_ONCE = 4 << 20


@with_object
def preupload(hub: Hub, request: Request, fields: dict[str, Any]) -> Response:
    repo = _writable(hub, request)
    git = hub.git.open(repo.id)
    commit_id = git.resolve(decoded(request, "rev")).commit
    given = fields.get("gitIgnore")
    ignores = attributes.ignore_rule(given if isinstance(given, str) else attributes.repo_ignores(git, commit_id))
    editor = git.editor(git.commit(commit_id).tree)
    answers = []
    for file in _files(fields):
        path = check_path(text_field(file, "path"))
        mode = _upload_mode(file, lfs=attributes.is_lfs(git, commit_id, path))
        oid = None
        found = editor.find(path)
        if isinstance(found, Blob):
            pointer = git.facts(found.oid).pointer
            # Named only when the kinds agree: the client compares it with what it would send.
            oid = pointer.sha256 if pointer and mode == "lfs" else None if pointer or mode == "lfs" else found.oid
        answers.append({"path": path, "uploadMode": mode, "shouldIgnore": ignores(path), "oid": oid})
    return JSONResponse({"files": answers, "commitOid": commit_id})


def _files(fields: dict[str, Any]) -> list[dict[str, Any]]:
    files = fields.get("files")
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise bad_request('"files" must be a list of objects.')
    return files


def _upload_mode(file: dict[str, Any], *, lfs: bool) -> str:
    """Small files and texts stay readable in git; everything else becomes a pointer."""
    size = file.get("size")
    if not isinstance(size, int) or size < 0:
        raise bad_request('"size" must be a number.')
    if size == 0:
        return "regular"
    if lfs or size >= TEXT_REGULAR:
        return "lfs"
    return "regular" if size < ALWAYS_REGULAR or _is_text(text_field(file, "sample", default="")) else "lfs"


def _is_text(sample: str) -> bool:
    """The sample is the beginning of the file and may end within a character."""
    try:
        data = base64.b64decode(sample, validate=True)
    except (binascii.Error, ValueError):
        raise bad_request('"sample" must be base64.') from None
    if not data or b"\0" in data:
        return False
    for cut in range(4):
        try:
            data[: len(data) - cut].decode()
        except UnicodeDecodeError:
            continue
        return True
    return False


async def make_commit(hub: Hub, request: Request) -> Response:
    repo = await run_in_threadpool(_writable, hub, request)
    with ObjectWriter(hub.git.path(repo.id)) as writer:
        body = CommitBody(writer)
        gathered, size = [], 0
        async for block in request.stream():
            gathered.append(block)
            size += len(block)
            if size >= FED_AT_ONCE:
                await run_in_threadpool(body.feed, b"".join(gathered))
                gathered, size = [], 0
        await run_in_threadpool(body.feed, b"".join(gathered))
        body.finish()
        return await run_in_threadpool(_commit, hub, request, repo, body, writer)


def _commit(hub: Hub, request: Request, repo: Repo, body: CommitBody, writer: ObjectWriter) -> Response:
    author = hub.require_caller(request).account
    create_pr = flag(request, "create_pr")
    job = CommitJob(repo, author, decoded(request, "rev"), body.header, body.operations, create_pr)
    done = commit(hub, job, writer)
    return JSONResponse(_answer(hub.base_url(request), repo, done))


def _answer(base: str, repo: Repo, done: Committed) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "success": True,
        "commitOid": done.commit,
        "commitUrl": f"{base}/{repo.url_path}/commit/{done.commit}",
        "hookOutput": "",
    }
    if done.pull_request is not None:
        answer["pullRequestUrl"] = f"{base}/{repo.url_path}/discussions/{done.pull_request}"
    return answer


def _writable(hub: Hub, request: Request) -> Repo:
    return hub.locate_for_changes(request, decoded(request, "rev"), create_pr=flag(request, "create_pr"))
