"""What a repository is: single ones, and lists of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hfver.local_hub.cards import Card, card_of
from hfver.local_hub.git.ref_names import DEFAULT_BRANCH
from hfver.local_hub.git.repository import GitRepository
from hfver.local_hub.kinds import RepoKind
from hfver.local_hub.paging import flag, number, page
from hfver.local_hub.repos import Repo
from hfver.local_hub.routing import decoded
from hfver.local_hub.storage_size import used_storage

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub

SORTS: dict[str, Callable[[Repo], str]] = {
    "createdAt": lambda repo: repo.created,
    "created_at": lambda repo: repo.created,
    "lastModified": lambda repo: repo.updated,
    "last_modified": lambda repo: repo.updated,
}
ALWAYS = ("_id", "id", "modelId")


def info(hub: Hub, request: Request) -> Response:
    repo = hub.locate(request)
    revision = decoded(request, "rev") if "rev" in request.path_params else DEFAULT_BRANCH
    git = hub.git.open(repo.id)
    commit = git.resolve(revision).commit
    described = describe(repo, commit, card_of(git, commit))
    expand = request.query_params.getlist("expand")
    if not expand or "siblings" in expand:
        described["siblings"] = _siblings(hub, git, commit, blobs=flag(request, "blobs"))
    if "usedStorage" in expand:
        described["usedStorage"] = used_storage(hub, git, commit)
    if expand:
        described = {key: value for key, value in described.items() if key in ALWAYS or key in expand}
    return JSONResponse(described)


def list_repos(hub: Hub, request: Request) -> Response:
    kind: RepoKind = request.path_params["kind"]
    caller = hub.caller(request)
    query = request.query_params
    repos = [repo for repo in hub.repos.all(kind) if hub.may_read(caller, repo) and _matches(repo, request)]
    sort = SORTS.get(query.get("sort", "createdAt"), SORTS["createdAt"])
    repos.sort(key=lambda repo: (sort(repo), repo.id), reverse=True)
    filters = [*query.getlist("filter"), *query.getlist("pipeline_tag"), *query.getlist("library")]
    start, size = number(request, "cursor", 0), min(number(request, "limit", hub.page_size), hub.page_size) or 1
    rows: list[dict[str, Any]] = []
    position = start
    while position < len(repos) and len(rows) < size:
        row = _row(hub, repos[position])
        if row is not None and all(wanted in row["tags"] for wanted in filters):
            rows.append(row)
        position += 1
    next_path = f"/api/{kind.plural}" if position < len(repos) else None
    return page(hub, request, rows, next_path=next_path, cursor=str(position))


def _matches(repo: Repo, request: Request) -> bool:
    query = request.query_params
    author, gated = query.get("author"), query.get("gated")
    if author is not None and repo.namespace.lower() != author.lower():
        return False
    if gated is not None and (gated.lower() == "true") != (repo.gated is not None):
        return False
    return all(word.lower() in repo.full_name.lower() for word in query.getlist("search"))


def _row(hub: Hub, repo: Repo) -> dict[str, Any] | None:
    git = hub.git.find(repo.id)
    if git is None:
        return None
    commit = git.resolve(DEFAULT_BRANCH).commit
    return describe(repo, commit, card_of(git, commit))


def describe(repo: Repo, commit: str, card: Card) -> dict[str, Any]:
    described: dict[str, Any] = {
        "_id": repo.id,
        "id": repo.full_name,
        "author": repo.namespace,
        "sha": commit,
        "lastModified": repo.updated,
        "createdAt": repo.created,
        "private": repo.private,
        "visibility": repo.visibility,
        "gated": repo.gated or False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": card.tags(),
        "cardData": card.metadata,
    }
    if repo.kind is RepoKind.MODEL:
        described |= {"modelId": repo.full_name}
        described |= {name: card.text_field(name) for name in ("pipeline_tag", "library_name") if card.text_field(name)}
    if repo.sdk is not None:
        described["sdk"] = repo.sdk
    return described


def _siblings(hub: Hub, git: GitRepository, commit: str, *, blobs: bool) -> list[dict[str, Any]]:
    rows = []
    for entry in hub.listings.entries(git, git.commit(commit).tree, "", recursive=True):
        if entry.is_folder:
            continue
        row: dict[str, Any] = {"rfilename": entry.path}
        if blobs:
            fact = git.facts(entry.oid)
            row |= {"blobId": entry.oid, "size": fact.pointer.size if fact.pointer else fact.size}
            if fact.pointer:
                row["lfs"] = {"sha256": fact.pointer.sha256, "size": fact.pointer.size, "pointerSize": fact.size}
        rows.append(row)
    return rows
