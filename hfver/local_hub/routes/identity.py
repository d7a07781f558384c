"""Who is asking, what the client asks on its own account, and the check of a card's metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hfver.local_hub.bodies import read_object, text_field
from hfver.local_hub.cards import parse_card
from hfver.local_hub.errors import invalid_token
from hfver.local_hub.spooling import drain

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub


def whoami(hub: Hub, request: Request) -> Response:
    caller = hub.caller(request)
    if caller is None:
        raise invalid_token()
    account = caller.account
    return JSONResponse(
        {
            "type": "user",
            "id": f"{account.id:024x}",
            "name": account.name,
            "fullname": account.fullname,
            "email": account.email,
            "emailVerified": True,
            "isPro": False,
            "orgs": [],
            "auth": {"type": "access_token", "accessToken": {"displayName": caller.label, "role": caller.role}},
        }
    )


def agent_harnesses(hub: Hub, request: Request) -> Response:  # noqa: ARG001
    return JSONResponse({"standardEnvVars": [], "harnesses": {}})


async def telemetry(hub: Hub, request: Request) -> Response:  # noqa: ARG001
    """Accepted and forgotten: nothing is counted here."""
    await drain(request)
    return JSONResponse({})


async def validate_yaml(hub: Hub, request: Request) -> Response:  # noqa: ARG001
    """The client needs JSON in every case, and takes 400 for "do not upload this"."""
    card = parse_card(text_field(await read_object(request), "content").encode("utf-8", "surrogatepass"))
    warnings = [] if card.metadata or card.errors else ["empty or missing yaml metadata in repo card"]
    answer = {
        "errors": [{"message": message} for message in card.errors],
        "warnings": [{"message": message} for message in warnings],
    }
    return JSONResponse(answer, status_code=400 if card.errors else 200)
