"""The body of an answer in large blocks.

The HTTP client takes a body out of the connection 64 kB at a time and copies each piece four times: a gigabyte costs a
second of CPU, with the interpreter held, while the hashes of that gigabyte wait for it. What is left of a long body of
known length is therefore read from the connection itself, once the client has given its first piece. The client closes
a connection whose answer it has not read to the end, so nothing that follows can be mistaken for the body.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import httpcore2
import httpx2

_BLOCK = 1 << 20
_WORTH_A_HANDLING = 1 << 18  # bytes; TLS gives 16 kB at a time
_LONG = 8 << 20  # the connection is lost for it


def body_blocks(response: httpx2.Response, *, directly: bool = True) -> Iterator[bytes]:
    """The body, as it arrives. ``directly`` False leaves all of it to the client."""
    left = _length(response) if directly else None
    if left is None or left < _LONG:
        return response.iter_bytes(_BLOCK)
    return _gathered(_pieces(response, left))


def _length(response: httpx2.Response) -> int | None:
    """How long the body is, if it is sent as it is: in one part, not compressed."""
    headers = response.headers
    plain = headers.get("Content-Encoding", "identity") == "identity" and "Transfer-Encoding" not in headers
    length = headers.get("Content-Length", "")
    one_by_one = response.extensions.get("http_version") == b"HTTP/1.1" and "network_stream" in response.extensions
    return int(length) if plain and one_by_one and length.isdigit() else None


def _pieces(response: httpx2.Response, left: int) -> Iterator[bytes]:
    client = response.iter_raw()  # kept until the end: it closes the connection when it goes
    first = next(client, b"")  # the client hands over all it has taken from the connection so far
    left -= len(first)
    yield first
    stream = response.extensions["network_stream"]
    timeout = response.request.extensions.get("timeout", {}).get("read")
    while left > 0:
        try:
            piece = stream.read(min(left, _BLOCK), timeout)
        except (httpcore2.NetworkError, httpcore2.TimeoutException) as exc:
            raise httpx2.ReadError(f"the transfer broke off: {exc}", request=response.request) from exc
        if not piece:
            raise httpx2.ReadError(f"the connection was closed {left} bytes too early", request=response.request)
        left -= len(piece)
        yield piece


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    for piece in pieces:
        held.append(piece)
        if sum(map(len, held)) >= _WORTH_A_HANDLING:
            yield b"".join(held)
            held.clear()
    if held:
        yield b"".join(held)
