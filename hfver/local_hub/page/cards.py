"""A model card as HTML. It comes from anybody, so it is rendered first and then cleaned by an allow-list."""

from __future__ import annotations

import posixpath
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt

from hfver.local_hub.page.html import Html
from hfver.local_hub.page.layout import Site
from hfver.local_hub.quoting import segment
from hfver.local_hub.repos import Repo

TAGS = nh3.ALLOWED_TAGS - {"article", "aside", "footer", "header", "nav", "section", "bdo"}
ATTRIBUTES = {
    "*": {"title", "align"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start"},
    "code": {"class"},
}


def render_card(site: Site, repo: Repo, revision: str, text: str) -> Html:
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

    def address(tag: str, name: str, value: str) -> str | None:
        if name not in ("href", "src") or value.startswith(("#", "//")) or urlsplit(value).scheme:
            return value
        target = posixpath.normpath(value.split("?", maxsplit=1)[0].split("#", maxsplit=1)[0].lstrip("/"))
        if target.startswith(".."):
            return None
        return site.repo(repo, "resolve" if tag == "img" else "blob", segment(revision), target)

    return Html(
        nh3.clean(
            markdown.render(text),
            tags=TAGS,
            attributes=ATTRIBUTES,
            attribute_filter=address,
            url_schemes={"http", "https", "mailto"},
            link_rel="nofollow noopener noreferrer",
        )
    )
