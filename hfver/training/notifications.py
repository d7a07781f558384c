"""Messages to others after success and after failure: a JSON POST, a mail.

A notification that cannot be delivered is a warning and never a failure of what it tells about. Secrets come from the
environment alone: HFVER_WEBHOOK_TOKEN, HFVER_SMTP_PASSWORD. Hosts that only the repository names need the user's trust.
Certificates are always verified; whoever has an authority of their own names it in SSL_CERT_FILE, as OpenSSL knows it.
"""

from __future__ import annotations

import http.client
import json
import smtplib
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

from hfver.errors import HfverError
from hfver.redact import redact, redact_json
from hfver.secret_values import KNOWN
from hfver.trust import require_trusted_url

if TYPE_CHECKING:
    from hfver.config.schema import Smtp
    from hfver.config.settings import Config

WEBHOOK_VARIABLE = "HFVER_WEBHOOK_URL"
TOKEN_VARIABLE = "HFVER_WEBHOOK_TOKEN"  # noqa: S105 (the name of a variable)
PASSWORD_VARIABLE = "HFVER_SMTP_PASSWORD"  # noqa: S105
SECONDS = 10.0
SMTPS_PORT = 465  # encrypted from the first byte, so there is no STARTTLS
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Event:
    """What happened. ``error`` is None after success."""

    operation: str
    experiment: str
    version: str | None
    repo: str
    urls: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    cost: Mapping[str, object] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return redact_json(
            {
                "event": f"hfver.{self.operation}",
                "status": "success" if self.error is None else "failure",
                "experiment": self.experiment,
                "version": self.version,
                "repo": self.repo,
                "urls": dict(self.urls),
                "error": self.error,
                "cost": dict(self.cost),
            }
        )

    @property
    def subject(self) -> str:
        what = self.version or self.experiment
        return redact(f"hfver: {what} of {self.repo} {'is published' if self.error is None else 'failed'}")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Trust was given to one server, not to wherever it points."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


def notify(
    config: Config,
    event: Event,
    environ: Mapping[str, str],
    warn: Callable[[str], None],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Tell everybody who is configured; problems are warnings."""
    settings = config.notifications
    if not settings.enabled:
        return
    KNOWN.add_named(environ)  # servers repeat what they were sent
    if settings.webhook_url:
        try:
            require_trusted_url(settings.webhook_url, "the notification", environ, own=WEBHOOK_VARIABLE)
            _post(settings.webhook_url, event.as_dict(), environ.get(TOKEN_VARIABLE, ""), sleep)
        except HfverError as error:
            warn(" ".join([f"no notification was sent: {error.message}", *(f"({hint})" for hint in error.hints)]))
    if settings.email_notifications:
        try:
            require_trusted_url(f"smtp://{_bracketed(settings.smtp.host)}:{settings.smtp.port}", "the mail", environ)
            _mail(config, event, environ.get(PASSWORD_VARIABLE, ""))
        except HfverError as error:
            warn(" ".join([f"no mail was sent: {error.message}", *(f"({hint})" for hint in error.hints)]))


def _post(url: str, body: Mapping[str, Any], token: str, sleep: Callable[[float], None]) -> None:
    data = json.dumps(body, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "hfver", **_authorization(token)}
    opener = urllib.request.build_opener(_NoRedirect)
    host, address = urlsplit(url).hostname, _ascii_url(url)
    problem = ""
    for attempt in range(_TRIES):
        if attempt:
            sleep(0.5 * 2**attempt)
        request = urllib.request.Request(address, data=data, headers=headers, method="POST")  # noqa: S310 (checked)
        try:
            with opener.open(request, timeout=SECONDS) as response:
                response.read(1024)
        except urllib.error.HTTPError as exc:
            exc.close()
            problem = f"{host} answered {exc.code}"
            if exc.code < 500 and exc.code != 429:
                break
        except (OSError, http.client.HTTPException) as exc:
            problem = f"{host}: {getattr(exc, 'reason', None) or exc}"
            if _is_unverified(exc):
                raise _unverified(problem) from exc
        else:
            return
    raise HfverError(problem)


def _authorization(token: str) -> dict[str, str]:
    token = token.strip()
    if not (token.isascii() and token.isprintable()):
        raise HfverError(f"{TOKEN_VARIABLE} holds characters that no header can carry")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _ascii_url(url: str) -> str:
    """The address as it goes over the wire: people write host names and paths in their own script."""
    parts = urlsplit(url)
    try:
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except UnicodeError as exc:
        raise HfverError(f"{parts.hostname} is not the name of a host") from exc
    netloc = _bracketed(host) + (f":{parts.port}" if parts.port is not None else "")
    path, query = (quote(text, safe="/%:@!$&'()*+,;=?~") for text in (parts.path, parts.query))
    return urlunsplit((parts.scheme, netloc, path, query, ""))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _mail(config: Config, event: Event, password: str) -> None:
    smtp, user = config.notifications.smtp, config.user
    message = EmailMessage()
    try:
        message["Subject"] = event.subject
        message["From"] = smtp.sender or user.email
        message["To"] = ", ".join(smtp.recipients or (user.email,))
        message.set_content(json.dumps(event.as_dict(), indent=2, ensure_ascii=False) + "\n")
        with _connect(smtp) as server:
            if smtp.username:
                server.login(smtp.username, password)
            server.send_message(message)
    except (OSError, smtplib.SMTPException, ValueError) as exc:  # ValueError: what no header, host or login can hold
        problem = f"{smtp.host}:{smtp.port}: {exc}"
        raise _unverified(problem) if _is_unverified(exc) else HfverError(problem) from exc


def _connect(smtp: Smtp) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if smtp.port == SMTPS_PORT:
        return smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=SECONDS, context=context)
    server = smtplib.SMTP(smtp.host, smtp.port, timeout=SECONDS)
    try:
        if smtp.starttls:
            server.starttls(context=context)
    except BaseException:
        server.close()
        raise
    return server


def _is_unverified(exc: Exception) -> bool:
    found = (exc, getattr(exc, "reason", None))  # urllib wraps it
    return any(isinstance(error, ssl.SSLCertVerificationError) for error in found)


def _unverified(problem: str) -> HfverError:
    return HfverError(problem, hints=["SSL_CERT_FILE=FILE names the certificates of an authority of your own"])
