"""Messages go to a real HTTP server and a real mail server on this machine."""

from __future__ import annotations

import base64
import json
import re
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

import hfver.training.notifications
from hfver.config.load import load_revision
from hfver.config.settings import Config
from hfver.training.notifications import Event, notify
from hfver.trust import Trust, write_trust
from tests.support.certificate import Certificate, self_signed
from tests.support.resolving import Names
from tests.support.world import LeftLoopbackError

EVENT = Event("sync", "baseline", "v1.0.0", "me/bert", {"model_url": "https://hub/x"}, cost={"seconds": 1.5})


@dataclass
class Receiver:
    """A web server that answers with the statuses it is given, then with 200."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    got: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    leads_to: str = ""  # where a redirect leads; to itself without it


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as state:
        yield state


@contextmanager
def receiving(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver for the length of a block; with ``context`` over TLS."""
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.got.append(json.loads(body))
            state.headers.append(dict(self.headers))
            state.paths.append(self.path)
            status = state.answers.pop(0) if state.answers else 200
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", state.leads_to or state.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    state.url = f"http{'s' if context else ''}://127.0.0.1:{server.server_port}/hook"
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


def trust(environ: dict[str, str], *urls: str, private_network: bool = False) -> None:
    known = Trust()
    for url in urls:
        known = known.with_entry(url, private_network=private_network)
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


@pytest.mark.parametrize(
    ("path", "requested"),
    [("/机器人/a b", "/%E6%9C%BA%E5%99%A8%E4%BA%BA/a%20b"), ("/k%20y?q=é", "/k%20y?q=%C3%A9")],
)
def test_an_address_in_any_script_is_sent_as_the_web_writes_it(
    receiver: Receiver, environ: dict[str, str], path: str, requested: str
) -> None:
    trust(environ, receiver.url)
    url = receiver.url.removesuffix("/hook") + path
    assert tell(f"{{enabled: true, webhook_url: '{url}'}}", environ) == ([], [])
    assert receiver.paths == [requested]


@pytest.mark.parametrize("host", ["模型..invalid", "a" * 70 + ".invalid"])
def test_a_host_that_cannot_be_is_a_warning(environ: dict[str, str], host: str) -> None:
    trust(environ, f"https://{host}", f"smtp://{host}:587")
    settings = (
        f"{{enabled: true, webhook_url: 'https://{host}/x', email_notifications: true, smtp: {{host: '{host}'}}}}"
    )
    (webhook, mail), _ = tell(settings, environ)
    assert webhook == f"no notification was sent: {host} is not the name of a host"
    assert mail.startswith(f"no mail was sent: {host}:587: ")


def test_a_token_may_end_in_a_newline_and_one_that_no_header_can_carry_is_named_not_shown(
    receiver: Receiver, environ: dict[str, str]
) -> None:
    trust(environ, receiver.url)
    settings = f"{{enabled: true, webhook_url: '{receiver.url}'}}"
    assert tell(settings, environ | {"HFVER_WEBHOOK_TOKEN": "abc\n"}) == ([], [])
    assert receiver.headers[0]["Authorization"] == "Bearer abc"
    for token in ("a\nb-secret", "密码-secret"):
        warnings, _ = tell(settings, environ | {"HFVER_WEBHOOK_TOKEN": token})
        assert warnings == [
            "no notification was sent: HFVER_WEBHOOK_TOKEN holds characters that no header can carry"
        ]  # fmt: skip
    assert len(receiver.got) == 1


# -- where a name leads -----------------------------------------------------------------------------------------------

INSIDE = "is on this machine or in a private network"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    made = Names()
    monkeypatch.setattr(socket, "getaddrinfo", made.getaddrinfo)
    return made


