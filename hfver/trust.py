"""Which addresses may get a token or a message, and which places outside the repository may be written.

A repository is untrusted input: its configuration may name any Hub, webhook or directory. What it names is used only
when the user trusts it. Trust is kept in the user's own configuration directory, never in a repository:

    $XDG_CONFIG_HOME/hfver/trust.json    {"paths": ["/data/backups"], "urls": ["https://hub.example"]}
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hfver.atomic import write_atomic
from hfver.errors import HfverError, StateError, UnauthorisedError, UsageError
from hfver.hub_state import EMBEDDED
from hfver.small_json import read_json

HUGGINGFACE_CO = "https://huggingface.co"
_DEFAULT_PORTS = {"http": 80, "https": 443, "smtp": 25}
_TOKEN_VARIABLES = ("HF_TOKEN", "HUGGINGFACE_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_ENDPOINT_VARIABLES = ("HFVER_ENDPOINT", "HF_ENDPOINT")


@dataclass(frozen=True, slots=True)
class Trust:
    """What this user trusts beyond huggingface.co and the embedded hub."""

    urls: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    def knows_url(self, url: str) -> bool:
        return origin(url) in {origin(known) for known in self.urls}

    def knows_path(self, path: Path) -> bool:
        return any(path.is_relative_to(known) for known in self.paths)

    def with_entry(self, entry: str) -> Trust:
        name, value = _entry(entry)
        return replace(self, **{name: tuple(sorted({*getattr(self, name), value}))})

    def without_entry(self, entry: str) -> Trust:
        name, value = _entry(entry)
        if value not in getattr(self, name):
            raise UsageError(f"{value} was not trusted", hints=["hfver trust --list"])
        return replace(self, **{name: tuple(known for known in getattr(self, name) if known != value)})


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: what two addresses have in common when they lead to the same server."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as exc:
        raise UsageError(f"{url} is not a web address: {exc}") from exc
    if not parts.scheme or not parts.hostname:
        raise UsageError(f"{url} is not a web address", hints=["for example https://hub.example"])
    return parts.scheme, parts.hostname.rstrip("."), port or _DEFAULT_PORTS.get(parts.scheme, 0)


def read_trust(environ: Mapping[str, str]) -> Trust:
    path = trust_file(environ)
    hints = [f"mv {shlex.quote(str(path))} {shlex.quote(f'{path}.damaged')}", "then trust again: hfver trust URL"]
    try:
        data = read_json(path)
        return Trust(_texts(data["urls"]), _texts(data["paths"]))
    except (FileNotFoundError, NotADirectoryError):
        return Trust()
    except OSError as exc:
        raise StateError(f"{path}, which says what you trust, cannot be read: {exc.strerror}", hints=hints) from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise StateError(f"{path}, which says what you trust, is damaged: {exc}", hints=hints) from exc


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"a list of texts expected, found {str(value)[:100]}")
    return tuple(value)


def write_trust(trust: Trust, environ: Mapping[str, str]) -> Path:
    path = trust_file(environ)
    body = {"urls": list(trust.urls), "paths": list(trust.paths)}
    write_atomic(path, json.dumps(body, indent=2, sort_keys=True).encode() + b"\n", mode=0o600)
    return path


def trust_file(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_CONFIG_HOME") or str(_home(environ) / ".config")
    return Path(base) / "hfver" / "trust.json"


def may_send_token(endpoint: str, environ: Mapping[str, str]) -> bool:
    """huggingface.co, the endpoint the user's own environment names, and what the user trusted.

    The embedded hub has a token of its own, so it never gets the user's.
    """
    if endpoint == EMBEDDED:
        return False
    mine = [environ[name] for name in _ENDPOINT_VARIABLES if environ.get(name) not in (None, "", EMBEDDED)]
    if origin(endpoint) in {origin(url) for url in (HUGGINGFACE_CO, *mine)}:
        return True
    return read_trust(environ).knows_url(endpoint)


def resolve_token(endpoint: str, environ: Mapping[str, str]) -> str | None:
    """The user's token for this endpoint; None when there is none or it may not be sent there."""
    return find_token(environ) if may_send_token(endpoint, environ) else None


def find_token(environ: Mapping[str, str]) -> str | None:
    """The token from the environment, else from the Hub client's login."""
    for name in _TOKEN_VARIABLES:
        token = _clean(environ.get(name, ""))
        if token:
            return token
    try:
        return _clean(login_file(environ).read_text(encoding="utf-8")) or None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise StateError(f"the Hub login {login_file(environ)} cannot be read: {exc.strerror}") from exc


def login_file(environ: Mapping[str, str]) -> Path:
    """Where ``hf auth login`` keeps the token."""
    if environ.get("HF_TOKEN_PATH"):
        return Path(environ["HF_TOKEN_PATH"]).expanduser()
    cache = Path(environ.get("XDG_CACHE_HOME") or _home(environ) / ".cache")
    return Path(environ.get("HF_HOME") or cache / "huggingface").expanduser() / "token"


def no_token_error(endpoint: str, environ: Mapping[str, str]) -> HfverError:
    """Why there is no token for this endpoint, and what to do about it."""
    if not may_send_token(endpoint, environ):
        return UnauthorisedError(
            f"{endpoint} is named by this repository's configuration and not trusted: no token is sent there",
            hints=[f"hfver trust {endpoint}", "or set HF_ENDPOINT yourself"],
        )
    return UnauthorisedError(
        f"there is no token for {endpoint}",
        hints=["hf auth login", "or set HF_TOKEN", "or use the Hub on this machine: huggingface.endpoint: embedded"],
    )


def require_trusted_url(url: str, what: str, environ: Mapping[str, str], *, own: str | None = None) -> None:
    """Refuse to contact a server that only the repository names. ``own`` is a variable that, if set, named it."""
    if own is not None and environ.get(own) == url:
        return
    if not read_trust(environ).knows_url(url):
        raise UnauthorisedError(
            f"{what} goes to {origin(url)[1]}, which this repository's configuration names and you have not trusted",
            hints=[f"hfver trust {_server(url)}"],
        )


def require_writable(path: Path, top: Path, what: str, environ: Mapping[str, str], *, own: str | None = None) -> Path:
    """The resolved path, if it is inside the repository, trusted, or named by the user's own variable."""
    resolved = (top / path.expanduser()).resolve()
    inside = resolved.is_relative_to(top.resolve()) and ".git" not in resolved.relative_to(top.resolve()).parts
    if inside or (own is not None and environ.get(own) == str(path)) or read_trust(environ).knows_path(resolved):
        return resolved
    raise UnauthorisedError(
        f"{what} {resolved} is outside this repository, and its configuration names it without your trust",
        hints=[f"hfver trust {resolved}"],
    )


def _entry(entry: str) -> tuple[str, str]:
    if "://" in entry:
        server = _server(entry)
        if "@" in urlsplit(entry).netloc:
            raise UsageError("trust is given to a server; leave user and password out")
        return "urls", server
    path = Path(entry).expanduser()
    if not path.is_absolute():
        raise UsageError(f"{entry} is neither a web address nor an absolute path")
    return "paths", str(path.resolve())


def _server(url: str) -> str:
    """The address without what does not name its server."""
    scheme, host, port = origin(url)
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}" + ("" if port == _DEFAULT_PORTS.get(scheme) else f":{port}")


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ["HOME"]) if environ.get("HOME") else Path.home()


def _clean(token: str) -> str:
    return token.replace("\r", "").replace("\n", "").strip()
