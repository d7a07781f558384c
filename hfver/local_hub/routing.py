"""Routing on the path as it was sent.

The client encodes a revision or a tree path as one segment (``feature%2Fx``). Frameworks match the decoded path, where
that segment has fallen apart, so here the raw path is cut into segments, and a piece is decoded after it was matched.

    {kind}       models, datasets or spaces
    {repo}       namespace and name, behind nothing, ``datasets/`` or ``spaces/``; only at the beginning
    {name}.git   one segment that ends so
    {num}        a number; so is {part}
    {path...}    everything to the end, decoded; only at the end
    {rev}        any other name: one segment, decoded

The addresses are in routes/table.py. A module with handlers is imported when one of them is asked for: most commands
ask for very few.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from hfver.local_hub.errors import HubError, bad_request
from hfver.local_hub.kinds import RepoKind
from hfver.local_hub.repos import RESERVED

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub

Handler = Callable[["Hub", Request], Response | Awaitable[Response]]
Params = dict[str, Any]

ANY = "*"
KINDS = {kind.plural: kind for kind in RepoKind}
PREFIXES = {kind.plural: kind for kind in RepoKind if kind.prefix}
NUMBERS = frozenset({"num", "part"})
LONGEST_NUMBER = 9


@dataclass(frozen=True, slots=True)
class Route:
    """A method, the parts of a pattern, and the handler as ``module.function`` below routes/."""

    method: str
    parts: tuple[str, ...]
    of_repo: bool
    rest: str | None
    handler: str

    def match(self, path: Sequence[str]) -> Params | None:
        kind = None
        if self.of_repo:
            kind = PREFIXES.get(path[0])
            path = path[1:] if kind else path
            if path and path[0].lower() in RESERVED:
                return None
        if len(path) < len(self.parts) or (len(path) > len(self.parts)) != (self.rest is not None):
            return None
        if not all(map(_fits, self.parts, path)):
            return None
        params: Params = {
            part[1 : part.index("}")]: _value(part, given)
            for part, given in zip(self.parts, path, strict=False)
            if part.startswith("{")
        }
        if self.of_repo:
            params["kind"] = kind or RepoKind.MODEL
        if self.rest is not None:
            params[self.rest] = _decoded("/".join(path[len(self.parts) :]))
        return params


def route(method: str, pattern: str, handler: str) -> Route:
    parts = pattern.removeprefix("/").split("/")
    of_repo = parts[0].startswith("{repo}")
    if of_repo:
        parts[:1] = ["{ns}", parts[0].replace("{repo}", "{name}")]
    rest = parts.pop()[1:-4] if parts[-1].endswith("...}") else None
    return Route(method, tuple(parts), of_repo, rest, handler)


def find(routes: Iterable[Route], method: str, path: str) -> tuple[Handler, Params] | None:
    """The handler for a request and what the path says; None for an address that does not exist."""
    segments = path.removeprefix("/").split("/")
    allowed = set()
    for candidate in routes:
        params = candidate.match(segments)
        if params is None:
            continue
        if candidate.method in ("GET" if method == "HEAD" else method, ANY):
            return load(candidate.handler), params
        allowed.add(candidate.method)
    if allowed:
        allow = ", ".join(sorted(allowed))
        raise HubError(405, None, f"{method} is not possible here, only {allow}.", headers={"Allow": allow})
    return None


@cache
def load(handler: str) -> Handler:
    module, _, function = handler.partition(".")
    return cast("Handler", getattr(importlib.import_module(f"hfver.local_hub.routes.{module}"), function))


def decoded(request: Request, name: str) -> str:
    value: Any = request.path_params[name]
    assert isinstance(value, str)
    return value


def _fits(part: str, given: str) -> bool:
    name, brace, suffix = part.partition("}")
    if not brace:
        return part == given
    if name == "{kind":
        return given in KINDS
    if name[1:] in NUMBERS:
        return given.isascii() and given.isdigit() and len(given) <= LONGEST_NUMBER
    return given.endswith(suffix) and len(given) > len(suffix)


def _value(part: str, given: str) -> str | int | RepoKind:
    name, _, suffix = part.partition("}")
    if name == "{kind":
        return KINDS[given]
    return int(given) if name[1:] in NUMBERS else _decoded(given.removesuffix(suffix))


def _decoded(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise bad_request("The path is not UTF-8.") from None
