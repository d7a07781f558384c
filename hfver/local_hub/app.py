"""The ASGI application: checks every request passes, then the table of routes."""

from __future__ import annotations

import asyncio
import inspect
import logging
import secrets

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from hfver.local_hub.content_errors import ContentError
from hfver.local_hub.errors import HubError, MovedError, not_offered
from hfver.local_hub.exchange import Exchange, Receive, Scope, Send, exchange_for, hang_up
from hfver.local_hub.faults import Fault
from hfver.local_hub.hub import Hub
from hfver.local_hub.repos import Repo
from hfver.local_hub.routes.table import ROUTES
from hfver.local_hub.routing import find

LOG = logging.getLogger("hfver.local_hub")
OWN_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})


class HubApp:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        target = _target(scope)
        self._hub.requests.append((scope["method"], target))
        fault = self._hub.faults.due(scope["method"], target) if self._hub.faults is not None else None
        if fault is None:
            await self._answer(scope, Exchange(receive, send))
        else:
            await self._misbehave(fault, scope, receive, send)

    async def _misbehave(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        transport = self._transport(scope)
        exchange = exchange_for(fault, receive, send, transport)
        await asyncio.sleep(fault.delay)
        replaced = fault.status is not None or (fault.cut and fault.cut_after_bytes is None)
        if fault.work_first or not replaced:
            await self._answer(scope, exchange)
        if fault.status is not None:
            said = f"{fault.message}: {_authorization(scope)}" if fault.echo else fault.message
            error = HubError(fault.status, None, said, headers=fault.headers)
            await exchange.drain()
            await error.response()(scope, receive, send)
        elif replaced and transport is not None:
            await hang_up(transport, receive)

    def _transport(self, scope: Scope) -> asyncio.Transport | None:
        faults = self._hub.faults
        return faults.connections.get(tuple(scope["client"])) if faults is not None and scope.get("client") else None

    async def _answer(self, scope: Scope, exchange: Exchange) -> None:
        try:
            _check_host(scope)
            await self._handle(scope, exchange)
        except (HubError, MovedError) as refusal:
            await _refuse(scope, exchange, refusal.response())
        except ClientDisconnect:
            return
        except Exception as error:
            told = await run_in_threadpool(self._told, error, scope)
            number = secrets.token_hex(8)
            # Without the query, which may hold the permission for an upload.
            if told is not None or isinstance(error, ContentError):  # whoever asked will say it, or ask again
                LOG.info("%s %s: %s", scope["method"], scope["path"], error)
            else:
                LOG.exception("request %s failed: %s %s", number, scope["method"], scope["path"])
            if exchange.started:
                raise
            mistake = HubError(500, None, f"The embedded hub made a mistake (request {number} in its log).")
            await _refuse(scope, exchange, (told or mistake).response())

    async def _handle(self, scope: Scope, exchange: Exchange) -> None:
        # What handlers see is the path as it was sent: see routing.py.
        scope["path"] = self._path(scope)
        scope["root_path"] = self._hub.prefix
        path = scope["path"].removeprefix(self._hub.prefix)
        found = find(ROUTES, scope["method"], path)
        if found is None:
            raise not_offered(f"{scope['method']} {path}") if path.startswith("/api/") else _nothing_at(path)
        handler, scope["path_params"] = found
        request = Request(scope, exchange.receive)
        if inspect.iscoroutinefunction(handler):
            response = await handler(self._hub, request)
        else:
            response = await run_in_threadpool(handler, self._hub, request)
        await response(scope, exchange.receive, exchange.send)

    def _told(self, error: Exception, scope: Scope) -> HubError | None:
        """What a damaged store or repository has to do with it; None when the mistake is ours."""
        from hfver.local_hub.failures import answer_to, refusal_of_repository, told_of

        told = told_of(error, self._hub.root)
        if told is not None:
            self._hub.troubles.note(told)
            return answer_to(told)
        refusals = (refusal_of_repository(self._hub, repo.id) for repo in self._concerned(scope))
        return next((refusal for refusal in refusals if refusal is not None), None)

    def _concerned(self, scope: Scope) -> list[Repo]:
        """The repository a request names, or all of them: lists and pages look at each."""
        params = scope.get("path_params", {})
        if not {"kind", "ns", "name"} <= params.keys():
            return self._hub.repos.all()
        found = self._hub.repos.find(params["kind"], str(params["ns"]), str(params["name"]).removesuffix(".git"))
        return [] if found is None else [found]

    def _path(self, scope: Scope) -> str:
        """As it was sent; a client whose endpoint ends in a slash begins it with two."""
        path: str = "/" + scope["raw_path"].decode("ascii", "replace").lstrip("/")
        prefix = self._hub.prefix
        if not f"{path}/".startswith(f"{prefix}/"):
            raise HubError(404, None, f"This hub lies below {prefix}/.")
        return f"{prefix}/{path.removeprefix(prefix).lstrip('/')}"


async def _refuse(scope: Scope, exchange: Exchange, response: Response) -> None:
    response.headers["X-Request-Id"] = secrets.token_hex(8)
    await exchange.drain()
    await response(scope, exchange.receive, exchange.send)


def _check_host(scope: Scope) -> None:
    """A web page whose name was made to point here (DNS rebinding) still sends its own name."""
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    name, separator, port = host.rpartition(":")
    if not separator or not port.isdigit():
        name = host
    if name.lower() not in OWN_HOSTS:
        raise HubError(421, None, "This hub answers to 127.0.0.1 and localhost only.")


def _authorization(scope: Scope) -> str:
    value: bytes = dict(scope["headers"]).get(b"authorization", b"")
    return value.decode("latin-1")


def _target(scope: Scope) -> str:
    path: str = scope["raw_path"].decode("ascii", "replace")
    query: str = scope["query_string"].decode("ascii", "replace")
    return f"{path}?{query}" if query else path


def _nothing_at(path: str) -> HubError:
    return HubError(404, None, f"There is nothing at {path}.")
