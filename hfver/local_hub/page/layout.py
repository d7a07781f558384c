"""What all pages have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.responses import HTMLResponse, Response

from hfver.local_hub.errors import HubError
from hfver.local_hub.git.ref_names import DEFAULT_BRANCH
from hfver.local_hub.page.html import Html, el
from hfver.local_hub.quoting import segment
from hfver.local_hub.repos import Repo

# No script at all, pictures from here only: a card cannot report who reads it.
POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'"
HEADERS = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Site:
    """Where links lead: below the hub's path prefix."""

    prefix: str
    endpoint: str
    user: str | None

    def link(self, path: str) -> str:
        return f"{self.prefix}/{path}"

    def repo(self, repo: Repo, *parts: str) -> str:
        """An address below a repo; a revision is one encoded segment, paths keep their slashes."""
        return self.link("/".join([repo.url_path, *parts]))


def page(
    site: Site, title: str, *content: object, crumbs: Sequence[tuple[str, str]] = (), status: int = 200
) -> Response:
    trail = [el("a", "hfver hub", href=site.link(""), class_="brand")]
    for label, address in crumbs:
        trail += [el("span", "/", class_="slash"), el("a", label, href=address)]
    signed = (
        el("span", site.user, class_="who") if site.user else el("a", "Sign in", href=site.link("login"), class_="who")
    )
    document = el(
        "html",
        el(
            "head",
            el("meta", charset="utf-8"),
            el("meta", name="viewport", content="width=device-width, initial-scale=1"),
            el("meta", name="color-scheme", content="light dark"),
            el("title", f"{title} · hfver hub"),
            el("link", rel="stylesheet", href=site.link("assets/style.css")),
        ),
        el("body", el("header", el("nav", trail), signed), el("main", content)),
        lang="en",
    )
    return HTMLResponse(f"<!doctype html>{document}", status_code=status, headers=HEADERS)


def repo_page(
    site: Site, repo: Repo, tab: str, title: str, *content: object, revision: str = DEFAULT_BRANCH
) -> Response:
    """A page below one of a repository's tabs."""
    crumbs = [(repo.namespace, site.link(f"?q={segment(repo.namespace)}")), (repo.name, site.repo(repo))]
    return page(site, title, _heading(site, repo), _tabs(site, repo, tab, revision), *content, crumbs=crumbs)


def sign_in_hint(site: Site) -> Html | None:
    """How somebody who has not said who they are gets to see more."""
    if site.user is not None:
        return None
    address = el("a", "signing in", href=site.link("login"))
    password = el("code", "hfver hub token")
    return el(
        "p", "Private repositories are shown after ", address, ": any name, and what ", password, " prints as password."
    )


def error_page(site: Site, error: HubError) -> Response:
    hint = sign_in_hint(site) if error.status in (401, 403, 404) else None
    message = el("section", el("h1", f"{error.status}"), el("p", error.message), hint, class_="card message")
    return page(site, str(error.status), message, status=error.status)


def _tabs(site: Site, repo: Repo, current: str, revision: str) -> Html:
    rows = [
        ("Card", site.repo(repo)),
        ("Files", site.repo(repo, "tree", segment(revision))),
        ("Commits", site.repo(repo, "commits", segment(revision))),
        ("Versions", site.repo(repo, "refs")),
        ("Discussions", site.repo(repo, "discussions")),
    ]
    links = [el("a", label, href=address, aria_current="page" if label == current else None) for label, address in rows]
    return el("nav", links, class_="tabs")


def _heading(site: Site, repo: Repo) -> Html:
    badges = [badge(word) for word in _words(repo)]
    name = el("h1", el("span", f"{repo.namespace}/", class_="dim"), el("a", repo.name, href=site.repo(repo)), badges)
    return el("div", name, class_="heading")


def badge(text: str, kind: str = "") -> Html:
    return el("span", text, class_=f"badge {kind}".strip())


def size_text(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def moment(seconds: int) -> Html:
    when = datetime.fromtimestamp(seconds, UTC)
    return el("time", when.strftime("%Y-%m-%d %H:%M"), datetime=when.isoformat(), title="UTC")


def short(commit: str) -> str:
    return commit[:8]


def _words(repo: Repo) -> list[str]:
    words = [] if repo.kind == "model" else [repo.kind.value]
    words += ["private"] if repo.private else []
    return [*words, "gated"] if repo.gated else words
