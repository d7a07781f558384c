"""Text without secrets: everything that is printed, logged or written to disk may pass through here."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

# Tokens of the Hub: user and organisation tokens, old and new, and OAuth ones.
HUB_TOKEN = re.compile(r"\b(?:hf_(?:oauth_)?|api_org_)[A-Za-z0-9._-]{16,}")
_URL_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
_BEARER = re.compile(r"(?i)(\bauthorization['\"]?\s*[:=]\s*['\"]?(?:bearer|basic)\s+)[^\s'\"]+")

HIDDEN = "[hidden]"


def redact(text: str) -> str:
    """The text with Hub tokens, credentials in URLs and authorization headers taken out."""
    text = HUB_TOKEN.sub(HIDDEN, text)
    text = _BEARER.sub(rf"\g<1>{HIDDEN}", text)
    return _URL_USERINFO.sub("", text)


def without_credentials(url: str) -> str:
    """A git remote or web address that can be recorded: no user, no password, no query.

    ``git@host:path`` names a login and not a secret, so it stays.
    """
    if "://" not in url:
        return url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
