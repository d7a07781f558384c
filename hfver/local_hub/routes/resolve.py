"""Downloads: HEAD says everything the client wants to know, GET sends the bytes, whole or in one range."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from hfver.local_hub.byte_ranges import UnsatisfiableRangeError, parse_range
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


def resolve(hub: Hub, request: Request) -> Response:
    repo = hub.locate(request)
    hub.authorize_content(request, repo)
    git = hub.git.open(repo.id)
    commit = git.resolve(decoded(request, "rev")).commit
    file = git.file(commit, decoded(request, "path"))
    content = _content(hub, file)
    headers = _headers(hub, request, repo, commit, file.path, content)
    return _answer(hub, request, git, file, content, headers)


def raw(hub: Hub, request: Request) -> Response:
    """What git itself holds: for a large file its pointer."""
    repo = hub.locate(request)
    hub.authorize_content(request, repo)
    git = hub.git.open(repo.id)
    commit = git.resolve(decoded(request, "rev")).commit
    file = git.file(commit, decoded(request, "path"))
    headers = {"X-Repo-Commit": commit, "ETag": f'"{file.oid}"', "Content-Type": "text/plain; charset=utf-8"} | HARMLESS
    content = _Content(file.facts.size, file.oid, None, None)
    return _answer(hub, request, git, file, content, headers)


def _content(hub: Hub, file: File) -> _Content:
    if file.pointer is None:
        return _Content(file.size, file.oid, None, None)
    sha256 = file.pointer.sha256
    stored = hub.content.lookup([sha256]).get(sha256)
    if stored is None:
        raise HubError(410, None, f"The content of {file.path} (sha256 {sha256}) is damaged or lost: upload it again.")
    return _Content(stored.size, sha256, sha256, stored.xet_hash)


def _headers(hub: Hub, request: Request, repo: Repo, commit: str, path: str, content: _Content) -> dict[str, str]:
    headers = {
        "X-Repo-Commit": commit,
        "ETag": f'"{content.etag}"',
        "Content-Type": _media_type(path),
        "Content-Disposition": _disposition(path.rpartition("/")[2]),
        "Accept-Ranges": "bytes",
        **HARMLESS,
    }
    if content.sha256 is not None:
        headers["X-Linked-ETag"] = f'"{content.sha256}"'
        headers["X-Linked-Size"] = str(content.size)
    if content.xet_hash is not None:
        url = f"{hub.base_url(request)}/api/{repo.kind.plural}/{repo.full_name}/xet-read-token/{commit}"
        headers["X-Xet-Hash"] = content.xet_hash
        headers["Link"] = f'<{url}>; rel="xet-auth"'
    return headers


def _answer(
    hub: Hub, request: Request, git: GitRepository, file: File, content: _Content, headers: dict[str, str]
) -> Response:
    if request.method == "HEAD":
        return Response(headers=headers | {"Content-Length": str(content.size)})
    try:
        same = request.headers.get("if-range", headers["ETag"]) == headers["ETag"]
        wanted = parse_range(request.headers.get("range") if same else None, content.size)
    except UnsatisfiableRangeError:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{content.size}"})
    start, end = wanted or (0, content.size)
    headers["Content-Length"] = str(end - start)
    if wanted is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{content.size}"
    status = 206 if wanted is not None else 200
    if content.sha256 is None:
        return Response(git.read(file.oid)[start:end], status_code=status, headers=headers)
    blocks: Iterator[bytes] = hub.content.read(content.sha256, start, end)
    return StreamingResponse(blocks, status_code=status, headers=headers)


def _media_type(path: str) -> str:
    guessed, _ = mimetypes.guess_type(path)
    suffix = f".{path.rpartition('.')[2].lower()}"
    if guessed in SHOWN:
        return str(guessed)
    return "text/plain; charset=utf-8" if suffix in TEXTS else "application/octet-stream"


def _disposition(name: str) -> str:
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)
    return f"inline; filename*=UTF-8''{quote(name, safe='')}; filename=\"{plain}\";"
