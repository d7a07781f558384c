"""Which addresses may get a token or a message, and which places outside the repository may be written.

A repository is untrusted input: its configuration may name any Hub, webhook or directory. What it names is used only
when the user trusts it. Trust is kept in the user's own configuration directory, never in a repository:

    $XDG_CONFIG_HOME/hfver/trust.json    {"paths": ["/data/backups"], "urls": ["https://hub.example"],
                                          "private_network": []}

``private_network`` names those of ``urls`` that may lead into a private network. A version of hfver that does not know
it trusts them as far as any other.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hfver.addresses import is_private_by_name
from hfver.atomic import write_atomic
from hfver.errors import HfverError, StateError, UnauthorisedError, UsageError
from hfver.hub_state import EMBEDDED
from hfver.paths import escape_reason
from hfver.secret_values import KNOWN
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
    private_network: tuple[str, ...] = ()  # those of the urls whose names may lead to this machine or a private network

    def knows_url(self, url: str) -> bool:
        return origin(url) in {origin(known) for known in self.urls}

    def knows_private_network(self, url: str) -> bool:
        return origin(url) in {origin(known) for known in self.private_network}

    def knows_path(self, path: Path) -> bool:
        return any(path.is_relative_to(known) for known in self.paths)

    def with_entry(self, entry: str, *, private_network: bool = False) -> Trust:
        name, value = _entry(entry)
        if private_network and name != "urls":
            raise UsageError(f"{entry} is a directory; --private-network is said of a server")
        names = [name, "private_network"] if private_network else [name]
        return replace(self, **{name: tuple(sorted({*getattr(self, name), value})) for name in names})

    def without_entry(self, entry: str) -> Trust:
        name, value = _entry(entry)
        if value not in getattr(self, name):
            raise UsageError(f"{value} was not trusted", hints=["hfver trust --list"])
        names = [name, "private_network"] if name == "urls" else [name]
        return replace(self, **{name: tuple(one for one in getattr(self, name) if one != value) for name in names})


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
        data = {"private_network": [], **read_json(path)}  # older files have none
        return Trust(*(_texts(data[name]) for name in ("urls", "paths", "private_network")))
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
    body = {name: list(getattr(trust, name)) for name in ("urls", "paths", "private_network")}
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
    token = _stated_token(environ)
    KNOWN.add(token)
    return token


def _stated_token(environ: Mapping[str, str]) -> str | None:
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
            hints=[f"hfver trust {server_of(url)}"],
        )


def may_reach_private_network(url: str, environ: Mapping[str, str], *, own: str | None = None) -> bool:
    """Whether a trusted server may be on this machine or in a private network.

    It may where that is the user's own word: a variable of theirs (``own``) names the server, what they trusted is an
    address itself or localhost, or they said so of this name. Any other name stands for whatever its DNS says.
    """
    if own is not None and environ.get(own) == url:
        return True
    return is_private_by_name(origin(url)[1]) or read_trust(environ).knows_private_network(url)


def require_writable(path: Path, top: Path, what: str, environ: Mapping[str, str], *, own: str | None = None) -> Path:
    """The resolved path, if it is inside the repository, trusted, or named by the user's own variable."""
    resolved, real_top = (top / path.expanduser()).resolve(), top.resolve()
    inside = resolved.is_relative_to(real_top) and not escape_reason(resolved.relative_to(real_top).as_posix())
    if inside or (own is not None and environ.get(own) == str(path)) or read_trust(environ).knows_path(resolved):
        return resolved
    raise UnauthorisedError(
        f"{what} {resolved} is outside this repository, and its configuration names it without your trust",
        hints=[f"hfver trust {resolved}"],
    )


def _entry(entry: str) -> tuple[str, str]:
    if "://" in entry:
        server = server_of(entry)
        if "@" in urlsplit(entry).netloc:
            raise UsageError("trust is given to a server; leave user and password out")
        return "urls", server
    path = Path(entry).expanduser()
    if not path.is_absolute():
        raise UsageError(f"{entry} is neither a web address nor an absolute path")
    return "paths", str(path.resolve())


def server_of(url: str) -> str:
    """The address without what does not name its server."""
    scheme, host, port = origin(url)
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}" + ("" if port == _DEFAULT_PORTS.get(scheme) else f":{port}")


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ["HOME"]) if environ.get("HOME") else Path.home()


def _clean(token: str) -> str:
    return token.replace("\r", "").replace("\n", "").strip()
