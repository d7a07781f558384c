"""Folders and files at a revision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from hfver.local_hub.errors import entry_not_found
from hfver.local_hub.git.ref_names import HEADS, PULLS, TAGS
from hfver.local_hub.git.refs import all_refs
from hfver.local_hub.git.repository import Entry, File, GitRepository
from hfver.local_hub.git.tree_edit import Folder
from hfver.local_hub.page.html import Html, el
from hfver.local_hub.page.layout import Site, badge, moment, repo_page, short, size_text
from hfver.local_hub.page.receipts import receipt_of
from hfver.local_hub.quoting import path, segment
from hfver.local_hub.repos import Repo

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub

SHOWN_BYTES = 200_000
MOST_ENTRIES = 2_000
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")


def folder(hub: Hub, site: Site, repo: Repo, revision: str, inside: str) -> Response:
    git = hub.git.open(repo.id)
    commit = git.resolve(revision).commit
    found = git.lookup(commit, inside)
    if not isinstance(found, Folder) or found.oid is None:
        raise entry_not_found(inside)
    entries = list(git.entries(found.oid, prefix=f"{inside}/" if inside else "", recursive=False))
    entries.sort(key=lambda entry: (not entry.is_folder, entry.path))
    rows = [_row(site, repo, git, revision, entry) for entry in entries[:MOST_ENTRIES]]
    hidden = len(entries) - MOST_ENTRIES
    return repo_page(
        site,
        repo,
        "Files",
        f"{repo.full_name} at {revision}",
        _where(site, repo, git, revision, inside),
        receipt_of(git, commit) if not inside else None,
        _last_commit(site, repo, git, commit),
        el("table", el("tbody", rows), class_="files card"),
        el("p", f"and {hidden} more", class_="dim") if hidden > 0 else None,
        revision=revision,
    )


def file(hub: Hub, site: Site, repo: Repo, revision: str, inside: str) -> Response:
    git = hub.git.open(repo.id)
    found = git.file(git.resolve(revision).commit, inside)
    download = site.repo(repo, "resolve", segment(revision), path(inside))
    facts = {
        "Size": size_text(found.size),
        "SHA-256" if found.pointer else "Git blob": found.pointer.sha256 if found.pointer else found.oid,
    }
    return repo_page(
        site,
        repo,
        "Files",
        f"{inside} · {repo.full_name}",
        _where(site, repo, git, revision, inside),
        el(
            "section",
            el("dl", [[el("dt", name), el("dd", value)] for name, value in facts.items()]),
            el("p", el("a", "Download", href=download, class_="button", download=True)),
            class_="card",
        ),
        _preview(git, found, download),
        revision=revision,
    )


def _preview(git: GitRepository, found: File, download: str) -> Html | None:
    if found.path.lower().endswith(PICTURES):
        return el("p", el("img", src=download, alt=found.path), class_="card picture")
    if found.pointer is not None:
        return None
    data = git.read(found.oid)[: SHOWN_BYTES + 1]
    if b"\0" in data:
        return None
    text = data[:SHOWN_BYTES].decode("utf-8", "replace")
    cut = el("p", "Only the beginning is shown.", class_="dim") if len(data) > SHOWN_BYTES else None
    return el("section", el("pre", el("code", text)), cut, class_="card source")


def _row(site: Site, repo: Repo, git: GitRepository, revision: str, entry: Entry) -> Html:
    name = entry.path.rpartition("/")[2]
    where = "tree" if entry.is_folder else "blob"
    address = site.repo(repo, where, segment(revision), path(entry.path))
    facts = None if entry.is_folder else git.facts(entry.oid)
    size = "" if facts is None else size_text(facts.pointer.size if facts.pointer else facts.size)
    link = el("a", f"{name}/" if entry.is_folder else name, href=address)
    mark = badge("LFS") if facts is not None and facts.pointer else None
    return el("tr", el("td", link, mark, class_="name"), el("td", size, class_="size"))


def _last_commit(site: Site, repo: Repo, git: GitRepository, commit: str) -> Html:
    last = git.commit(commit)
    link = el("a", last.title, href=site.repo(repo, "commit", last.oid))
    return el("p", link, el("span", short(last.oid), " · ", moment(last.seconds), class_="dim meta"), class_="latest")


def _where(site: Site, repo: Repo, git: GitRepository, revision: str, inside: str) -> Html:
    """The revision, the path within it, and the other revisions as links."""
    trail: list[object] = [
        badge(revision, "revision"),
        el("a", repo.name, href=site.repo(repo, "tree", segment(revision))),
    ]
    *folders, last = inside.split("/")
    for depth, name in enumerate(folders, start=1):
        below = path("/".join(folders[:depth]))
        trail += [
            el("span", "/", class_="slash"),
            el("a", name, href=site.repo(repo, "tree", segment(revision), below)),
        ]
    trail += [el("span", "/", class_="slash"), last] if last else []
    others = [
        el("li", el("a", label, href=site.repo(repo, "tree", segment(label))))
        for ref in all_refs(git.raw)
        if not ref.name.startswith(PULLS) and (label := ref.name.removeprefix(HEADS).removeprefix(TAGS)) != revision
    ]
    switch = el("details", el("summary", "Other revisions"), el("ul", others, class_="plain"), class_="switch")
    return el("div", el("div", trail, class_="trail"), switch if others else None, class_="where")
