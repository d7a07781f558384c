"""What the content store met last: for clients of which a Xet engine says no more than that a transfer failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub


def latest(hub: Hub, request: Request) -> Response:
    """The answer that a request of the Hub's own routes would have got; an empty object if there is nothing to tell."""
    hub.require_caller(request)
    trouble = hub.troubles.latest()
    if trouble is not None:
        raise trouble
    return JSONResponse({})
