"""Text without secrets: everything that is printed, logged or written to disk may pass through here."""

from __future__ import annotations

import re

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
