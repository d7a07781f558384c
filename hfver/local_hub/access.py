"""Short-lived capabilities: what a URL or a transfer token may do, signed with a secret of the store."""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from hfver.local_hub.durable import write_file
from hfver.local_hub.locks import file_lock

_SECRET_BYTES = 32


class Capabilities:
    """Stateless: every process that serves the store can check what another one issued."""

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._secret = _secret(root / "secret")
        self._clock = clock

    def issue(self, scope: str, seconds: int) -> tuple[str, int]:
        """(token, expiry in unix seconds)."""
        expires = int(self._clock()) + seconds
        return f"{expires}.{self._signature(scope, expires)}", expires

    def check(self, token: str, scope: str) -> bool:
        stamp, _, signature = token.partition(".")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12 and signature.isascii()):
            return False
        expires = int(stamp)
        return hmac.compare_digest(signature, self._signature(scope, expires)) and self._clock() < expires

    def _signature(self, scope: str, expires: int) -> str:
        digest = hmac.digest(self._secret, f"{expires}\n{scope}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _secret(path: Path) -> bytes:
    """Made once, and anew when what is there is none: all that is lost are addresses handed out this very day."""
    secret = _read(path)
    if len(secret) != _SECRET_BYTES:
        path.parent.mkdir(parents=True, exist_ok=True)
        with file_lock(path.with_name(f"{path.name}.lock")):
            secret = _read(path)
            if len(secret) != _SECRET_BYTES:
                secret = _made(path)
    return secret


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_SECRET_BYTES + 1)
    except FileNotFoundError:
        return b""


def _made(path: Path) -> bytes:
    secret, draft = secrets.token_bytes(_SECRET_BYTES), path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    write_file(path, secret, temporary=draft, mode=0o600)
    return secret
