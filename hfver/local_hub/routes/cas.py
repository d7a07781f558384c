"""The CAS that Xet clients talk to: chunk queries, xorb and shard uploads, reconstructions, ranged xorb reads.

What a status means to them: other 4xx than 408 and 429 end the transfer at once, 404 on a newer route makes them use
the older one, 5xx is retried for minutes. Hence no 5xx and no 405 on purpose.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar
from urllib.parse import urlencode

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from hfver.local_hub import shards, xorbs
from hfver.local_hub.access import Capabilities
from hfver.local_hub.byte_ranges import UnsatisfiableRangeError, parse_range
from hfver.local_hub.checked_files import PendingFile
from hfver.local_hub.content_errors import ContentError, FormatError
from hfver.local_hub.content_store import ContentStore
from hfver.local_hub.hashes import from_text, to_text
from hfver.local_hub.reconstruction import Reconstruction
from hfver.local_hub.spooling import BodyTooLargeError, DiskFullError, drain, spool, stream
from hfver.local_hub.stored_xorbs import StoredXorb

LOG = logging.getLogger("hfver.local_hub")
READ_SCOPE = "xet-read"
WRITE_SCOPE = "xet-write"
_URL_SECONDS = 24 * 3600
_HEARTBEAT_SECONDS = 20.0
_T = TypeVar("_T")

Handler = Callable[[Request], Awaitable[Response]]


def cas_path(content: ContentStore) -> str:
    """Path of casUrl. Clients keep what they know about a store under its address, so a changed store has a new one."""
    return f"/cas/{content.store_id}-{content.generation}"


def routes(content: ContentStore, capabilities: Capabilities) -> list[BaseRoute]:
    cas = _Cas(content, capabilities)
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/v1/chunks/{prefix}/{hash}", cas.query_chunk),
        ("POST", "/v1/xorbs/{prefix}/{hash}", cas.upload_xorb),
        ("POST", "/v1/shards", cas.upload_shard),
        ("POST", "/shards", cas.upload_shard),
        ("POST", "/v2/shards", cas.upload_shard_with_progress),
        ("GET", "/v1/reconstructions/{hash}", cas.reconstruct_v1),
        ("GET", "/v2/reconstructions/{hash}", cas.reconstruct_v2),
        ("GET", "/xorbs/{hash}", cas.read_xorb),
    ]
    return [
        *(Route("/cas/{store}" + path, _answering(handler), methods=[method]) for method, path, handler in table),
        Route("/cas/{rest:path}", _not_found, methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
        Route("/v1/telemetry", _telemetry, methods=["POST"]),
    ]


class _RefusalError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Cas:
    def __init__(self, content: ContentStore, capabilities: Capabilities) -> None:
        self._content = content
        self._capabilities = capabilities

    async def query_chunk(self, request: Request) -> Response:
        await self._admit(request, WRITE_SCOPE, exact=True)
        answer = await _in_thread(self._content.dedup_answer, from_text(request.path_params["hash"]))
        if answer is None:
            raise _RefusalError(404, "unknown chunk")
        return Response(answer, media_type="application/octet-stream")

    async def upload_xorb(self, request: Request) -> Response:
        await self._admit(request, WRITE_SCOPE, exact=True)
        claimed = from_text(request.path_params["hash"])
        if await _in_thread(self._content.has_xorb, claimed):
            await drain(request)
            return JSONResponse({"was_inserted": False})
        body = await _in_thread(self._content.pending)
        try:
            await spool(request, body, limit=xorbs.MAX_BODY_BYTES)
            inserted = await _in_thread(self._content.add_xorb, claimed, body)
        finally:
            body.discard()
        return JSONResponse({"was_inserted": inserted})

    async def upload_shard(self, request: Request) -> Response:
        body = await self._received_shard(request)
        return JSONResponse({"result": int(await _in_thread(self._take_shard, body))})

    async def upload_shard_with_progress(self, request: Request) -> Response:
        """Newer clients read lines until a result or an error, whose message they show to their user."""
        body = await self._received_shard(request)
        taken = asyncio.ensure_future(_in_thread(self._take_shard, body))
        return StreamingResponse(_progress(taken), media_type="application/x-ndjson")

    async def _received_shard(self, request: Request) -> PendingFile:
        await self._admit(request, WRITE_SCOPE, exact=True)
        body = await _in_thread(self._content.pending)
        try:
            await spool(request, body, limit=shards.MAX_BODY_BYTES)
        except BaseException:
            body.discard()
            raise
        return body

    def _take_shard(self, body: PendingFile) -> bool:
        """Runs to its end in its thread, whether somebody still waits for the answer or not."""
        try:
            return self._content.add_shard(body)
        finally:
            body.discard()

    async def reconstruct_v1(self, request: Request) -> Response:
        return JSONResponse((await self._reconstruction(request)).v1(self._xorb_urls(request)))

    async def reconstruct_v2(self, request: Request) -> Response:
        return JSONResponse((await self._reconstruction(request)).v2(self._xorb_urls(request)))

    async def read_xorb(self, request: Request) -> Response:
        """Without Authorization: the signed URL came with a reconstruction."""
        text = request.path_params["hash"]
        if not self._capabilities.check(request.query_params.get("token", ""), f"xorb {text}"):
            raise _RefusalError(403, "this address has expired")
        file = await _in_thread(self._content.xorb_file, from_text(text))
        if file is None:
            raise _RefusalError(404, "this xorb is no longer stored")
        wanted = parse_range(request.headers.get("range"), file.size)
        start, end = wanted or (0, file.size)
        headers = {"Content-Length": str(end - start), "Content-Type": "application/octet-stream"}
        if wanted:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
        blocks = stream(self._content.stream_xorb(file, start, end))
        return StreamingResponse(blocks, status_code=206 if wanted else 200, headers=headers)

    async def _reconstruction(self, request: Request) -> Reconstruction:
        await self._admit(request, READ_SCOPE, exact=False)
        xet_hash = from_text(request.path_params["hash"])
        header = request.headers.get("range")

        def find() -> Reconstruction:
            file = self._content.xet_file(xet_hash)
            if file is None:
                raise _RefusalError(404, "unknown file")
            start, end = parse_range(header, file.size) or (0, file.size)
            return self._content.reconstruction(file, start, end)

        return await _in_thread(find)

    def _xorb_urls(self, request: Request) -> Callable[[StoredXorb], str]:
        base = (
            f"http://{request.headers['host']}{request.scope.get('root_path', '')}/cas/{request.path_params['store']}"
        )

        def url_of(xorb: StoredXorb) -> str:
            text = to_text(xorb.hash)
            token, _ = self._capabilities.issue(f"xorb {text}", _URL_SECONDS)
            return f"{base}/xorbs/{text}?{urlencode({'token': token})}"

        return url_of

    async def _admit(self, request: Request, scope: str, *, exact: bool) -> None:
        """The token, then the address: writers must know this very generation, readers only this store."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        scopes = (READ_SCOPE, WRITE_SCOPE) if scope == READ_SCOPE else (WRITE_SCOPE,)
        if not any(self._capabilities.check(token, allowed) for allowed in scopes):
            raise _RefusalError(401, "the transfer token is not valid or has expired")
        store, _, generation = request.path_params["store"].rpartition("-")
        current = await _in_thread(lambda: self._content.generation)
        if store != self._content.store_id or (exact and generation != str(current)):
            raise _RefusalError(
                409, "the storage behind this address was replaced or cleaned up; start the transfer again"
            )