@pytest.fixture
def inside(names: Names, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver on this machine that is called hooks.example, and proves it."""
    names["hooks.example"] = ["127.0.0.1"]
    shown = self_signed(tmp_path, "hooks.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(shown.path))
    with receiving(shown.server_context()) as receiver:
        receiver.url = at("hooks.example", receiver.url)
        yield receiver


def at(host: str, url: str) -> str:
    """The address of a receiver under another name."""
    return url.replace("127.0.0.1", host)


def webhook(url: str) -> str:
    return f"{{enabled: true, webhook_url: '{url}'}}"


def test_a_name_leads_into_a_private_network_only_where_the_user_said_so(
    inside: Receiver, environ: dict[str, str]
) -> None:
    trust(environ, inside.url)
    command = f"hfver trust --private-network {inside.url.removesuffix('/hook')}"
    refusal = f"no notification was sent: hooks.example (127.0.0.1) {INSIDE} (if that is meant: {command})"
    assert tell(webhook(inside.url), environ) == ([refusal], [])
    assert inside.got == []
    trust(environ, inside.url, private_network=True)
    assert tell(webhook(inside.url), environ) == ([], [])
    assert inside.headers[0]["Host"] == inside.url.removeprefix("https://").removesuffix("/hook")


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "1.example"])
def test_other_ways_to_write_an_address_are_names(
    environ: dict[str, str], names: Names, host: str, receiver: Receiver
) -> None:
    names["1.example"] = ["::ffff:127.0.0.1"]
    url = at(host, receiver.url).replace("http:", "https:")
    trust(environ, url)
    (warning,), _ = tell(webhook(url), environ)
    assert re.fullmatch(rf"no notification was sent: {host} \(.*127\.0\.0\.1\) {INSIDE} \(.*", warning)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_address_that_is_trusted_as_such_needs_no_more(
    receiver: Receiver, environ: dict[str, str], host: str
) -> None:
    trust(environ, at(host, receiver.url))
    assert tell(webhook(at(host, receiver.url)), environ) == ([], [])
    assert len(receiver.got) == 1


def test_what_the_users_own_variable_names_may_be_anywhere(inside: Receiver, environ: dict[str, str]) -> None:
    assert tell(webhook(inside.url), environ | {"HFVER_WEBHOOK_URL": inside.url}) == ([], [])
    assert len(inside.got) == 1


NOWHERE = [
    "169.254.169.254", "2852039166", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "[fe80::1]", "0.0.0.0", "224.0.0.1",
    "metadata.example",
]  # fmt: skip


@pytest.mark.parametrize("host", NOWHERE)
@pytest.mark.parametrize("own", [False, True], ids=["trusted", "named by the user"])
def test_metadata_services_and_their_like_are_never_reached(
    environ: dict[str, str], names: Names, host: str, own: bool
) -> None:
    names["metadata.example"] = ["169.254.169.254", "fd00:ec2::254"]
    url = f"https://{host}/latest/meta-data/"
    trust(environ, url, private_network=True)
    (warning,), pauses = tell(webhook(url), environ | ({"HFVER_WEBHOOK_URL": url} if own else {}))
    assert warning.startswith("no notification was sent: ")
    assert warning.endswith(" is an address nothing is sent to")
    assert pauses == []


def test_a_name_is_resolved_once_for_a_connection(environ: dict[str, str], names: Names) -> None:
    names.then("hooks.example", ["93.184.216.34"], ["127.0.0.1"])
    trust(environ, "https://hooks.example")
    with pytest.raises(LeftLoopbackError, match=r"93\.184\.216\.34"):  # where it was looked at, and nowhere else
        tell(webhook("https://hooks.example/x"), environ)
    assert names.asked == ["hooks.example"]


def test_a_name_has_to_be_proven_wherever_it_leads(inside: Receiver, environ: dict[str, str], names: Names) -> None:
    names["others.example"] = ["127.0.0.1"]
    url = inside.url.replace("hooks.", "others.")
    trust(environ, url, private_network=True)
    (warning,), _ = tell(webhook(url), environ)
    assert "certificate verify failed: Hostname mismatch" in warning
    assert inside.got == []


@contextmanager
def proxy(to: int) -> Iterator[tuple[str, list[str]]]:
    """A proxy that makes every tunnel to a port of this machine, whatever was asked for; its address, and what was."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            with socket.create_connection(("127.0.0.1", to)) as there:
                ways = {self.connection: there, there: self.connection}
                while True:
                    for ready in select.select(list(ways), [], [])[0]:
                        data = ready.recv(65536)
                        if not data:
                            return
                        ways[ready].sendall(data)

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_through_a_proxy_the_proxy_resolves_names_and_numbers_are_looked_at(
    inside: Receiver, environ: dict[str, str], names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(inside.url.removesuffix("/hook").rpartition(":")[2])
    names["direct.example"] = ["127.0.0.1"]
    hosts = ("hooks.example", "2852039166", "127.1", "direct.example")
    urls = [f"https://{host}/hook" for host in hosts]
    trust(environ, *urls)
    with proxy(port) as (address, asked):
        monkeypatch.setenv("https_proxy", address)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "direct.example")
        said = [tell(webhook(url), environ)[0] for url in urls]
    assert asked == ["hooks.example:443"]
    assert (said[0], len(inside.got)) == ([], 1)
    assert "2852039166 (169.254.169.254) is an address nothing is sent to" in said[1][0]
    assert f"127.1 (127.0.0.1) {INSIDE}" in said[2][0]
    assert f"direct.example (127.0.0.1) {INSIDE}" in said[3][0]
    assert names.asked == ["direct.example"]


def test_a_redirect_leads_nowhere(receiver: Receiver, environ: dict[str, str]) -> None:
    with receiving() as first:
        first.answers, first.leads_to = [302, 307], receiver.url
        trust(environ, first.url, receiver.url)
        settings = f"{{enabled: true, webhook_url: '{first.url}'}}"
        assert [tell(settings, environ)[0] for _ in range(2)] == [
            [f"no notification was sent: 127.0.0.1 answered {status}"] for status in (302, 307)
        ]
    assert receiver.got == []


# -- mail -------------------------------------------------------------------------------------------------------------


class Mailbox:
    """What a mail server was given: mails, and the logins that came with them."""

    password = b"right"

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.logins: list[tuple[bytes, bytes]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        self.mails.append(envelope)
        return "250 OK"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> Any:
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == self.password, handled=False)


@dataclass(frozen=True)
class MailServer:
    box: Mailbox
    port: int

    def settings(self, **smtp: object) -> str:
        """`notifications` that send to this server."""
        given: dict[str, object] = {"host": "127.0.0.1", "port": self.port, "recipients": ["bob@example.org"], **smtp}
        return json.dumps({"enabled": True, "email_notifications": True, "smtp": given})


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def mail_server(environ: dict[str, str], *, starttls: Certificate | None = None, tls: Certificate | None = None,
                trusted: bool = True) -> Iterator[MailServer]:  # fmt: skip
    box = Mailbox()
    port = free_port()
    options: dict[str, Any] = {"auth_require_tls": False, "authenticator": box.authenticate}
    if starttls is not None:
        options |= {"tls_context": starttls.server_context(), "require_starttls": True}
    context = tls.server_context() if tls is not None else None
    controller = Controller(box, hostname="127.0.0.1", port=port, ssl_context=context, **options)
    # Over TLS its own sign of life would have to know the certificate.
    controller._trigger_server = lambda: socket.create_connection(("127.0.0.1", port)).close()
    controller.start()
    if trusted:
        trust(environ, f"smtp://127.0.0.1:{port}")
    try:
        yield MailServer(box, port)
    finally:
        controller.stop()


def test_mail_goes_to_the_configured_people(environ: dict[str, str]) -> None:
    with mail_server(environ, trusted=False) as server:
        settings = server.settings(starttls=False)
        assert "you have not trusted" in tell(settings, environ)[0][0]
        trust(environ, f"smtp://127.0.0.1:{server.port}")
        assert tell(settings, environ) == ([], [])
    (mail,) = server.box.mails
    assert (mail.mail_from, mail.rcpt_tos) == ("ann@example.org", ["bob@example.org"])
    message = message_from_bytes(mail.content)
    assert message["Subject"] == "hfver: v1.0.0 of me/bert is published"
    assert json.loads(str(message.get_payload()))["version"] == "v1.0.0"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("certificate"), "127.0.0.1")


