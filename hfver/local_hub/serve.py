"""Running the hub: in a thread for as long as one command needs it, or in the foreground for anything else to use."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from hfver.local_hub.faults import Faults
from hfver.local_hub.hub import Hub
from hfver.local_hub.place import default_store
from hfver.local_hub.store_errors import StoreError, told_by_system

if TYPE_CHECKING:
    from hfver.local_hub.app import HubApp

LOG = logging.getLogger("hfver.local_hub")
LOOPBACK = "127.0.0.1"
# Longer than clients keep idle connections, or one could be closed in the moment a request is sent on it.
KEEP_ALIVE = 75
DAY = 24 * 3600.0
LONGEST_HEAD = 1 << 20
_PORTS = ("port", "port_2", "port_3", "port_4")  # settings of a store: `hub serve` and a few commands at a time


class EmbeddedHub:
    """A hub on a port of its own while the ``with`` block runs. Several may use one store at the same time."""

    def __init__(
        self, store: Path | None = None, *, port: int = 0, faults: Faults | None = None, **options: Any
    ) -> None:
        self.store = store or default_store()
        self.faults = faults
        self._port = port
        self._options = options

    def __enter__(self) -> EmbeddedHub:
        self.hub = Hub(self.store, faults=self.faults, **self._options)
        try:
            with told_by_system(self.store):
                self.token = self.hub.accounts.default_token()
            self.user = self.hub.accounts.default_user
            self.requests = self.hub.requests
            listener = _listen(self.hub, self._port)
        except BaseException:
            self.hub.close()
            raise
        self.endpoint = f"http://{LOOPBACK}:{listener.getsockname()[1]}{self.hub.prefix}"
        # Where `hfver hub serve` will be found; here another process may have that port at the moment.
        self.usual_endpoint = f"http://{LOOPBACK}:{_remembered_port(self.hub, _PORTS[0])}{self.hub.prefix}"
        self._server = _ThreadServer(_config(self.hub))
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="hfver-embedded-hub", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        self._thread.join()
        try:
            with told_by_system(self.store):
                self.hub.sweep(every=DAY)
        except StoreError as damage:
            # The work is done, and did not need what is damaged.
            LOG.warning("%s", damage.in_full)
        finally:
            self.hub.close()


def serve(
    store: Path | None, port: int, on_ready: Callable[[EmbeddedHub], None], *, faults: Faults | None = None
) -> None:
    """Serve until SIGINT or SIGTERM. `on_ready` gets an object with the endpoint, token and user to tell."""
    described = EmbeddedHub(store, port=port, faults=faults)
    # Nobody looks at the requests, and it may run for months.
    hub = Hub(described.store, faults=faults, remembered=0)
    try:
        with told_by_system(hub.root):
            hub.sweep()
            described.token, described.user = hub.accounts.default_token(), hub.accounts.default_user
        listener = _listen(hub, port)
        described.endpoint = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        server = _ForegroundServer(_config(hub), partial(on_ready, described))
        server.run([listener])
    finally:
        hub.close()


class _ThreadServer(uvicorn.Server):
    """Ends at once: uvicorn looks at its exit flag ten times a second and then pauses for a tenth of a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running = threading.Event()
        self._over: asyncio.Event

    async def main_loop(self) -> None:
        self._over = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._running.set()
        await self._over.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, end the idle ones and let what is being answered be answered."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._all_closed(), self.config.timeout_graceful_shutdown)
        for task in self.server_state.tasks:
            task.cancel()

    async def _all_closed(self) -> None:
        while self.server_state.connections or self.server_state.tasks:
            await asyncio.sleep(0.001)  # seldom more than once: idle connections close in the next turn of the loop

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            super().run(sockets)
        finally:
            self._running.set()

    def stop(self) -> None:
        self._running.wait()
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._over.set)


class _ForegroundServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM end the work in order and are done with then; uvicorn would raise them once more."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()


class _TrackedProtocol(H11Protocol):
    """Lets faults get at the connection of a request."""

    def __init__(self, connections: dict[Any, asyncio.Transport], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._tracked = connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._tracked[transport.get_extra_info("peername")] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._tracked.pop(self.transport.get_extra_info("peername"), None)
        super().connection_lost(exc)


def _config(hub: Hub) -> uvicorn.Config:
    protocol: Any = partial(_TrackedProtocol, hub.faults.connections) if hub.faults is not None else H11Protocol
    return uvicorn.Config(
        _when_asked(hub),
        http=protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        log_level=logging.CRITICAL,  # what goes wrong in the application is logged by itself
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=LONGEST_HEAD,
    )


def _when_asked(hub: Hub) -> Callable[..., Awaitable[None]]:
    """The application, read when the first request comes: whoever starts the hub may never need it."""

    @cache
    def app() -> HubApp:
        from hfver.local_hub.app import HubApp

        return HubApp(hub)

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await app()(scope, receive, send)

    return answer


def _listen(hub: Hub, port: int) -> socket.socket:
    """The asked port; else the first free one of the store's, as Xet clients remember what they sent by address.

    One port would not do: where another process has it, each command would be a stranger that sends everything again.
    """
    if port:
        listener = _bind(port)
        if not hub.database.setting(_PORTS[0]):
            hub.database.set(_PORTS[0], str(port))
        return listener
    for name in _PORTS:
        remembered = _remembered_port(hub, name)
        try:
            listener = _bind(remembered)
        except OSError:
            if not remembered:
                raise
            continue
        if not remembered:
            hub.database.set(name, str(listener.getsockname()[1]))
        return listener
    return _bind(0)


def _remembered_port(hub: Hub, name: str) -> int:
    """0 for none, and for what is no port."""
    text = hub.database.setting(name) or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 5 and int(text) < 1 << 16 else 0


def _bind(port: int) -> socket.socket:
    # Only with the protocol named does asyncio switch off Nagle: small answers would wait 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(256)
    except OSError:
        listener.close()
        raise
    return listener
