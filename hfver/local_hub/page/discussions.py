"""Discussions and pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from hfver.local_hub.git.ref_names import HEADS
from hfver.local_hub.merging import changes_text
from hfver.local_hub.page.html import Html, el
from hfver.local_hub.page.layout import Site, badge, repo_page
from hfver.local_hub.repos import Repo

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub

SHOWN_DIFF = 200_000


def discussions(hub: Hub, site: Site, repo: Repo) -> Response:
    rows = [
        el(
            "tr",
            el("td", el("a", f"#{found.num} {found.title}", href=site.repo(repo, "discussions", str(found.num)))),
            el("td", badge(found.status)),
            el("td", found.created[:10], class_="size"),
        )
        for found in hub.discussions.all(repo)
    ]
    return repo_page(
        site,
        repo,
        "Discussions",
        f"Discussions of {repo.full_name}",
        el("table", rows, class_="files card") if rows else el("p", "There are no discussions.", class_="card message"),
    )


def discussion(hub: Hub, site: Site, repo: Repo, num: int) -> Response:
    found = hub.discussions.get(repo, num)
    events = []
    for event in hub.discussions.events(repo, num):
        said = (
            event.data["latest"]["raw"] if event.kind == "comment" else event.data.get("status") or event.data.get("to")
        )
        events.append(el("li", el("p", event.author, " · ", event.kind, class_="dim"), el("p", said, class_="said")))
    return repo_page(
        site,
        repo,
        "Discussions",
        f"#{num} {found.title} · {repo.full_name}",
        el("h2", f"#{num} {found.title} ", badge(found.status)),
        el("ol", events, class_="commits"),
        _proposed(hub, repo, found.ref, found.base) if found.base else None,
    )


def _proposed(hub: Hub, repo: Repo, ref: str, base: str) -> Html | None:
    git = hub.git.open(repo.id)
    head, target = git.head(ref), git.head(HEADS + base)
    if head is None or target is None:
        return None
    patch = changes_text(git, target, head, longest=SHOWN_DIFF) or "No changes yet."
    return el("section", el("h2", "Changes"), el("pre", el("code", patch[:SHOWN_DIFF])), class_="card source")
