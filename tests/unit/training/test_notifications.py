"""Messages go to a real HTTP server and a real mail server on this machine."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

import hfver.training.notifications
from hfver.config.load import load_revision
from hfver.config.settings import Config
from hfver.training.notifications import Event, notify
from hfver.trust import Trust, write_trust

EVENT = Event("sync", "baseline", "v1.0.0", "me/bert", {"model_url": "https://hub/x"}, cost={"seconds": 1.5})


@dataclass
class Receiver:
    """A web server that answers with the statuses it is given, then with 200."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    got: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.got.append(json.loads(body))
            state.headers.append(dict(self.headers))
            status = state.answers.pop(0) if state.answers else 200
            self.send_response(status)
            if status == 302:
                self.send_header("Location", state.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}


def config(notifications: str) -> Config:
    details = f"user: {{email: ann@example.org}}\nnotifications: {notifications}\n"
    files = {
        "config.yaml": b"huggingface: {repository: {model_name: me/bert}}\n",
        "configs/huggingface_config.yaml": details.encode(),
    }
    return load_revision(files.get, environ={}, label="test")


def tell(notifications: str, environ: dict[str, str], event: Event = EVENT) -> tuple[list[str], list[float]]:
    warnings: list[str] = []
    pauses: list[float] = []
    notify(config(notifications), event, environ, warnings.append, sleep=pauses.append)
    return warnings, pauses


def trust(environ: dict[str, str], *urls: str) -> None:
    known = Trust()
    for url in urls:
        known = known.with_entry(url)
    write_trust(known, environ)


def test_a_trusted_webhook_gets_the_event_as_json(receiver: Receiver, environ: dict[str, str]) -> None:
    trust(environ, receiver.url)
    told = tell(f"{{enabled: true, webhook_url: '{receiver.url}'}}", environ | {"HFVER_WEBHOOK_TOKEN": "abc"})
    assert told == ([], [])
    assert receiver.got == [
        {
            "event": "hfver.sync", "status": "success", "experiment": "baseline", "version": "v1.0.0",
            "repo": "me/bert", "urls": {"model_url": "https://hub/x"}, "error": None, "cost": {"seconds": 1.5},
        }
    ]  # fmt: skip
    assert receiver.headers[0]["Authorization"] == "Bearer abc"


def test_failures_are_told_without_secrets(receiver: Receiver, environ: dict[str, str]) -> None:
    trust(environ, receiver.url)
    token = "hf_" + "aB1" * 12
    event = Event("sync", "baseline", None, "me/bert", error=f"401 for {token}")
    tell(f"{{enabled: true, webhook_url: '{receiver.url}'}}", environ, event)
    assert (receiver.got[0]["status"], receiver.got[0]["error"]) == ("failure", "401 for [hidden]")


def test_a_host_without_trust_gets_nothing(receiver: Receiver, environ: dict[str, str]) -> None:
    warnings, _ = tell(f"{{enabled: true, webhook_url: '{receiver.url}'}}", environ)
    assert receiver.got == []
    assert len(warnings) == 1
    assert "you have not trusted" in warnings[0]
    assert "hfver trust http://127.0.0.1:" in warnings[0]


def test_the_users_own_variable_needs_no_trust(receiver: Receiver, environ: dict[str, str]) -> None:
    told = tell(f"{{enabled: true, webhook_url: '{receiver.url}'}}", environ | {"HFVER_WEBHOOK_URL": receiver.url})
    assert told == ([], [])
    assert len(receiver.got) == 1


def test_switched_off_nobody_is_told(receiver: Receiver, environ: dict[str, str]) -> None:
    trust(environ, receiver.url)
    assert tell(f"{{enabled: false, webhook_url: '{receiver.url}'}}", environ) == ([], [])
    assert receiver.got == []


@pytest.mark.parametrize(
    ("answers", "posts", "pauses", "warned"),
    [
        ([503], 2, [1.0], False),
        ([429, 500], 3, [1.0, 2.0], False),
        ([500, 500, 500], 3, [1.0, 2.0], True),
        ([404], 1, [], True),
        ([302], 1, [], True),
    ],
)
def test_a_busy_receiver_is_tried_again_and_a_refusing_one_is_not(
    receiver: Receiver, environ: dict[str, str], answers: list[int], posts: int, pauses: list[float], warned: bool
) -> None:
    trust(environ, receiver.url)
    receiver.answers = answers.copy()
    told = tell(f"{{enabled: true, webhook_url: '{receiver.url}'}}", environ)
    assert (len(receiver.got), told[1], bool(told[0])) == (posts, pauses, warned)
    if warned:
        assert told[0] == [f"no notification was sent: 127.0.0.1 answered {answers[-1]}"]


def test_a_receiver_that_says_nothing_is_given_up(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hfver.training.notifications, "SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        trust(environ, url)
        warnings, _ = tell(f"{{enabled: true, webhook_url: '{url}'}}", environ)
    assert warnings == ["no notification was sent: 127.0.0.1: timed out"]


class Mailbox:
    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        self.mails.append(envelope)
        return "250 OK"


def test_mail_goes_to_the_configured_people(environ: dict[str, str]) -> None:
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    smtp = f"{{host: 127.0.0.1, port: {port}, starttls: false, recipients: [bob@example.org, 李@example.org]}}"
    try:
        settings = f"{{enabled: true, email_notifications: true, smtp: {smtp.replace(', 李@example.org', '')}}}"
        assert "you have not trusted" in tell(settings, environ)[0][0]
        trust(environ, f"smtp://127.0.0.1:{port}")
        assert tell(settings, environ) == ([], [])
    finally:
        controller.stop()
    (mail,) = box.mails
    assert (mail.mail_from, mail.rcpt_tos) == ("ann@example.org", ["bob@example.org"])
    message = message_from_bytes(mail.content)
    assert message["Subject"] == "hfver: v1.0.0 of me/bert is published"
    assert json.loads(str(message.get_payload()))["version"] == "v1.0.0"


def test_a_mail_server_that_is_not_there_is_a_warning(environ: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    trust(environ, f"smtp://127.0.0.1:{port}")
    warnings, _ = tell(
        f"{{enabled: true, email_notifications: true, smtp: {{host: 127.0.0.1, port: {port}}}}}", environ
    )
    assert len(warnings) == 1
    assert warnings[0].startswith(f"no mail was sent: 127.0.0.1:{port}: ")
