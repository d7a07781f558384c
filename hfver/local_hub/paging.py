"""Lists in pages: the client follows a ``Link`` header, which must be a complete, absolute URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hfver.local_hub.errors import bad_request

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub


def number(request: Request, name: str, default: int) -> int:
    """A number of the query, not negative."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise bad_request(f'"{name}" must be a number.')
    return int(text)


def flag(request: Request, name: str) -> bool:
    return request.query_params.get(name, "").lower() in ("true", "1")


def page(hub: Hub, request: Request, items: Sequence[Any], *, next_path: str | None, **changed: str) -> Response:
    """An answer with one page; `next_path` (raw, without the hub's prefix) where the next one is."""
    headers: Mapping[str, str] = {}
    if next_path is not None:
        query = [(key, value) for key, value in request.query_params.multi_items() if key not in changed]
        text = urlencode([*query, *changed.items()])
        headers = {"Link": f'<{hub.base_url(request)}{next_path}?{text}>; rel="next"'}
    return JSONResponse(items, headers=dict(headers))
