"""What lies at a revision: tree listings and questions about single paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hfver.local_hub.bodies import read_form
from hfver.local_hub.clock import from_seconds
from hfver.local_hub.errors import bad_request, entry_not_found
from hfver.local_hub.git.last_change import last_changes
from hfver.local_hub.git.repository import Entry, GitRepository
from hfver.local_hub.git.tree_edit import Folder
from hfver.local_hub.paging import flag, number, page
from hfver.local_hub.quoting import segment
from hfver.local_hub.routing import decoded

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub

EXPANDED_PAGE = 100
MOST_PATHS = 20_000


def list_tree(hub: Hub, request: Request) -> Response:
    repo = hub.locate(request)
    git = hub.git.open(repo.id)
    commit = git.resolve(decoded(request, "rev")).commit
    path = str(request.path_params.get("path", "")).strip("/")
    found = git.lookup(commit, path)
    if not isinstance(found, Folder) or found.oid is None:
        raise entry_not_found(path, commit=commit)
    expand = flag(request, "expand")
    longest = min(hub.page_size, EXPANDED_PAGE) if expand else hub.page_size
    size = min(number(request, "limit", longest), longest) or 1
    start = number(request, "cursor", 0)
    prefix = f"{path}/" if path else ""
    entries = hub.listings.entries(git, found.oid, prefix, recursive=flag(request, "recursive"))
    rows = describe(hub, git, commit, entries[start : start + size], expand=expand)
    next_path = None
    if start + size < len(entries):
        # Later pages are of the commit the first one showed, even if the branch moves on.
        below = f"/{segment(path)}" if path else ""
        next_path = f"/api/{repo.kind.plural}/{repo.full_name}/tree/{commit}{below}"
    return page(hub, request, rows, next_path=next_path, cursor=str(start + size))


async def paths_info(hub: Hub, request: Request) -> Response:
    form = await read_form(request)
    return await run_in_threadpool(_paths_info, hub, request, form)


def _paths_info(hub: Hub, request: Request, form: list[tuple[str, str]]) -> Response:
    repo = hub.locate(request)
    git = hub.git.open(repo.id)
    commit = git.resolve(decoded(request, "rev")).commit
    paths = [value.strip("/") for key, value in form if key == "paths"]
    if len(paths) > MOST_PATHS:
        raise bad_request(f"At most {MOST_PATHS} paths can be asked for at once.")
    editor = git.editor(git.commit(commit).tree)
    entries = []
    for path in dict.fromkeys(paths):
        found = editor.find(path) if path else None
        if found is not None and found.oid is not None:
            entries.append(Entry(path, found.oid, isinstance(found, Folder)))
    expand = dict(form).get("expand", "").lower() == "true"
    return JSONResponse(describe(hub, git, commit, entries, expand=expand))


def describe(
    hub: Hub, git: GitRepository, commit: str, entries: Sequence[Entry], *, expand: bool
) -> list[dict[str, Any]]:
    """Entries as tree listings show them."""
    facts = {entry.oid: git.facts(entry.oid) for entry in entries if not entry.is_folder}
    stored = hub.content.lookup({fact.pointer.sha256 for fact in facts.values() if fact.pointer})
    changes = last_changes(git, commit, [entry.path for entry in entries]) if expand else {}
    rows = []
    for entry in entries:
        row: dict[str, Any] = {"type": "directory", "oid": entry.oid, "size": 0, "path": entry.path}
        if not entry.is_folder:
            fact = facts[entry.oid]
            row |= {"type": "file", "size": fact.pointer.size if fact.pointer else fact.size}
            if fact.pointer:
                row["lfs"] = {"oid": fact.pointer.sha256, "size": fact.pointer.size, "pointerSize": fact.size}
                content = stored.get(fact.pointer.sha256)
                if content is not None and content.xet_hash is not None:
                    row["xetHash"] = content.xet_hash
        if entry.path in changes:
            last = changes[entry.path]
            row["lastCommit"] = {"id": last.oid, "title": last.title, "date": from_seconds(last.seconds)}
        rows.append(row)
    return rows
