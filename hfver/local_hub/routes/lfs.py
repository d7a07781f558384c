"""Git LFS: how clients without Xet upload large files, and how `git lfs` fetches them.

    batch      which objects are wanted, and where to send or get each
    objects    one object in one request, checked against its SHA-256 while it arrives
    uploads    large objects in parts, then a completion request

The transfer addresses are asked for without a token, so each carries a capability for exactly that transfer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from hfver.local_hub.bodies import read_object, text_field
from hfver.local_hub.byte_ranges import UnsatisfiableRangeError, extent_of
from hfver.local_hub.checked_files import BLOCK_BYTES
from hfver.local_hub.content_errors import ContentError, FormatError
from hfver.local_hub.content_store import StoredObject
from hfver.local_hub.errors import HubError, bad_request
from hfver.local_hub.spooling import BodyTooLargeError, DiskFullError, drain, spool, stream
from hfver.local_hub.texts import SHA256
from hfver.local_hub.whole_files import HashedFile

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub

MEDIA_TYPE = "application/vnd.git-lfs+json"
PART_BYTES = 256 << 20
MAX_PARTS = 1000
MAX_OBJECTS = 1000
MAX_OBJECT_BYTES = 1 << 40
_URL_SECONDS = 24 * 3600

Handler = Callable[["Hub", Request], Awaitable[Response]]


def _answering(handler: Handler) -> Handler:
    async def answer(hub: Hub, request: Request) -> Response:
        try:
            return await handler(hub, request)
        except BodyTooLargeError as exc:
            raise HubError(413, None, str(exc)) from exc
        except FormatError as exc:
            raise bad_request(str(exc)) from exc
        except DiskFullError as exc:
            raise HubError(507, None, str(exc)) from exc
        except ContentError as exc:
            raise HubError(404, None, str(exc)) from exc

    return answer


@_answering
async def batch(hub: Hub, request: Request) -> Response:
    fields = await read_object(request)
    wanted = _objects(fields)
    operation = fields.get("operation")
    if operation not in ("upload", "download"):
        raise bad_request('"operation" must be "upload" or "download".')

    def answer() -> list[dict[str, Any]]:
        _admit(hub, request, fields)
        stored = hub.content.lookup(oid for oid, _ in wanted)
        if operation == "download":
            return [_download(hub, request, oid, size, stored) for oid, size in wanted]
        hub.content.touch(stored)
        return [_upload(hub, request, oid, size, stored) for oid, size in wanted]

    objects = await to_thread.run_sync(answer)
    return JSONResponse({"transfer": "basic", "objects": objects, "hash_algo": "sha256"}, media_type=MEDIA_TYPE)


@_answering
async def verify(hub: Hub, request: Request) -> Response:
    fields = await read_object(request)
    oid, size = _object(fields)

    def check() -> None:
        hub.locate(request)
        stored = hub.content.lookup([oid]).get(oid)
        if stored is None or stored.size != size:
            raise HubError(404, None, f"Object {oid} of {size} bytes is not stored here.")

    await to_thread.run_sync(check)
    return Response()


@_answering
async def put_object(hub: Hub, request: Request) -> Response:
    oid, size = _checked_oid(request.path_params["oid"]), _number(request, "size")
    _require(hub, request, f"lfs-put {oid} {size}")
    if await _is_stored(hub, oid):
        await drain(request)
        return Response()
    body = HashedFile(await to_thread.run_sync(hub.content.pending))
    try:
        await spool(request, body, limit=size)
        await to_thread.run_sync(body.require, bytes.fromhex(oid), size)
        await to_thread.run_sync(hub.content.add_whole, body.sha256, body.body)
    finally:
        body.body.discard()
    return Response()


@_answering
async def get_object(hub: Hub, request: Request) -> Response:
    oid = _checked_oid(request.path_params["oid"])
    _require(hub, request, f"lfs-get {oid}")
    stored = (await to_thread.run_sync(hub.content.lookup, [oid])).get(oid)
    if stored is None:
        raise HubError(404, None, f"Object {oid} is not stored here.")
    try:
        wanted = extent_of(request.headers.get("range"), stored.size)
    except UnsatisfiableRangeError:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{stored.size}"})
    headers = wanted.headers | {"Content-Type": "application/octet-stream"}
    blocks = await to_thread.run_sync(hub.content.read, oid, wanted.start, wanted.end)
    return StreamingResponse(stream(blocks), status_code=wanted.status, headers=headers)


@_answering
async def put_part(hub: Hub, request: Request) -> Response:
    upload, number = str(request.path_params["upload"]), int(request.path_params["part"])
    _require(hub, request, f"lfs-upload {upload}")
    file = await to_thread.run_sync(hub.content.uploads_in_parts.file, upload)
    part = file.part(number)
    await spool(request, part, limit=part.size)
    await to_thread.run_sync(file.accept, part)
    return Response(headers={"ETag": f'"{upload}-{number}"'})


@_answering
async def complete(hub: Hub, request: Request) -> Response:
    upload = str(request.path_params["upload"])
    _require(hub, request, f"lfs-upload {upload}")
    oid, _ = _object({**await read_object(request), "size": 0})
    await to_thread.run_sync(_complete, hub, upload, oid)
    return JSONResponse({})


def _complete(hub: Hub, upload: str, oid: str) -> None:
    uploads = hub.content.uploads_in_parts
    if _is_completed(hub, upload, oid):
        return
    with uploads.file(upload).completing:
        if _is_completed(hub, upload, oid):
            return
        file = uploads.file(upload)
        sha256, promised = file.sha256(), uploads.sha256_of(upload)
        try:
            if not sha256.hex() == oid == promised:
                raise bad_request(f"The parts have sha256 {sha256.hex()}, {promised} was announced.")
            hub.content.add_whole(sha256, file)
        finally:
            uploads.end(upload)


def _is_completed(hub: Hub, upload: str, oid: str) -> bool:
    """Asked again because the first answer was lost, or before it came."""
    return hub.content.uploads_in_parts.sha256_of(upload) is None and oid in hub.content.lookup([oid])


def _upload(hub: Hub, request: Request, oid: str, size: int, stored: dict[str, StoredObject]) -> dict[str, Any]:
    """Without "actions" for an object that is stored: the client skips it."""
    answer: dict[str, Any] = {"oid": oid, "size": size}
    if oid in stored:
        if stored[oid].size != size:
            message = f"Object {oid} has {stored[oid].size} bytes, not {size}."
            return answer | {"error": {"code": 422, "message": message}}
        return answer
    upload = _in_parts(hub, request, oid, size) if size > PART_BYTES else {}
    if not upload:
        upload = {"href": _signed(hub, request, f"objects/{oid}", f"lfs-put {oid} {size}", size=size)}
    verify = {"href": hub.base_url(request) + request.url.path.removeprefix(hub.prefix)}
    verify["href"] = verify["href"].removesuffix("/objects/batch") + "/verify"
    return answer | {"authenticated": True, "actions": {"upload": upload, "verify": verify}}


def _in_parts(hub: Hub, request: Request, oid: str, size: int) -> dict[str, Any]:
    blocks = -(-size // (MAX_PARTS * BLOCK_BYTES))
    part_bytes = max(PART_BYTES, blocks * BLOCK_BYTES)
    upload = hub.content.uploads_in_parts.promise(oid, size, part_bytes)
    scope = f"lfs-upload {upload}"
    header = {"chunk_size": str(part_bytes)}
    for number in range(1, -(-size // part_bytes) + 1):
        header[str(number)] = _signed(hub, request, f"uploads/{upload}/{number}", scope)
    return {"href": _signed(hub, request, f"uploads/{upload}", scope), "header": header}


def _download(hub: Hub, request: Request, oid: str, size: int, stored: dict[str, StoredObject]) -> dict[str, Any]:
    if oid not in stored:
        return {"oid": oid, "size": size, "error": {"code": 404, "message": f"Object {oid} is not stored here."}}
    href = _signed(hub, request, f"objects/{oid}", f"lfs-get {oid}")
    actions = {"download": {"href": href}}
    return {"oid": oid, "size": stored[oid].size, "authenticated": True, "actions": actions}


def _signed(hub: Hub, request: Request, path: str, scope: str, **fields: int) -> str:
    token, _ = hub.capabilities.issue(scope, _URL_SECONDS)
    return f"{hub.base_url(request)}/api/lfs/{path}?{urlencode({**fields, 'token': token})}"


def _require(hub: Hub, request: Request, scope: str) -> None:
    if not hub.capabilities.check(request.query_params.get("token", ""), scope):
        raise HubError(403, None, "This transfer address is not valid or has expired: ask for a new one.")


async def _is_stored(hub: Hub, oid: str) -> bool:
    return oid in await to_thread.run_sync(hub.content.lookup, [oid])


def _admit(hub: Hub, request: Request, fields: dict[str, Any]) -> None:
    """Uploads for a pull request that is yet to be opened name no ref."""
    if fields["operation"] == "download":
        hub.authorize_content(request, hub.locate(request))
        return
    ref = fields.get("ref")
    if ref is not None and not isinstance(ref, dict):
        raise bad_request('"ref" must be an object.')
    hub.locate_for_changes(request, text_field(ref, "name") if ref else "", create_pr=ref is None)


def _objects(fields: dict[str, Any]) -> list[tuple[str, int]]:
    objects = fields.get("objects")
    if not isinstance(objects, list) or len(objects) > MAX_OBJECTS:
        raise bad_request(f'"objects" must be a list of at most {MAX_OBJECTS} objects.')
    if fields.get("hash_algo", "sha256") != "sha256":
        raise bad_request("Only sha256 is offered.")
    return [_object(item) for item in objects]


def _object(item: object) -> tuple[str, int]:
    if not isinstance(item, dict):
        raise bad_request("An object needs an oid and a size.")
    oid, size = item.get("oid"), item.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= MAX_OBJECT_BYTES:
        raise bad_request(f'"size" must be a number from 0 to {MAX_OBJECT_BYTES}.')
    return _checked_oid(oid), size


def _checked_oid(oid: object) -> str:
    if not isinstance(oid, str) or not SHA256.fullmatch(oid):
        raise bad_request("An oid is a SHA-256: 64 lower-case hex digits.")
    return oid


def _number(request: Request, name: str) -> int:
    value = request.query_params.get(name, "")
    if not (value.isascii() and value.isdigit() and len(value) <= 15):
        raise bad_request(f"{name!r} must be a number.")
    return int(value)
