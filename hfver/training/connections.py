"""HTTP and mail over connections that somebody else makes, who looks at their addresses.

The libraries resolve names and connect by themselves; here they are given the way to connect. Over TLS the certificate
is still checked for the name.
"""

from __future__ import annotations

import http.client
import smtplib
import socket
import ssl
import urllib.request
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from hfver.addresses import Connect


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Trust was given to one server, not to wherever it points."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


class _Connection(http.client.HTTPConnection):
    def __init__(self, host: str, *, by: Connect, **options: Any) -> None:
        super().__init__(host, **options)
        self._by = by

    def connect(self) -> None:
        self.sock = self._by((self.host, self.port), self.timeout)


class _EncryptedConnection(_Connection):
    default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        super().connect()
        self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)


class _Http(urllib.request.HTTPHandler):
    def __init__(self, connect: Connect) -> None:
        super().__init__()
        self._connect = connect

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_Connection, by=self._connect), request)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, connect: Connect) -> None:
        super().__init__()
        self._connect = connect

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_EncryptedConnection, by=self._connect), request)


def has_proxy(url: str) -> bool:
    """Whether a proxy stands between, by the user's environment or system, as urllib reads them."""
    parts = urlsplit(url)
    return parts.scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(parts.netloc)


def web_opener(connect: Connect | None) -> urllib.request.OpenerDirector:
    """Opens addresses over these connections, without following redirects; with None through the user's proxy."""
    if connect is None:
        return urllib.request.build_opener(_NoRedirect)
    # Without the handler of proxies; one has been looked for already.
    return urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}), _Http(connect), _Https(connect))


class MailConnection(smtplib.SMTP):
    def __init__(self, host: str, port: int, connect: Connect, *, timeout: float) -> None:
        self._connect = connect
        super().__init__(host, port, timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._connect((host, port), timeout)


class EncryptedMailConnection(smtplib.SMTP_SSL, MailConnection):
    """Encrypted from the first byte. SMTP_SSL wraps the socket that the next class in line makes."""

    def __init__(self, host: str, port: int, connect: Connect, *, timeout: float, context: ssl.SSLContext) -> None:
        self._connect = connect
        smtplib.SMTP_SSL.__init__(self, host, port, timeout=timeout, context=context)
