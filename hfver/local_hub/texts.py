"""What texts from outside must look like."""

from __future__ import annotations

import re

SHA256 = re.compile(r"[0-9a-f]{64}")


def is_text(value: str) -> bool:
    r"""JSON can spell half a character (``\ud800``), which neither git, SQLite nor an answer could hold."""
    try:
        return value.isascii() or bool(value.encode())
    except UnicodeEncodeError:
        return False
