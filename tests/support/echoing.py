"""A Hub, or what stands before one, that repeats in its refusals what it was sent; and where secrets are looked for."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    reason: str | None = None
    kind: str = "application/json"


Manner = Callable[[str, str], Answer]  # of the Authorization header and of the token in it

MANNERS: dict[str, Manner] = {
    "refused": lambda sent, _: Answer(403, json.dumps({"error": f"not valid here: {sent}"})),
    "unauthorised": lambda sent, token: Answer(
        401,
        json.dumps({"error": f"who is {token}?", "detail": {"headers": {"authorization": sent}}}),
        {"WWW-Authenticate": f'Bearer error="invalid_token", error_description="{token} is unknown"'},
    ),
    "said in headers": lambda sent, token: Answer(
        404, "", {"X-Error-Code": "RepoNotFound", "X-Error-Message": f"nothing for {sent}", "X-Request-Id": token}
    ),
    "a page": lambda sent, token: Answer(
        500, f"<html><title>{quote(token)}</title><pre>Authorization: {sent}\n</pre></html>", kind="text/html"
    ),
    "elsewhere": lambda _, token: Answer(302, "", {"Location": f"/login?next=%2F&token={quote(token)}"}),
    "elsewhere, with a password": lambda _, token: Answer(307, "", {"Location": f"http://me:{token}@127.0.0.1:9/x"}),
    "no JSON": lambda sent, _: Answer(200, f'{{"branches": "{sent}'),
    "other JSON": lambda sent, token: Answer(200, json.dumps([{"name": token, "error": sent}])),
    "the reason": lambda sent, _: Answer(409, "", reason=f"Conflict with {sent}"),
    "base64": lambda sent, token: Answer(
        400, json.dumps({"error": f"bad Basic {base64.b64encode(f'user:{token}'.encode()).decode()}"})
    ),
    "too often": lambda sent, token: Answer(
        429, json.dumps({"error": f"{token} asks too often"}), {"X-HF-Warning": f"limits; {token} asks too often"}
    ),
}


class EchoingHub:
    """Answers every request in one manner, which a test may change between two of them."""

    def __init__(self) -> None:
        self.manner: Manner = MANNERS["refused"]
        self.requests: list[str] = []
        self.url = ""


@contextmanager
def echoing_hub() -> Iterator[EchoingHub]:
    hub = EchoingHub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            sent = self.headers.get("Authorization", "")
            hub.requests.append(f"{self.command} {self.path} {sent}")
            said = hub.manner(sent, sent.rpartition(" ")[2])
            body = said.body.encode()
            self.send_response(said.status, said.reason)
            for name, value in {"Content-Type": said.kind, **said.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def shown_in(text: str | bytes, secrets: Iterable[str]) -> list[str]:
    """The lines that give a secret away, as it is or in base64."""
    raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    return [
        line.decode("utf-8", "replace")[:500] for line in raw.split(b"\n") for secret in secrets if _is_in(line, secret)
    ]


def kept_in(places: Iterable[Path], secrets: Iterable[str], *, except_in: Iterable[Path] = ()) -> list[str]:
    """The files below these directories that hold a secret, in what they are called or in what is in them."""
    allowed, found = set(except_in), []
    for place in places:
        for folder, _, names in os.walk(place):
            for name in names:
                path = Path(folder, name)
                if path in allowed or path.is_socket() or (path.is_symlink() and not path.exists()):
                    continue
                if lines := shown_in(str(path).encode() + b"\n" + path.read_bytes(), secrets):
                    found.append(f"{path}: {lines[0]}")
    return found


def _is_in(line: bytes, secret: str) -> bool:
    raw = secret.encode()
    encoded = [base64.b64encode(bytes(before) + raw)[(0, 2, 3)[before] : -4] for before in range(3)]
    return any(part in line for part in (raw, quote(secret, safe="").encode(), *encoded))
