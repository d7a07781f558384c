"""The list of repositories and the first page of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from hfver.local_hub.cards import Card, card_of
from hfver.local_hub.git.ref_names import DEFAULT_BRANCH, TAGS
from hfver.local_hub.git.refs import all_refs
from hfver.local_hub.page.cards import render_card
from hfver.local_hub.page.html import Html, el
from hfver.local_hub.page.layout import Site, badge, page, repo_page, sign_in_hint
from hfver.local_hub.quoting import segment
from hfver.local_hub.repos import Repo

if TYPE_CHECKING:
    from hfver.local_hub.git.repository import GitRepository
    from hfver.local_hub.hub import Hub


def front(hub: Hub, site: Site, repos: list[Repo], query: str) -> Response:
    wanted = [repo for repo in repos if query.lower() in repo.full_name.lower()]
    wanted.sort(key=lambda repo: repo.updated, reverse=True)
    search = el(
        "form",
        el("input", type="search", name="q", value=query, placeholder="Filter by name", aria_label="Filter by name"),
        el("button", "Filter"),
        action=site.link(""),
        class_="search",
    )
    rows = [_row(hub, site, repo) for repo in wanted]
    listing = el("ul", rows, class_="repos") if rows else _nothing(site, query)
    count = f"{len(wanted)} {'repository' if len(wanted) == 1 else 'repositories'}"
    return page(
        site,
        "Repositories",
        el("div", el("h1", "Repositories"), search, class_="heading"),
        listing,
        el("p", count, class_="dim"),
    )


def _row(hub: Hub, site: Site, repo: Repo) -> Html | None:
    git = hub.git.find(repo.id)
    if git is None:
        return None
    tags = [ref.name.removeprefix(TAGS) for ref in all_refs(git.raw) if ref.name.startswith(TAGS)]
    marks = [badge(repo.kind.value)] if repo.kind != "model" else []
    marks += [badge("private")] if repo.private else []
    versions = f"{len(tags)} version{'' if len(tags) == 1 else 's'}" if tags else "no versions yet"
    return el(
        "li",
        el("a", el("span", f"{repo.namespace}/", class_="dim"), repo.name, href=site.repo(repo)),
        marks,
        el("span", versions, " · changed ", repo.updated[:10], class_="dim meta"),
    )


def _nothing(site: Site, query: str) -> Html:
    if query:
        text = "No repository has this in its name."
    else:
        text = "Nothing has been pushed to this hub yet." if site.user else "There is no public repository here."
    return el("section", el("p", text), sign_in_hint(site), class_="card message")


def repo_front(hub: Hub, site: Site, repo: Repo) -> Response:
    git = hub.git.open(repo.id)
    commit = git.resolve(DEFAULT_BRANCH).commit
    card = card_of(git, commit)
    problems = [el("p", error, class_="problem") for error in card.errors]
    text = render_card(site, repo, DEFAULT_BRANCH, card.text) if card.text.strip() else None
    body = (
        el("article", text, class_="card prose")
        if text
        else el("p", "This repository has no card.", class_="card message")
    )
    return repo_page(
        site,
        repo,
        "Card",
        repo.full_name,
        el("div", el("div", problems, body), _side(site, repo, git, card), class_="split"),
    )


def _side(site: Site, repo: Repo, git: GitRepository, card: Card) -> Html:
    versions = [ref.name.removeprefix(TAGS) for ref in all_refs(git.raw) if ref.name.startswith(TAGS)]
    newest = sorted(versions, key=lambda name: _when(git, name), reverse=True)[:8]
    links = [el("li", el("a", name, href=site.repo(repo, "tree", segment(name)))) for name in newest]
    use = f"export HF_ENDPOINT={site.endpoint}\nhf download {repo.full_name}"
    use += f" --repo-type {repo.kind}" if repo.kind != "model" else ""
    use += f" --revision {newest[0]}" if newest else ""
    return el(
        "aside",
        el("section", el("h2", "Newest versions"), el("ul", links, class_="plain"), class_="card") if links else None,
        el("section", el("h2", "Tags"), [badge(tag) for tag in card.tags()], class_="card") if card.tags() else None,
        el("section", el("h2", "Use it"), el("pre", el("code", use)), class_="card"),
    )


def _when(git: GitRepository, tag: str) -> tuple[int, str]:
    return git.commit(git.resolve(TAGS + tag).commit).seconds, tag