def _answering(handler: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except _RefusalError as exc:
            status, message = exc.status, str(exc)
        except UnsatisfiableRangeError:
            status, message = 416, "the range starts behind the end"
        except BodyTooLargeError as exc:
            status, message = 413, str(exc)
        except (FormatError, DiskFullError) as exc:
            status, message = 400, str(exc)
        except ContentError as exc:
            status, message = 404, str(exc)
        return JSONResponse({"error": message}, status_code=status)

    return answer


async def _progress(taken: asyncio.Future[bool]) -> AsyncIterator[bytes]:
    """Clients give up after minutes of silence, and the bytes behind a shard can take longer than that to hash."""
    while not (await asyncio.wait({taken}, timeout=_HEARTBEAT_SECONDS))[0]:
        yield _frame(type="validating", verified=0, total=0)
    try:
        taken.result()
    except ContentError as exc:
        yield _frame(type="error", message=str(exc), retryable=False)
    except Exception:
        # The status is sent already. A cut answer would be taken for a bad connection and the shard sent again.
        LOG.exception("taking in a shard failed")
        yield _frame(type="error", message="the embedded hub made a mistake; its log says which", retryable=False)
    else:
        yield _frame(type="result")


def _frame(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"


async def _in_thread(function: Callable[..., _T], *args: object) -> _T:
    return await to_thread.run_sync(function, *args)


async def _not_found(request: Request) -> Response:
    """Also for methods a route does not have: clients take 405 for a failure, 404 for an older server."""
    return JSONResponse({"error": f"not offered: {request.method} {request.url.path}"}, status_code=404)


async def _telemetry(request: Request) -> Response:
    await drain(request)
    return JSONResponse({})
