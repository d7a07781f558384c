"""Request bodies to disk and stored bytes to responses, with one block in memory and all file work in threads."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Protocol, TypeVar

from anyio import to_thread
from starlette.requests import Request

from hfver.local_hub.content_errors import ContentError, FormatError

_FLUSH_BYTES = 1 << 20
_Block = TypeVar("_Block", bytes, memoryview)
_END = object()


class Sink(Protocol):
    def write(self, pieces: Iterable[bytes]) -> None: ...


class DiskFullError(ContentError):
    """There is no room for an upload. Trying again does not help, so no status that clients retry on."""


class BodyTooLargeError(FormatError):
    """More bytes than this kind of upload can have: status 413."""


async def spool(request: Request, sink: Sink, *, limit: int) -> int:
    """Returns the number of bytes received; raises before more than `limit` are written."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise BodyTooLargeError(f"at most {limit} bytes are accepted here, {announced} were announced")
    pieces: list[bytes] = []
    held = received = 0
    async for piece in request.stream():
        pieces.append(piece)
        held += len(piece)
        received += len(piece)
        if received > limit:
            raise BodyTooLargeError(f"at most {limit} bytes are accepted here")
        if held >= _FLUSH_BYTES:
            await to_thread.run_sync(_write, sink, pieces)
            pieces, held = [], 0
    if pieces:
        await to_thread.run_sync(_write, sink, pieces)
    return received


def _write(sink: Sink, pieces: list[bytes]) -> None:
    try:
        sink.write(pieces)
    except OSError as exc:
        if exc.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise DiskFullError(f"the hub cannot store this upload: {exc.strerror}") from exc


async def drain(request: Request) -> None:
    """Read a body nobody needs: clients do not expect an answer before they have sent all of it."""
    async for _ in request.stream():
        pass


async def stream(blocks: Iterator[_Block]) -> AsyncIterator[_Block]:
    """The blocks of an iterator that reads files, each fetched in a thread."""
    while True:
        block = await to_thread.run_sync(next, blocks, _END)
        if block is _END:
            return
        yield block  # type: ignore[misc]  # the sentinel is excluded above
