"""Short-lived capabilities: what a URL or a transfer token may do, signed with a secret of the store."""

from __future__ import annotations

import base64
import hmac
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

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
    """Made once; a hard link lets exactly one of several starting processes win, and no one reads half a secret."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, secrets.token_bytes(_SECRET_BYTES))
            os.fsync(handle)
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            os.close(handle)
            draft.unlink()
    secret = path.read_bytes()
    if len(secret) != _SECRET_BYTES:
        raise ValueError(f"{path} is not a secret of {_SECRET_BYTES} bytes; remove it and start again")
    return secret
