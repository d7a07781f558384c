"""Request bodies, never larger than asked for."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hfver.local_hub.errors import bad_request, too_large
from hfver.local_hub.texts import is_text

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub

ObjectHandler = Callable[["Hub", Request, dict[str, Any]], Response]

JSON_LIMIT = 16 << 20
MOST_FIELDS = 50_000


async def read_body(request: Request, *, limit: int = JSON_LIMIT) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise too_large(limit)
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > limit:
            raise too_large(limit)
    return bytes(body)


async def read_object(request: Request, *, limit: int = JSON_LIMIT) -> dict[str, Any]:
    """The body as a JSON object; an empty body is an empty object."""
    body = await read_body(request, limit=limit)
    return parse_object(body) if body.strip() else {}


def with_object(handler: ObjectHandler) -> Callable[[Hub, Request], Awaitable[Response]]:
    """The handler with the JSON object of the body, in a thread: it waits for disks and locks."""

    @wraps(handler)
    async def answer(hub: Hub, request: Request) -> Response:
        fields = await read_object(request)
        return await run_in_threadpool(handler, hub, request, fields)

    return answer


def parse_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise bad_request("The body is not JSON.") from None
    if not isinstance(value, dict):
        raise bad_request("The body is not a JSON object.")
    return value


async def read_form(request: Request, *, limit: int = JSON_LIMIT) -> list[tuple[str, str]]:
    body = await read_body(request, limit=limit)
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise bad_request(f"The body is not a form in UTF-8 with at most {MOST_FIELDS} fields.") from None


def text_field(fields: dict[str, Any], name: str, *, default: str | None = None) -> str:
    """A text of the body; missing without a default, or of another type, is the caller's mistake."""
    value = fields.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or not is_text(value):
        raise bad_request(f'"{name}" must be a text.')
    return value
