"""Long answers are read past the HTTP client: whole, in order, and with its errors."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from hfver.adapters.http_body import body_blocks
from hfver.adapters.hub_client import HubClient
from hfver.adapters.hub_download import HubReleases
from hfver.errors import UnreachableError
from hfver.hashing import Digests
from hfver.hub_state import HubRefs
from hfver.model import OutputFile
from hfver.state import State

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


class _LosingBytes(HubClient):
    """What would happen if the client kept bytes back that we then do not see."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9", None, library_version="0")
        self.asked: list[tuple[int, bool]] = []

    def refs(self, repo: str, *, repo_type: str = "model") -> HubRefs | None:
        return HubRefs(branches={}, tags={"v1.0.0": "0" * 40})

    @contextmanager
    def stream(
        self, repo: str, revision: str, path: str, *, start: int = 0, directly: bool = True, repo_type: str = "model"
    ) -> Iterator[Iterator[bytes]]:
        self.asked.append((start, directly))
        yield iter([SHORT[start:1000], SHORT[1010:]] if directly and not start else [SHORT[start:]])
        if directly and not start:
            raise UnreachableError("silent")


def test_a_file_got_in_parts_that_is_wrong_is_got_again_by_the_client_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    client = _LosingBytes()
    file = OutputFile("a", hashlib.md5(SHORT).hexdigest(), len(SHORT), hashlib.sha256(SHORT).hexdigest())
    got: list[Digests] = []
    counted: list[int] = []
    state = State(tmp_path / "state.db")
    keep: Callable[[OutputFile, Path, Digests], None] = lambda _file, _path, found: got.append(found)  # noqa: E731
    HubReleases(client, state).download("r", "v1.0.0", [file], lambda _f: tmp_path / "a", keep, counted.append)
    state.close()
    assert client.asked == [(0, True), (len(SHORT) - 10, True), (0, False)]
    assert (tmp_path / "a").read_bytes() == SHORT
    assert got == [Digests(len(SHORT), file.md5, file.sha256 or "")]
    assert sum(counted) == len(SHORT)
