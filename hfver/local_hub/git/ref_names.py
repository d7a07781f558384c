"""How refs are named. Apart from what reads them, which takes a while to import."""

from __future__ import annotations

HEADS, TAGS, PULLS, CONVERTS = "refs/heads/", "refs/tags/", "refs/pr/", "refs/convert/"
DEFAULT_BRANCH = "main"
