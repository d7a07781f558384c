"""Tokens with which a Xet client talks to the content store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hfver.local_hub.paging import flag
from hfver.local_hub.routes.cas import READ_SCOPE, WRITE_SCOPE, cas_path
from hfver.local_hub.routing import decoded

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub

TOKEN_SECONDS = 3600
NO_REVISION = "None"


def read_token(hub: Hub, request: Request) -> Response:
    repo = hub.locate(request)
    hub.authorize_content(request, repo)
    hub.git.open(repo.id).resolve(decoded(request, "rev"))
    return _token(hub, request, READ_SCOPE)


def write_token(hub: Hub, request: Request) -> Response:
    revision = decoded(request, "rev")
    repo = hub.locate_for_changes(request, revision, create_pr=flag(request, "create_pr"))
    # The client has no revision to name for a pull request that does not exist yet.
    if revision != NO_REVISION:
        hub.git.open(repo.id).resolve(revision)
    return _token(hub, request, WRITE_SCOPE)


def _token(hub: Hub, request: Request, scope: str) -> Response:
    seconds = TOKEN_SECONDS if hub.faults is None else hub.faults.token_seconds(TOKEN_SECONDS)
    token, expires = hub.capabilities.issue(scope, seconds)
    url = f"{hub.base_url(request)}{cas_path(hub.content)}"
    headers = {"X-Xet-Cas-Url": url, "X-Xet-Access-Token": token, "X-Xet-Token-Expiration": str(expires)}
    return JSONResponse({"accessToken": token, "exp": expires, "casUrl": url}, headers=headers)
