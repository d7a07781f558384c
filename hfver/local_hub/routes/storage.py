"""What repositories store: their large files, copies of whole repositories, and the room they take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hfver.local_hub.bodies import text_field, with_object
from hfver.local_hub.clock import from_seconds, now
from hfver.local_hub.errors import bad_request, conflict
from hfver.local_hub.git.reachable import pointer_files
from hfver.local_hub.git.ref_names import DEFAULT_BRANCH
from hfver.local_hub.paging import number, page
from hfver.local_hub.registration import register
from hfver.local_hub.repos import Repo, check_visibility, new_id
from hfver.local_hub.storage_size import used_storage
from hfver.local_hub.texts import SHA256

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub


def list_large_files(hub: Hub, request: Request) -> Response:
    repo = hub.locate(request)
    files = list(pointer_files(hub.git.open(repo.id)))
    start = number(request, "cursor", 0)
    rows = [
        {
            "fileOid": file.oid,
            "filename": file.path,
            "oid": file.pointer.sha256,
            "pushedAt": from_seconds(file.commit.seconds),
            "size": file.pointer.size,
        }
        for file in files[start : start + hub.page_size]
    ]
    more = start + hub.page_size < len(files)
    next_path = f"/api/{repo.kind.plural}/{repo.full_name}/lfs-files" if more else None
    return page(hub, request, rows, next_path=next_path, cursor=str(start + hub.page_size))


@with_object
def share_large_files(hub: Hub, request: Request, fields: dict[str, Any]) -> Response:
    """Content is stored once for all repositories: it only has to be here."""
    hub.require_caller(request, write=True)
    hub.authorize_content(request, hub.locate(request))
    files = fields.get("files")
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise bad_request('"files" must be a list of objects.')
    wanted = [text_field(file, "sha256") for file in files]
    if not all(map(SHA256.fullmatch, wanted)):
        raise bad_request('"sha256" must be 64 lower-case hex digits.')
    stored = hub.content.lookup(wanted)
    failed = [{"sha256": sha256, "error": "not stored here"} for sha256 in wanted if sha256 not in stored]
    return JSONResponse({"failed": failed})


@with_object
def duplicate(hub: Hub, request: Request, fields: dict[str, Any]) -> Response:
    account = hub.require_caller(request, write=True).account
    source = hub.locate(request)
    hub.authorize_content(request, source)
    namespace, separator, name = text_field(fields, "repository").partition("/")
    if not separator:
        raise bad_request("A repository is named namespace/name.")
    hub.repos.check_name(account, namespace, name)
    visibility = text_field(fields, "visibility", default=source.visibility)
    check_visibility(source.kind, visibility)
    if hub.repos.find(source.kind, namespace, name):
        raise conflict(f"{namespace}/{name} exists already.")
    copy = Repo(new_id(), source.kind, namespace, name, account.id, visibility, None, source.sdk, now(), now())
    hub.git.copy(source.id, copy.id)
    register(hub, copy)
    return JSONResponse({"url": f"{hub.base_url(request)}/{copy.url_path}", "filesCopyPending": False})


def list_storage(hub: Hub, request: Request) -> Response:
    account = hub.require_caller(request).account
    namespace = str(request.path_params.get("ns", account.name)).lower()
    rows = []
    for repo in hub.repos.all():
        if repo.namespace.lower() == namespace and repo.owner == account.id:
            git = hub.git.find(repo.id)
            if git is not None:
                rows.append(_storage_row(repo, used_storage(hub, git, git.resolve(DEFAULT_BRANCH).commit)))
    return JSONResponse(rows)


def _storage_row(repo: Repo, size: int) -> dict[str, Any]:
    return {
        "id": repo.full_name,
        "type": repo.kind.value,
        "updatedAt": repo.updated,
        "visibility": repo.visibility,
        "storage": size,
    }
