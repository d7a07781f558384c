"""Names in addresses."""

from __future__ import annotations

from urllib.parse import quote


def segment(text: str) -> str:
    """A revision is one segment whatever it holds."""
    return quote(text, safe="")


def path(text: str) -> str:
    """A path keeps its slashes."""
    return quote(text, safe="/")
