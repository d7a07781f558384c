"""Checks of single values. Each returns the value in its normal form or raises ValueError with the reason."""

from __future__ import annotations

import re
import string
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from hfver.globs import LONGEST_PATTERN
from hfver.hub_state import EMBEDDED
from hfver.paths import escape_reason

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
TEMPLATE_FIELDS = ("item_type", "experiment_name", "version", "git_commit")

_MOST_PATTERNS = 200
_REPO_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?/[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[/.-]|/\.|\.lock(?:/|$)|[/.]$")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def one_or_many(value: Any) -> Any:
    """A single text or mapping where a list is expected is a list of one."""
    if isinstance(value, str):
        return (value,) if value else ()
    return (value,) if isinstance(value, dict) else value


def named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def path_in_repo(value: str) -> str:
    """A relative path that stays inside the repository, with forward slashes."""
    if not value.strip() or _CONTROL.search(value):
        raise ValueError("is not a path")
    path = PurePosixPath(value)
    if path.is_absolute() or re.match(r"[A-Za-z]:|\\|~", value):
        raise ValueError(f'"{value}" must be relative to the top of the git repository')
    if ".." in path.parts or "\\" in value:
        raise ValueError(f'"{value}" must stay inside the git repository and use forward slashes')
    if str(path) == ".":
        raise ValueError("must name a file or directory inside the git repository, not its top")
    if reason := escape_reason(str(path)):
        raise ValueError(f'"{value}" {reason}')
    return str(path)


def local_path(value: str) -> str:
    """Any path; one outside the repository needs the user's trust when it is used."""
    if not value.strip() or _CONTROL.search(value):
        raise ValueError("is not a path")
    return value


def file_name(value: str) -> str:
    if not value.strip() or _CONTROL.search(value) or re.search(r'[/\\:*?"<>|]', value) or value in {".", ".."}:
        raise ValueError(f'"{value}" is not a plain file name')
    return value


def pattern(value: str) -> str:
    if not value or _CONTROL.search(value) or value.startswith("/") or ".." in value.split("/"):
        raise ValueError(f'"{value}" is not a pattern of paths inside the git repository')
    if len(value) > LONGEST_PATTERN:
        raise ValueError(f"has {len(value):,} characters; a pattern has at most {LONGEST_PATTERN:,}")
    return value


def few(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(values) > _MOST_PATTERNS:
        raise ValueError(f"has {len(values):,} patterns; at most {_MOST_PATTERNS} are followed")
    return values


def endpoint(value: str) -> str:
    return value if value == EMBEDDED else web_address(value, what='"embedded" or a web address')


def web_address(value: str, *, what: str = "a web address") -> str:
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError as exc:
        raise ValueError(f"expected {what}: {exc}") from exc
    if parts.scheme not in {"http", "https"} or not host or _CONTROL.search(value) or " " in value:
        raise ValueError(f'expected {what} such as "https://huggingface.co"')
    if "@" in parts.netloc:
        raise ValueError("must not hold a user or password; tokens come from the environment")
    if parts.query or parts.fragment:
        raise ValueError("must not have a query or fragment")
    return value.rstrip("/")


def webhook(value: str) -> str:
    if not value:
        return value
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError as exc:
        raise ValueError(f"is not a web address: {exc}") from exc
    if parts.scheme not in {"http", "https"} or not host or _CONTROL.search(value):
        raise ValueError('expected a web address that starts with "https://"')
    if "@" in parts.netloc:
        raise ValueError("must not hold a user or password; set HFVER_WEBHOOK_TOKEN in the environment")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise ValueError("must use https: what is sent names your repositories")
    return value


def repo_id(value: str) -> str:
    """A `namespace/name` as the Hub allows it."""
    if not _REPO_ID.fullmatch(value) or len(value) > 96 or "--" in value or ".." in value or value.endswith(".git"):
        raise ValueError(
            f'"{value}" is not a Hub repository: expected namespace/name of letters, digits, "-", "_" and "."'
        )
    return value


def default_branch(value: str) -> str:
    if value != "main":
        raise ValueError(f'must be "main", not "{value}": a Hub serves main to everybody who names no revision')
    return value


def tag_prefix(value: str) -> str:
    if value and (_BAD_REF.search(value + "1") or "{" in value or "}" in value):
        raise ValueError(f'"{value}" cannot start a git tag')
    return value


def commit_template(value: str) -> str:
    return template(value, TEMPLATE_FIELDS)


def template(value: str, allowed: tuple[str, ...]) -> str:
    """A text with plain ``{field}`` placeholders; anything else in braces could reach into objects."""
    if not value.strip():
        raise ValueError("must not be empty")
    try:
        pieces = list(string.Formatter().parse(value))
    except ValueError as exc:
        raise ValueError(f"{exc}; write {{{{ and }}}} for braces") from exc
    for _, name, spec, conversion in pieces:
        if name is None:
            continue
        if name not in allowed or spec or conversion:
            known = ", ".join(f"{{{field}}}" for field in allowed)
            raise ValueError(f"unknown placeholder {{{name}}}; allowed are {known}")
    return value
