"""Downloads: HEAD says everything the client wants to know, GET sends the bytes, whole or in one range."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from hfver.local_hub.byte_ranges import UnsatisfiableRangeError, extent_of
from hfver.local_hub.errors import HubError
from hfver.local_hub.git.repository import File, GitRepository
from hfver.local_hub.repos import Repo
from hfver.local_hub.routing import decoded

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub

# Types a browser may show. Nothing that can run a script: files come from anybody.
SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/json", "application/pdf"})
TEXTS = frozenset(
    {".txt", ".md", ".py", ".sh", ".yaml", ".yml", ".toml", ".cfg", ".csv", ".tsv", ".html", ".svg", ".js"}
)
# Whatever a file claims to be, a browser neither guesses otherwise nor runs it with this site's rights.
HARMLESS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}


@dataclass(frozen=True, slots=True)
class _Content:
    """Where a file's bytes are: in git, or in the content store under their SHA-256."""

    size: int
    etag: str
    sha256: str | None
    xet_hash: str | None


@dataclass(frozen=True, slots=True)
class _Found:
    """What the path of a request names."""

    repo: Repo
    git: GitRepository
    commit: str
    file: File


def resolve(hub: Hub, request: Request) -> Response:
    found = _find(hub, request)
    content = _content(hub, found.file)
    headers = _headers(hub, request, found, content)
    return _answer(hub, request, found, content, headers)


def raw(hub: Hub, request: Request) -> Response:
    """What git itself holds: for a large file its pointer."""
    found = _find(hub, request)
    oid = found.file.oid
    headers = {"X-Repo-Commit": found.commit, "ETag": f'"{oid}"', "Content-Type": "text/plain; charset=utf-8"}
    content = _Content(found.file.facts.size, oid, None, None)
    return _answer(hub, request, found, content, headers | HARMLESS)


def _find(hub: Hub, request: Request) -> _Found:
    repo = hub.locate(request)
    hub.authorize_content(request, repo)
    git = hub.git.open(repo.id)
    commit = git.resolve(decoded(request, "rev")).commit
    return _Found(repo, git, commit, git.file(commit, decoded(request, "path")))


def _content(hub: Hub, file: File) -> _Content:
    if file.pointer is None:
        return _Content(file.size, file.oid, None, None)
    sha256 = file.pointer.sha256
    stored = hub.content.lookup([sha256]).get(sha256)
    if stored is None:
        raise HubError(410, None, f"The content of {file.path} (sha256 {sha256}) is damaged or lost: upload it again.")
    return _Content(stored.size, sha256, sha256, stored.xet_hash)


def _headers(hub: Hub, request: Request, found: _Found, content: _Content) -> dict[str, str]:
    headers = {
        "X-Repo-Commit": found.commit,
        "ETag": f'"{content.etag}"',
        "Content-Type": _media_type(found.file.path),
        "Content-Disposition": _disposition(found.file.path.rpartition("/")[2]),
        "Accept-Ranges": "bytes",
        **HARMLESS,
    }
    if content.sha256 is not None:
        headers["X-Linked-ETag"] = f'"{content.sha256}"'
        headers["X-Linked-Size"] = str(content.size)
    if content.xet_hash is not None:
        repo = found.repo
        url = f"{hub.base_url(request)}/api/{repo.kind.plural}/{repo.full_name}/xet-read-token/{found.commit}"
        headers["X-Xet-Hash"] = content.xet_hash
        headers["Link"] = f'<{url}>; rel="xet-auth"'
    return headers


def _answer(hub: Hub, request: Request, found: _Found, content: _Content, headers: dict[str, str]) -> Response:
    if request.method == "HEAD":
        return Response(headers=headers | {"Content-Length": str(content.size)})
    try:
        same = request.headers.get("if-range", headers["ETag"]) == headers["ETag"]
        wanted = extent_of(request.headers.get("range") if same else None, content.size)
    except UnsatisfiableRangeError:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{content.size}"})
    headers |= wanted.headers
    if content.sha256 is None:
        data = found.git.read(found.file.oid)[wanted.start : wanted.end]
        return Response(data, status_code=wanted.status, headers=headers)
    blocks = hub.content.read(content.sha256, wanted.start, wanted.end)
    return StreamingResponse(blocks, status_code=wanted.status, headers=headers)


def _media_type(path: str) -> str:
    guessed, _ = mimetypes.guess_type(path)
    suffix = f".{path.rpartition('.')[2].lower()}"
    if guessed in SHOWN:
        return str(guessed)
    return "text/plain; charset=utf-8" if suffix in TEXTS else "application/octet-stream"


def _disposition(name: str) -> str:
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)
    return f"inline; filename*=UTF-8''{quote(name, safe='')}; filename=\"{plain}\";"
