"""One request and its answer as they pass through the application, and what a fault does to them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from hfver.local_hub.faults import Fault

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

DRAINED_AT_MOST = 256 << 20


class Exchange:
    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.started = False
        self._received_all = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._received_all = True
        return message

    async def send(self, message: Message) -> None:
        self.started = True
        await self._send(message)

    async def drain(self) -> None:
        """Read what is still coming: a client in the middle of sending would miss the answer otherwise."""
        size = 0
        while not self._received_all and size < DRAINED_AT_MOST:
            size += len((await self.receive()).get("body", b""))


class MutedExchange(Exchange):
    """The work is done, the answer is not sent."""

    async def send(self, message: Message) -> None:
        self.started = True


class CutExchange(Exchange):
    """The connection goes down after so many bytes of the answer's body."""

    def __init__(self, receive: Receive, send: Send, transport: asyncio.Transport, after: int) -> None:
        super().__init__(receive, send)
        self._transport = transport
        self._left = after

    async def send(self, message: Message) -> None:
        body = message.get("body", b"")
        if len(body) <= self._left:
            self._left -= len(body)
            await super().send(message)
            return
        await super().send({**message, "body": body[: self._left], "more_body": True})
        self._left = 0
        self._transport.close()


async def hang_up(transport: asyncio.Transport, receive: Receive) -> None:
    """Abort the connection and wait until the server has noticed, or it would try to answer."""
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


def exchange_for(fault: Fault | None, receive: Receive, send: Send, transport: asyncio.Transport | None) -> Exchange:
    if fault is None:
        return Exchange(receive, send)
    if fault.cut_after_bytes is not None and transport is not None:
        return CutExchange(receive, send, transport, fault.cut_after_bytes)
    return MutedExchange(receive, send) if fault.work_first else Exchange(receive, send)
