"""Discussions and pull requests, as far as proposing and merging changes needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hfver.local_hub import merging
from hfver.local_hub.accounts import Caller
from hfver.local_hub.bodies import text_field, with_object
from hfver.local_hub.clock import now
from hfver.local_hub.discussions import Discussion, Event
from hfver.local_hub.errors import bad_request, forbidden
from hfver.local_hub.git.ref_names import DEFAULT_BRANCH, HEADS
from hfver.local_hub.git.refs import write_ref
from hfver.local_hub.paging import number
from hfver.local_hub.repos import Repo
from hfver.local_hub.routing import decoded

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub

PAGE = 50
LONGEST_DIFF = 4 << 20
ANSWERS = {"comment": "newMessage", "title-change": "newTitle", "status-change": "newStatus"}


def list_discussions(hub: Hub, request: Request) -> Response:
    repo = hub.locate(request)
    query = request.query_params
    kind, status, author = query.get("type", "all"), query.get("status", "all"), query.get("author")
    found = [
        discussion
        for discussion in hub.discussions.all(repo)
        if (kind == "all" or (kind == "pull_request") == discussion.is_pull_request)
        and (status == "all" or (status == "open") == (discussion.status in ("open", "draft")))
        and (author is None or discussion.author == author)
    ]
    start = number(request, "p", 0) * PAGE
    rows = [_row(repo, discussion) for discussion in found[start : start + PAGE]]
    return JSONResponse({"discussions": rows, "count": len(found), "start": start})


@with_object
def open_discussion(hub: Hub, request: Request, fields: dict[str, Any]) -> Response:
    caller = hub.require_caller(request, write=True)
    repo = hub.locate(request)
    title = text_field(fields, "title").strip()
    if not title:
        raise bad_request("A discussion needs a title.")
    base = DEFAULT_BRANCH if fields.get("pullRequest") is True else None
    with hub.git.locked(repo.id):
        opened = Discussion(
            hub.discussions.next_number(repo),
            title,
            "draft" if base else "open",
            caller.account.name,
            now(),
            base,
            None,
        )
        if base is not None:
            git = hub.git.open(repo.id)
            write_ref(git.path, opened.ref, git.resolve(HEADS + base).commit)
        hub.discussions.add(repo, opened, text_field(fields, "description", default=""))
    url = f"{hub.base_url(request)}/{repo.url_path}/discussions/{opened.num}"
    return JSONResponse({"num": opened.num, "url": url, "pullRequest": opened.is_pull_request})


def details(hub: Hub, request: Request) -> Response:
    repo = hub.locate(request)
    found = hub.discussions.get(repo, request.path_params["num"])
    answer = _row(repo, found)
    answer["events"] = [_event(event) for event in hub.discussions.events(repo, found.num)]
    if found.is_pull_request:
        answer |= _changes(hub, repo, found)
    return JSONResponse(answer)


def _changes(hub: Hub, repo: Repo, found: Discussion) -> dict[str, Any]:
    assert found.base is not None
    git = hub.git.open(repo.id)
    head, base = git.resolve(found.ref).commit, git.head(HEADS + found.base)
    still_open = base is not None and found.status in ("open", "draft")
    return {
        "changes": {"base": f"{HEADS}{found.base}", "mergeCommitId": found.merge_commit},
        "filesWithConflicts": merging.conflicting_files(git, str(base), head) if still_open else [],
        "diff": merging.changes_text(git, base, head, longest=LONGEST_DIFF) if base is not None else "",
    }


@with_object
def act(hub: Hub, request: Request, fields: dict[str, Any]) -> Response:
    caller = hub.require_caller(request, write=True)
    repo = hub.locate(request)
    found = hub.discussions.get(repo, request.path_params["num"])
    match decoded(request, "action"):
        case "comment":
            event = _comment(hub, repo, found, caller, text_field(fields, "comment"))
        case "title":
            event = _retitle(hub, repo, found, caller, text_field(fields, "title").strip())
        case "status":
            event = _set_status(hub, repo, found, caller, fields)
        case "merge":
            event = _merge(hub, repo, found, caller, text_field(fields, "comment", default=""))
        case unknown:
            raise bad_request(f"There is no action {unknown!r} on a discussion.")
    return JSONResponse({ANSWERS[event.kind]: _event(event)})


def _comment(hub: Hub, repo: Repo, found: Discussion, caller: Caller, text: str) -> Event:
    data = {"latest": {"raw": text}, "edited": False, "hidden": False}
    return hub.discussions.add_event(repo, found.num, "comment", caller.account.name, data)


def _retitle(hub: Hub, repo: Repo, found: Discussion, caller: Caller, title: str) -> Event:
    _check_right(hub, repo, found, caller)
    if not title:
        raise bad_request("A discussion needs a title.")
    hub.discussions.change(repo, found.num, "title", title)
    data = {"from": found.title, "to": title}
    return hub.discussions.add_event(repo, found.num, "title-change", caller.account.name, data)


def _set_status(hub: Hub, repo: Repo, found: Discussion, caller: Caller, fields: dict[str, Any]) -> Event:
    _check_right(hub, repo, found, caller)
    status = text_field(fields, "status")
    if status not in ("open", "closed") or found.status == "merged":
        raise bad_request(f"A discussion that is {found.status} cannot be made {status}.")
    hub.discussions.change(repo, found.num, "status", status)
    data = {"status": status}
    event = hub.discussions.add_event(repo, found.num, "status-change", caller.account.name, data)
    if fields.get("comment"):
        _comment(hub, repo, found, caller, text_field(fields, "comment"))
    return event


def _merge(hub: Hub, repo: Repo, found: Discussion, caller: Caller, comment: str) -> Event:
    if not hub.may_write(caller, repo):
        raise forbidden("Only the owner of a repository may merge.")
    if not found.is_pull_request or found.status not in ("open", "draft"):
        raise bad_request(f"Discussion {found.num} is {found.status} and cannot be merged.")
    commit = merging.merge(hub, repo, found, hub.signature(caller.account))
    hub.discussions.change(repo, found.num, "merge_commit", commit)
    hub.discussions.change(repo, found.num, "status", "merged")
    if comment:
        _comment(hub, repo, found, caller, comment)
    data = {"status": "merged"}
    return hub.discussions.add_event(repo, found.num, "status-change", caller.account.name, data)


def _check_right(hub: Hub, repo: Repo, found: Discussion, caller: Caller) -> None:
    if found.author != caller.account.name and not hub.may_write(caller, repo):
        raise forbidden("Only its author and the owner of the repository may change a discussion.")


def _row(repo: Repo, found: Discussion) -> dict[str, Any]:
    return {
        "num": found.num,
        "title": found.title,
        "status": found.status,
        "createdAt": found.created,
        "author": {"name": found.author},
        "repo": {"name": repo.full_name, "type": repo.kind.value},
        "repoOwner": {"name": repo.namespace},
        "isPullRequest": found.is_pull_request,
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "type": event.kind,
        "createdAt": event.created,
        "author": {"name": event.author},
        "data": event.data,
    }
