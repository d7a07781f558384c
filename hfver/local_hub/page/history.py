"""Commits and versions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pygit2
from starlette.responses import Response

from hfver.local_hub.git.ref_names import HEADS, TAGS
from hfver.local_hub.git.refs import all_refs
from hfver.local_hub.git.repository import Commit, GitRepository
from hfver.local_hub.page.html import Html, el
from hfver.local_hub.page.layout import Site, badge, moment, repo_page, short
from hfver.local_hub.quoting import path, segment
from hfver.local_hub.repos import Repo

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub

PAGE = 50
MOST_FILES = 500
TRAILER = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9-]*): (?P<value>.+)")
DELTAS = {"A": "added", "D": "removed", "M": "changed", "R": "renamed", "T": "changed"}


def commits(hub: Hub, site: Site, repo: Repo, revision: str, start: int) -> Response:
    git = hub.git.open(repo.id)
    found = list(git.history(git.resolve(revision).commit, skip=start * PAGE, count=PAGE + 1))
    older = site.repo(repo, "commits", f"{segment(revision)}?p={start + 1}")
    return repo_page(
        site,
        repo,
        "Commits",
        f"Commits of {repo.full_name}",
        el("p", "At ", badge(revision, "revision")),
        el("ol", [_commit_row(site, repo, commit) for commit in found[:PAGE]], class_="commits"),
        el("p", el("a", "Older commits", href=older, class_="button")) if len(found) > PAGE else None,
        revision=revision,
    )


def commit(hub: Hub, site: Site, repo: Repo, oid: str) -> Response:
    git = hub.git.open(repo.id)
    found = git.commit(git.resolve(oid).commit)
    parents = [el("a", short(parent), href=site.repo(repo, "commit", parent)) for parent in found.parents]
    return repo_page(
        site,
        repo,
        "Commits",
        f"{found.title} · {repo.full_name}",
        el(
            "section",
            el("h2", found.title),
            _message(found),
            el("p", found.author, " · ", moment(found.seconds), class_="dim"),
            el(
                "dl",
                el("dt", "Commit"),
                el("dd", found.oid),
                [el("dt", "Parent"), el("dd", parents)] if parents else None,
            ),
            el("p", el("a", "Files at this commit", href=site.repo(repo, "tree", found.oid), class_="button")),
            class_="card",
        ),
        _changed_files(site, repo, git, found),
    )


def versions(hub: Hub, site: Site, repo: Repo) -> Response:
    git = hub.git.open(repo.id)
    groups = {"Versions": TAGS, "Branches": HEADS}
    sections = []
    for title, start in groups.items():
        refs = [ref for ref in all_refs(git.raw) if ref.name.startswith(start)]
        found = [(ref.name.removeprefix(start), git.commit(ref.commit)) for ref in refs]
        found.sort(key=lambda row: (row[1].seconds, row[0]), reverse=True)
        rows = [
            el(
                "tr",
                el("td", el("a", name, href=site.repo(repo, "tree", segment(name))), class_="name"),
                el("td", at.title),
                el("td", moment(at.seconds), class_="size"),
            )
            for name, at in found
        ]
        sections.append(
            el("section", el("h2", title), el("table", rows, class_="files") if rows else _none(), class_="card")
        )
    return repo_page(
        site,
        repo,
        "Versions",
        f"Versions of {repo.full_name}",
        sections,
    )


def _commit_row(site: Site, repo: Repo, found: Commit) -> Html:
    return el(
        "li",
        el("a", found.title or "(no title)", href=site.repo(repo, "commit", found.oid)),
        el("span", short(found.oid), " · ", found.author, " · ", moment(found.seconds), class_="dim meta"),
        _trailers(found),
    )


def _message(found: Commit) -> list[Html | None]:
    lines = found.description.split("\n")
    text = "\n".join(line for line in lines if not TRAILER.fullmatch(line)).strip()
    return [el("p", text, class_="said") if text else None, _trailers(found)]


def _trailers(found: Commit) -> Html | None:
    last = found.description.strip().rpartition("\n\n")[2].split("\n")
    matches = [TRAILER.fullmatch(line) for line in last]
    rows = [[el("dt", match["name"]), el("dd", match["value"])] for match in matches if match]
    return el("dl", rows, class_="trailers") if rows else None


def _changed_files(site: Site, repo: Repo, git: GitRepository, found: Commit) -> Html:
    tree = git.raw[found.tree]
    assert isinstance(tree, pygit2.Tree)
    diff = git.raw.diff(found.parents[0], found.oid) if found.parents else tree.diff_to_tree(swap=True)
    rows = []
    for delta in diff.deltas:
        word = DELTAS.get(delta.status_char(), "changed")
        name = delta.new_file.path
        address = site.repo(repo, "blob", found.oid, path(name))
        shown = name if word == "removed" else el("a", name, href=address)
        rows.append(el("tr", el("td", shown, class_="name"), el("td", badge(word, word))))
        if len(rows) == MOST_FILES:
            break
    return el("table", rows, class_="files card") if rows else _none()


def _none() -> Html:
    return el("p", "None.", class_="dim")
