"""Making, moving, changing and deleting repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hfver.local_hub.bodies import text_field, with_object
from hfver.local_hub.clock import now
from hfver.local_hub.errors import HubError, bad_request, repo_not_found
from hfver.local_hub.kinds import RepoKind
from hfver.local_hub.registration import refuse_lost, register, rename, set_gated, set_visibility, unregister
from hfver.local_hub.repos import Repo, check_visibility, new_id

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub

# Unlike huggingface.co's, it marks no suffix as large: small files of every kind stay readable in git, and each
# file that is stored as a pointer gets its own line when it is committed.
GITATTRIBUTES = b"# Files stored as Git LFS pointers are listed here when they are committed.\n"


@with_object
def create(hub: Hub, request: Request, fields: dict[str, Any]) -> Response:
    account = hub.require_caller(request, write=True).account
    kind = _kind(fields)
    namespace = text_field(fields, "organization", default=account.name)
    name = text_field(fields, "name")
    hub.repos.check_name(account, namespace, name)
    visibility = "private" if fields.get("private") is True else text_field(fields, "visibility", default="public")
    check_visibility(kind, visibility)
    sdk = text_field(fields, "sdk", default="") or None
    if kind is RepoKind.SPACE and sdk is None:
        raise bad_request('A space needs an "sdk".')
    url = f"{hub.base_url(request)}/{kind.prefix}{namespace}/{name}"
    existing = hub.repos.find(kind, namespace, name)
    if existing is None:
        refuse_lost(hub, kind, namespace, name)
        repo = Repo(new_id(), kind, namespace, name, account.id, visibility, None, sdk, now(), now())
        hub.git.create(repo.id, {".gitattributes": GITATTRIBUTES}, hub.signature(account), "initial commit")
        try:
            register(hub, repo)
        except HubError:
            existing = hub.repos.find(kind, namespace, name)  # somebody else made it in the meantime
            if existing is None:
                raise
    if existing is not None:
        url = f"{hub.base_url(request)}/{existing.url_path}"
        message = f"You already created this {kind} repo: {existing.full_name}"
        return JSONResponse({"error": message, "url": url}, status_code=409, headers={"X-Error-Message": message})
    return JSONResponse({"url": url, "name": repo.full_name, "id": repo.id})


@with_object
def delete(hub: Hub, request: Request, fields: dict[str, Any]) -> Response:
    account = hub.require_caller(request, write=True).account
    repo = _named(
        hub,
        request,
        _kind(fields),
        text_field(fields, "organization", default=account.name),
        text_field(fields, "name"),
    )
    unregister(hub, repo)
    return JSONResponse({})


@with_object
def move(hub: Hub, request: Request, fields: dict[str, Any]) -> Response:
    account = hub.require_caller(request, write=True).account
    source, target = text_field(fields, "fromRepo").split("/"), text_field(fields, "toRepo").split("/")
    if len(source) != 2 or len(target) != 2:
        raise bad_request("A repository is named namespace/name.")
    repo = _named(hub, request, _kind(fields), *source)
    hub.repos.check_name(account, *target)
    refuse_lost(hub, repo.kind, *target)
    rename(hub, repo, *target)
    return JSONResponse({})


@with_object
def settings(hub: Hub, request: Request, fields: dict[str, Any]) -> Response:
    repo = hub.locate(request, write=True)
    gated = fields.get("gated")
    if gated not in (None, False, "auto", "manual"):
        raise bad_request('"gated" must be "auto", "manual" or false.')
    visibility = fields.get("visibility")
    if visibility is None and isinstance(fields.get("private"), bool):
        visibility = "private" if fields["private"] else "public"
    if visibility is not None:
        chosen = text_field({"visibility": visibility}, "visibility")
        check_visibility(repo.kind, chosen)
        set_visibility(hub, repo, chosen)
    if gated is not None:
        set_gated(hub, repo, gated or None)
    return JSONResponse({"gated": gated, "visibility": visibility})


def auth_check_read(hub: Hub, request: Request) -> Response:
    hub.authorize_content(request, hub.locate(request))
    return JSONResponse({})


def auth_check_write(hub: Hub, request: Request) -> Response:
    hub.locate(request, write=True)
    return JSONResponse({})


def _named(hub: Hub, request: Request, kind: RepoKind, namespace: str, name: str) -> Repo:
    repo = hub.repos.find(kind, namespace, name)
    if repo is None:
        raise repo_not_found(f"{namespace}/{name}")
    hub.authorize(request, repo, write=True)
    return repo


def _kind(fields: dict[str, Any]) -> RepoKind:
    try:
        return RepoKind(text_field(fields, "type", default="model"))
    except ValueError:
        raise bad_request(f"There are no repositories of type {fields['type']!r}.") from None
