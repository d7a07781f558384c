"""Requests the real client would never make."""

from __future__ import annotations

from urllib.error import HTTPError
from urllib.request import Request, urlopen


def call(method: str, url: str, body: bytes = b"", /, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    """(status, body, headers with lower-case names)."""
    request = Request(url, data=body or None, method=method, headers=headers)
    try:
        with urlopen(request) as answer:
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.headers.items()}
    except HTTPError as refusal:
        with refusal:
            found = {name.lower(): value for name, value in refusal.headers.items()}
            return refusal.code, refusal.read(), found