def test_mail_with_a_login_is_encrypted_by_a_certificate_the_user_vouches_for(
    environ: dict[str, str], certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    with mail_server(environ, starttls=certificate) as server:
        settings = server.settings(username="models")
        assert tell(settings, environ | {"HFVER_SMTP_PASSWORD": "right"}) == ([], [])
        (warning,), _ = tell(settings, environ | {"HFVER_SMTP_PASSWORD": "wrong-secret"})
    assert "535" in warning
    assert "wrong-secret" not in warning
    assert len(server.box.mails) == 1
    assert server.box.logins[0] == (b"models", b"right")


@pytest.mark.parametrize("password", ["hunter-22", 'a "long" pass\\word'], ids=ascii)
def test_a_server_that_repeats_the_password_does_not_get_it_into_a_warning(
    environ: dict[str, str], certificate: Certificate, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    encoded = base64.b64encode(f"\0models\0{password}".encode()).decode()

    async def refuse(*_: object) -> str:
        return f"550 5.7.1 no {password}, which is {encoded}"

    with mail_server(environ, starttls=certificate) as server:
        server.box.password = password.encode()
        server.box.handle_MAIL = refuse  # type: ignore[attr-defined]
        (warning,), _ = tell(server.settings(username="models"), environ | {"HFVER_SMTP_PASSWORD": password})
    assert "5.7.1 no [hidden], which is " in warning
    assert password not in warning
    assert encoded[-8:] not in warning


def test_what_is_told_holds_no_secret_of_this_process(receiver: Receiver, environ: dict[str, str]) -> None:
    trust(environ, receiver.url)
    secret = "webhookToken-0123456789"
    event = Event("sync", "baseline", None, "me/bert", {"model_url": f"https://me:{secret}@hub/x"}, f"bad {secret}")
    tell(f"{{enabled: true, webhook_url: '{receiver.url}'}}", environ | {"HFVER_WEBHOOK_TOKEN": secret}, event)
    assert receiver.headers[0]["Authorization"] == f"Bearer {secret}"
    assert (receiver.got[0]["urls"], receiver.got[0]["error"]) == ({"model_url": "https://hub/x"}, "bad [hidden]")


@pytest.mark.parametrize("known", [False, True], ids=["of an unknown authority", "for another host"])
def test_a_certificate_that_proves_nothing_gets_neither_mail_nor_password(
    environ: dict[str, str],
    certificate: Certificate,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    known: bool,
) -> None:
    theirs = self_signed(tmp_path, "elsewhere.example") if known else certificate
    if known:
        monkeypatch.setenv("SSL_CERT_FILE", str(theirs.path))
    with mail_server(environ, starttls=theirs) as server:
        (warning,), _ = tell(server.settings(username="models"), environ | {"HFVER_SMTP_PASSWORD": "right"})
    assert warning.startswith(f"no mail was sent: 127.0.0.1:{server.port}: ")
    assert "certificate verify failed" in warning
    assert warning.endswith("(SSL_CERT_FILE=FILE names the certificates of an authority of your own)")
    assert (server.box.mails, server.box.logins) == ([], [])


@pytest.mark.parametrize("encrypted", [False, True], ids=["STARTTLS", "encrypted from the first byte"])
def test_a_mail_servers_name_leads_into_a_private_network_only_where_the_user_said_so(
    environ: dict[str, str], names: Names, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encrypted: bool
) -> None:
    names["mail.example"] = ["169.254.169.254", "127.0.0.1"]
    shown = self_signed(tmp_path, "mail.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(shown.path))
    tls, starttls = (shown, None) if encrypted else (None, shown)
    with mail_server(environ, tls=tls, starttls=starttls) as server:
        monkeypatch.setattr(hfver.training.notifications, "SMTPS_PORT", server.port if encrypted else 465)
        settings, name = server.settings(host="mail.example"), f"smtp://mail.example:{server.port}"
        trust(environ, name)
        (warning,), _ = tell(settings, environ)
        inside = f"mail.example (127.0.0.1) {INSIDE}"
        assert warning == f"no mail was sent: {inside} (if that is meant: hfver trust --private-network {name})"
        trust(environ, name, private_network=True)
        assert tell(settings, environ) == ([], [])
        names["mail.example"] = ["169.254.169.254"]
        (warning,), _ = tell(settings, environ)
    assert warning == "no mail was sent: mail.example (169.254.169.254) is an address nothing is sent to"
    assert len(server.box.mails) == 1


def test_a_server_without_encryption_gets_neither_mail_nor_password(environ: dict[str, str]) -> None:
    """Whoever stands between can take STARTTLS out of a server's answer."""
    with mail_server(environ) as server:
        (warning,), _ = tell(server.settings(username="models"), environ | {"HFVER_SMTP_PASSWORD": "right"})
    assert "STARTTLS extension not supported by server" in warning
    assert (server.box.mails, server.box.logins) == ([], [])


def test_the_port_that_is_always_encrypted_needs_no_starttls(
    environ: dict[str, str], certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mail_server(environ, tls=certificate) as server:
        monkeypatch.setattr(hfver.training.notifications, "SMTPS_PORT", server.port)
        assert "certificate verify failed" in tell(server.settings(), environ)[0][0]
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
        assert tell(server.settings(), environ) == ([], [])
    assert len(server.box.mails) == 1


def test_a_webhook_has_to_prove_who_it_is(
    environ: dict[str, str], certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving(certificate.server_context()) as receiver:
        trust(environ, receiver.url)
        settings = f"{{enabled: true, webhook_url: '{receiver.url}'}}"
        (warning,), pauses = tell(settings, environ | {"HFVER_WEBHOOK_TOKEN": "abc"})
        assert "certificate verify failed" in warning
        assert (receiver.got, pauses) == ([], [])
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
        assert tell(settings, environ) == ([], [])
    assert len(receiver.got) == 1


@pytest.mark.parametrize("smtp", ['sender: "a@b\\nBcc: c@d"', 'recipients: ["a@b\\nBcc: c@d"]'])
def test_an_address_that_would_add_headers_is_a_warning(environ: dict[str, str], smtp: str) -> None:
    trust(environ, "smtp://127.0.0.1:9")
    settings = f"{{enabled: true, email_notifications: true, smtp: {{host: 127.0.0.1, port: 9, {smtp}}}}}"
    (warning,), _ = tell(settings, environ)
    assert warning.startswith("no mail was sent: 127.0.0.1:9: Header values may not contain")


def test_a_mail_server_may_be_named_by_its_number(environ: dict[str, str]) -> None:
    (warning,), _ = tell("{enabled: true, email_notifications: true, smtp: {host: '::1'}}", environ)
    assert "(hfver trust smtp://[::1]:587)" in warning


def test_a_mail_server_that_is_not_there_is_a_warning(environ: dict[str, str]) -> None:
    port = free_port()
    trust(environ, f"smtp://127.0.0.1:{port}")
    warnings, _ = tell(
        f"{{enabled: true, email_notifications: true, smtp: {{host: 127.0.0.1, port: {port}}}}}", environ
    )
    assert len(warnings) == 1
    assert warnings[0].startswith(f"no mail was sent: 127.0.0.1:{port}: ")
