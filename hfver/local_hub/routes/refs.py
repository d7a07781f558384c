"""Branches, tags and history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hfver.local_hub.bodies import text_field, with_object
from hfver.local_hub.clock import from_seconds
from hfver.local_hub.errors import forbidden, revision_not_found
from hfver.local_hub.git.objects import ObjectWriter
from hfver.local_hub.git.ref_names import CONVERTS, DEFAULT_BRANCH, HEADS, PULLS, TAGS
from hfver.local_hub.git.refs import all_refs, check_new_name, delete_ref, write_ref
from hfver.local_hub.git.repository import Commit
from hfver.local_hub.git.writing import write_commit, write_tag
from hfver.local_hub.paging import flag, number, page
from hfver.local_hub.routing import decoded

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub


def list_refs(hub: Hub, request: Request) -> Response:
    repo = hub.locate(request)
    groups: dict[str, list[dict[str, str]]] = {"branches": [], "converts": [], "tags": []}
    starts = {HEADS: "branches", CONVERTS: "converts", TAGS: "tags"}
    if flag(request, "include_prs"):
        groups["pullRequests"] = []
        starts[PULLS] = "pullRequests"
    for ref in all_refs(hub.git.open(repo.id).raw):
        for start, group in starts.items():
            if ref.name.startswith(start):
                short = ref.name.removeprefix(start)
                groups[group].append({"name": short, "ref": ref.name, "targetCommit": ref.commit})
    return JSONResponse(groups)


def list_commits(hub: Hub, request: Request) -> Response:
    repo = hub.locate(request)
    git = hub.git.open(repo.id)
    start = git.resolve(decoded(request, "rev")).commit
    limit = min(number(request, "limit", hub.page_size), hub.page_size) or 1
    position = number(request, "p", 0)
    found = list(git.history(start, skip=position * limit, count=limit + 1))
    formatted = "formatted" in request.query_params.getlist("expand[]")
    rows = [_commit_row(commit, formatted=formatted) for commit in found[:limit]]
    # The next page starts from the same commit, whatever happens to the branch meanwhile.
    path = f"/api/{repo.kind.plural}/{repo.full_name}/commits/{start}" if len(found) > limit else None
    return page(hub, request, rows, next_path=path, p=str(position + 1), limit=str(limit))


def _commit_row(commit: Commit, *, formatted: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": commit.oid,
        "title": commit.title,
        "message": commit.description,
        "date": from_seconds(commit.seconds),
        "authors": [{"user": commit.author}],
        "parents": list(commit.parents),
    }
    if formatted:
        row["formatted"] = {"title": _escaped(commit.title), "message": _escaped(commit.description)}
    return row


def _escaped(text: str) -> str:
    from html import escape

    return escape(text)


@with_object
def create_branch(hub: Hub, request: Request, fields: dict[str, Any]) -> Response:
    repo = hub.locate(request, write=True)
    name = HEADS + decoded(request, "branch")
    with hub.git.locked(repo.id):
        git = hub.git.open(repo.id)
        check_new_name(git.raw, name)
        start = git.resolve(text_field(fields, "startingPoint", default=DEFAULT_BRANCH)).commit
        write_ref(git.path, name, start)
    return JSONResponse({})


def delete_branch(hub: Hub, request: Request) -> Response:
    branch = decoded(request, "branch")
    if branch == DEFAULT_BRANCH:
        raise forbidden("The default branch cannot be deleted.")
    return _delete_ref(hub, request, HEADS, branch)


@with_object
def create_tag(hub: Hub, request: Request, fields: dict[str, Any]) -> Response:
    repo = hub.locate(request, write=True)
    account = hub.require_caller(request).account
    name, message = text_field(fields, "tag"), text_field(fields, "message", default="")
    with hub.git.locked(repo.id), ObjectWriter(hub.git.path(repo.id)) as writer:
        git = hub.git.open(repo.id)
        target = git.resolve(decoded(request, "rev")).commit
        check_new_name(git.raw, TAGS + name)
        if message:
            target = write_tag(writer, target, name, hub.signature(account), message)
            writer.publish()
        write_ref(git.path, TAGS + name, target)
    return JSONResponse({})


def delete_tag(hub: Hub, request: Request) -> Response:
    return _delete_ref(hub, request, TAGS, decoded(request, "tag"))


def _delete_ref(hub: Hub, request: Request, folder: str, name: str) -> Response:
    repo = hub.locate(request, write=True)
    with hub.git.locked(repo.id):
        git = hub.git.open(repo.id)
        if git.head(folder + name) is None:
            raise revision_not_found(name)
        delete_ref(git.raw, folder + name)
    return JSONResponse({})


@with_object
def super_squash(hub: Hub, request: Request, fields: dict[str, Any]) -> Response:
    repo = hub.locate(request, write=True)
    account = hub.require_caller(request).account
    revision = decoded(request, "rev")
    message = text_field(fields, "message", default="") or f"Super-squash branch '{revision}' using huggingface_hub"
    with hub.git.locked(repo.id), ObjectWriter(hub.git.path(repo.id)) as writer:
        git = hub.git.open(repo.id)
        found = git.resolve(revision)
        if found.ref is None or not found.ref.startswith((HEADS, PULLS)):
            raise revision_not_found(revision)
        tree = git.commit(found.commit).tree
        commit = write_commit(writer, tree, (), hub.signature(account), message)
        writer.publish()
        write_ref(git.path, found.ref, commit)
    hub.repos.touch(repo)
    return JSONResponse({})
