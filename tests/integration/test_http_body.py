"""Long answers are read past the HTTP client: whole, in order, and with its errors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

from hfver.adapters.http_body import body_blocks

LONG = bytes(range(256)) * (36 << 12) + b"end"  # 37 MB
SHORT = bytes(range(251)) * 2_000


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    def do_GET(self) -> None:
        body = SHORT if self.path == "/short" else LONG
        self.send_response(200)
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.path == "/stalls":
            self.wfile.write(body[: 10 << 20])
            self.server.hold.wait(20)  # type: ignore[attr-defined]
            self.close_connection = True
        elif self.path == "/breaks":
            self.wfile.write(body[: 10 << 20])
            self.close_connection = True
        else:
            self.wfile.write(body)

    def setup(self) -> None:
        super().setup()
        self.server.connections.append(self.client_address)  # type: ignore[attr-defined]

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.connections: list[object] = []
        self.hold = threading.Event()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.hold.set()
        made.shutdown()
        thread.join()


def _body(client: httpx2.Client, url: str) -> list[bytes]:
    with client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
        return list(body_blocks(response))


@pytest.mark.parametrize(("path", "content"), [("/long", LONG), ("/short", SHORT), ("/chunked", LONG)])
def test_a_body_arrives_whole_and_the_client_goes_on_working(server: Server, path: str, content: bytes) -> None:
    with httpx2.Client() as client:
        assert b"".join(_body(client, server.url(path))) == content
        assert b"".join(_body(client, server.url("/short"))) == SHORT


def test_a_long_body_comes_in_large_blocks_and_takes_its_connection_with_it(server: Server) -> None:
    with httpx2.Client() as client:
        blocks = _body(client, server.url("/long"))
        _body(client, server.url("/short"))
        _body(client, server.url("/short"))
    assert len(blocks) <= len(LONG) >> 18
    assert len(server.connections) == 2


def test_a_connection_that_closes_too_early_is_an_error(server: Server) -> None:
    with httpx2.Client() as client, pytest.raises(httpx2.ReadError, match=r"closed \d+ bytes too early"):
        _body(client, server.url("/breaks"))


def test_a_connection_that_falls_silent_is_an_error(server: Server) -> None:
    with httpx2.Client(timeout=0.2) as client, pytest.raises(httpx2.ReadError, match="the transfer broke off"):
        _body(client, server.url("/stalls"))
