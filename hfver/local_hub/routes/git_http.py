"""`git clone` and `git fetch` over smart HTTP. Pushing is not offered: commits come through the Hub's own routes."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from hfver.local_hub.bodies import read_body
from hfver.local_hub.errors import HubError, bad_request, not_offered, too_large
from hfver.local_hub.failures import refusal_of_repository
from hfver.local_hub.git.process import environment

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub
    from hfver.local_hub.repos import Repo

SERVICE = "git-upload-pack"
REQUEST_LIMIT = 64 << 20
BLOCK = 256 << 10


async def advertise(hub: Hub, request: Request) -> Response:
    if request.query_params.get("service") != SERVICE:
        raise not_offered("git push, nor git's dumb protocol")
    repo = await run_in_threadpool(_readable, hub, request)
    process = await _git(hub, request, repo, "--advertise-refs")
    refs, _ = await process.communicate()
    if process.returncode != 0:
        refusal = await run_in_threadpool(refusal_of_repository, hub, repo.id)
        raise refusal or HubError(500, None, f"git cannot list the refs of {repo.full_name}.")
    greeting = f"# service={SERVICE}\n"
    body = f"{len(greeting) + 4:04x}{greeting}0000".encode() + refs
    return Response(body, media_type=f"application/x-{SERVICE}-advertisement", headers={"Cache-Control": "no-cache"})


async def upload_pack(hub: Hub, request: Request) -> Response:
    repo = await run_in_threadpool(_readable, hub, request)
    wants = await read_body(request, limit=REQUEST_LIMIT)
    if request.headers.get("content-encoding") == "gzip":
        wants = await run_in_threadpool(_unzipped, wants)
    return StreamingResponse(_talk(hub, request, repo, wants), media_type=f"application/x-{SERVICE}-result")


def _readable(hub: Hub, request: Request) -> Repo:
    try:
        repo = hub.locate(request)
    except HubError as error:
        if error.status == 401:
            # git asks its user for a password only when it is challenged.
            error.headers["WWW-Authenticate"] = 'Basic realm="hfver hub"'
        raise
    hub.authorize_content(request, repo)
    return repo


async def _git(hub: Hub, request: Request, repo: Repo, *options: str) -> asyncio.subprocess.Process:
    protocol = request.headers.get("git-protocol", "")
    asked = {"GIT_PROTOCOL": protocol} if protocol in ("version=1", "version=2") else {}
    command = ["git", "-c", "uploadpack.allowFilter=true", "-c", "safe.directory=*", "upload-pack", "--stateless-rpc"]
    return await asyncio.create_subprocess_exec(
        *command,
        *options,
        str(hub.git.path(repo.id)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment() | asked,
    )


async def _talk(hub: Hub, request: Request, repo: Repo, wants: bytes) -> AsyncIterator[bytes]:
    """Writing and reading at once, or both sides could wait for each other. git is started when the answer is: a
    client that has gone by then leaves no process behind."""
    process = await _git(hub, request, repo)
    assert process.stdin is not None
    assert process.stdout is not None
    writing = asyncio.create_task(_write(process.stdin, wants))
    try:
        while block := await process.stdout.read(BLOCK):
            yield block
    finally:
        writing.cancel()
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _write(pipe: asyncio.StreamWriter, data: bytes) -> None:
    pipe.write(data)
    try:
        await pipe.drain()
    except (BrokenPipeError, ConnectionResetError):
        return  # git has read enough to answer
    pipe.close()


def _unzipped(data: bytes) -> bytes:
    expander = zlib.decompressobj(wbits=31)
    try:
        body = expander.decompress(data, REQUEST_LIMIT)
    except zlib.error:
        raise bad_request("The body is not gzip.") from None
    if expander.unconsumed_tail:
        raise too_large(REQUEST_LIMIT)
    return body
