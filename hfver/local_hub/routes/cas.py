"""The CAS that Xet clients talk to: chunk queries, xorb and shard uploads, reconstructions, ranged xorb reads.

What a status means to them: other 4xx than 408 and 429 end the transfer at once, 404 on a newer route makes them use
the older one, 5xx is retried for minutes. Hence no 5xx and no 405 on purpose.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from hfver.local_hub import shards, xorbs
from hfver.local_hub.byte_ranges import UnsatisfiableRangeError, extent_of, parse_range
from hfver.local_hub.checked_files import PendingFile
from hfver.local_hub.content_errors import ContentError, FormatError
from hfver.local_hub.content_store import ContentStore
from hfver.local_hub.failures import told_of
from hfver.local_hub.hashes import from_text, to_text
from hfver.local_hub.reconstruction import Reconstruction
from hfver.local_hub.spooling import BodyTooLargeError, DiskFullError, drain, spool, stream
from hfver.local_hub.store_errors import BusyStoreError, StoreError, full
from hfver.local_hub.stored_xorbs import StoredXorb

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub

LOG = logging.getLogger("hfver.local_hub")
READ_SCOPE = "xet-read"
WRITE_SCOPE = "xet-write"
_URL_SECONDS = 24 * 3600
_HEARTBEAT_SECONDS = 20.0
_T = TypeVar("_T")

Handler = Callable[["Hub", Request], Awaitable[Response]]


def cas_path(content: ContentStore) -> str:
    """Path of casUrl. Clients keep what they know about a store under its address, so a changed store has a new one."""
    return f"/cas/{content.store_id}-{content.generation}"


class _RefusalError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def _answering(handler: Handler) -> Handler:
    async def answer(hub: Hub, request: Request) -> Response:
        try:
            return await handler(hub, request)
        except _RefusalError as exc:
            status, message = exc.status, str(exc)
        except UnsatisfiableRangeError:
            status, message = 416, "the range starts behind the end"
        except BodyTooLargeError as exc:
            status, message = 413, str(exc)
        except DiskFullError as exc:
            hub.troubles.note(full(hub.root))
            status, message = 400, str(exc)
        except FormatError as exc:
            status, message = 400, str(exc)
        except ContentError as exc:
            status, message = 404, str(exc)
        except (OSError, StoreError) as exc:
            # A full disk that shows itself late, a damaged index: clients would try again for minutes.
            told = told_of(exc, hub.root)
            if told is None or isinstance(told, BusyStoreError):
                raise
            hub.troubles.note(told)
            status, message = 400, told.in_full
        return JSONResponse({"error": message}, status_code=status)

    return answer


@_answering
async def query_chunk(hub: Hub, request: Request) -> Response:
    await _admit(hub, request, WRITE_SCOPE, exact=True)
    answer = await _in_thread(hub.content.dedup_answer, from_text(request.path_params["hash"]))
    if answer is None:
        raise _RefusalError(404, "unknown chunk")
    return Response(answer, media_type="application/octet-stream")


@_answering
async def upload_xorb(hub: Hub, request: Request) -> Response:
    await _admit(hub, request, WRITE_SCOPE, exact=True)
    claimed = from_text(request.path_params["hash"])
    if await _in_thread(hub.content.has_xorb, claimed):
        await drain(request)
        return JSONResponse({"was_inserted": False})
    body = await _in_thread(hub.content.pending)
    try:
        await spool(request, body, limit=xorbs.MAX_BODY_BYTES)
        inserted = await _in_thread(hub.content.add_xorb, claimed, body)
    finally:
        body.discard()
    return JSONResponse({"was_inserted": inserted})


@_answering
async def upload_shard(hub: Hub, request: Request) -> Response:
    body = await _received_shard(hub, request)
    return JSONResponse({"result": int(await _in_thread(_take_shard, hub, body))})


@_answering
async def upload_shard_with_progress(hub: Hub, request: Request) -> Response:
    """Newer clients read lines until a result or an error, whose message they show to their user."""
    body = await _received_shard(hub, request)
    taken = asyncio.ensure_future(_in_thread(_take_shard, hub, body))
    return StreamingResponse(_progress(hub, taken), media_type="application/x-ndjson")


async def _received_shard(hub: Hub, request: Request) -> PendingFile:
    await _admit(hub, request, WRITE_SCOPE, exact=True)
    body = await _in_thread(hub.content.pending)
    try:
        await spool(request, body, limit=shards.MAX_BODY_BYTES)
    except BaseException:
        body.discard()
        raise
    return body


def _take_shard(hub: Hub, body: PendingFile) -> bool:
    """Runs to its end in its thread, whether somebody still waits for the answer or not."""
    try:
        return hub.content.add_shard(body)
    finally:
        body.discard()


@_answering
async def reconstruct_v1(hub: Hub, request: Request) -> Response:
    return JSONResponse((await _reconstruction(hub, request)).v1(_xorb_urls(hub, request)))


@_answering
async def reconstruct_v2(hub: Hub, request: Request) -> Response:
    return JSONResponse((await _reconstruction(hub, request)).v2(_xorb_urls(hub, request)))


@_answering
async def read_xorb(hub: Hub, request: Request) -> Response:
    """Without Authorization: the signed URL came with a reconstruction."""
    text = request.path_params["hash"]
    if not hub.capabilities.check(request.query_params.get("token", ""), f"xorb {text}"):
        raise _RefusalError(403, "this address has expired")
    file = await _in_thread(hub.content.xorb_file, from_text(text))
    if file is None:
        raise _RefusalError(404, "this xorb is no longer stored")
    wanted = extent_of(request.headers.get("range"), file.size)
    headers = wanted.headers | {"Content-Type": "application/octet-stream"}
    blocks = stream(hub.content.stream_xorb(file, wanted.start, wanted.end))
    return StreamingResponse(blocks, status_code=wanted.status, headers=headers)


async def _reconstruction(hub: Hub, request: Request) -> Reconstruction:
    await _admit(hub, request, READ_SCOPE, exact=False)
    xet_hash = from_text(request.path_params["hash"])
    header = request.headers.get("range")

    def find() -> Reconstruction:
        file = hub.content.xet_file(xet_hash)
        if file is None:
            raise _RefusalError(404, "unknown file")
        start, end = parse_range(header, file.size) or (0, file.size)
        return hub.content.reconstruction(file, start, end)

    return await _in_thread(find)


def _xorb_urls(hub: Hub, request: Request) -> Callable[[StoredXorb], str]:
    base = f"http://{request.headers['host']}{request.scope.get('root_path', '')}/cas/{request.path_params['store']}"

    def url_of(xorb: StoredXorb) -> str:
        text = to_text(xorb.hash)
        token, _ = hub.capabilities.issue(f"xorb {text}", _URL_SECONDS)
        return f"{base}/xorbs/{text}?{urlencode({'token': token})}"

    return url_of


async def _admit(hub: Hub, request: Request, scope: str, *, exact: bool) -> None:
    """The token, then the address: writers must know this very generation, readers only this store."""
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    scopes = (READ_SCOPE, WRITE_SCOPE) if scope == READ_SCOPE else (WRITE_SCOPE,)
    if not any(hub.capabilities.check(token, allowed) for allowed in scopes):
        raise _RefusalError(401, "the transfer token is not valid or has expired")
    store, _, generation = request.path_params["store"].rpartition("-")
    current = await _in_thread(lambda: hub.content.generation)
    if store != hub.content.store_id or (exact and generation != str(current)):
        raise _RefusalError(409, "the storage behind this address was replaced or cleaned up; start the transfer again")


async def _progress(hub: Hub, taken: asyncio.Future[bool]) -> AsyncIterator[bytes]:
    """Clients give up after minutes of silence, and the bytes behind a shard can take longer than that to hash."""
    while not (await asyncio.wait({taken}, timeout=_HEARTBEAT_SECONDS))[0]:
        yield _frame(type="validating", verified=0, total=0)
    try:
        taken.result()
    except ContentError as exc:
        yield _frame(type="error", message=str(exc), retryable=False)
    except Exception as exc:
        # The status is sent already. A cut answer would be taken for a bad connection and the shard sent again.
        told = told_of(exc, hub.root)
        if told is None:
            LOG.exception("taking in a shard failed")
        else:
            hub.troubles.note(told)
        message = told.in_full if told else "the embedded hub made a mistake; its log says which"
        yield _frame(type="error", message=message, retryable=False)
    else:
        yield _frame(type="result")


def _frame(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"


async def _in_thread(function: Callable[..., _T], *args: object) -> _T:
    return await to_thread.run_sync(function, *args)


async def not_offered(hub: Hub, request: Request) -> Response:  # noqa: ARG001
    """Also for methods a route does not have: clients take 405 for a failure, 404 for an older server."""
    return JSONResponse({"error": f"not offered: {request.method} {request.url.path}"}, status_code=404)
