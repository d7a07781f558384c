"""Routing on the path as it was sent.

The client encodes a revision or a tree path as one segment (``feature%2Fx``). Frameworks match the decoded path, where
that segment has fallen apart, so the application puts the raw path into the scope and the convertors here decode each
piece after it was matched.

    {kind:kinds}      models, datasets or spaces
    {kind:prefix}     nothing, ``datasets/`` or ``spaces/``
    {rev:segment}     one segment, decoded
    {path:rest}       everything to the end, decoded
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hfver.local_hub.errors import bad_request
from hfver.local_hub.kinds import RepoKind

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub

Handler = Callable[..., Response] | Callable[..., Awaitable[Response]]

API_REPO = "/api/{kind:kinds}/{ns:segment}/{name:segment}"
GIT_REPO = "/{kind:prefix}{ns:segment}/{name:segment}"


class _Segment(Convertor[str]):
    regex = "[^/]+"

    def convert(self, value: str) -> str:
        try:
            return unquote(value, errors="strict")
        except UnicodeDecodeError:
            raise bad_request("The path is not UTF-8.") from None

    def to_string(self, value: str) -> str:
        raise NotImplementedError


class _Rest(_Segment):
    regex = ".*"


class _Kinds(Convertor[RepoKind]):
    regex = "models|datasets|spaces"

    def convert(self, value: str) -> RepoKind:
        return RepoKind(value.removesuffix("s"))

    def to_string(self, value: RepoKind) -> str:
        raise NotImplementedError


class _Prefix(Convertor[RepoKind]):
    regex = "(?:datasets/|spaces/)?"

    def convert(self, value: str) -> RepoKind:
        return RepoKind(value.removesuffix("s/")) if value else RepoKind.MODEL

    def to_string(self, value: RepoKind) -> str:
        raise NotImplementedError


for _name, _convertor in (("segment", _Segment()), ("rest", _Rest()), ("kinds", _Kinds()), ("prefix", _Prefix())):
    register_url_convertor(_name, _convertor)


def table(hub: Hub, rows: Iterable[tuple[str, str, Handler]]) -> list[BaseRoute]:
    """Routes from (method, path, handler). Handlers take the hub and the request; plain functions run in a thread."""
    return [Route(path, partial(handler, hub), methods=[method], name=path) for method, path, handler in rows]


def decoded(request: Request, name: str) -> str:
    value: Any = request.path_params[name]
    assert isinstance(value, str)
    return value
