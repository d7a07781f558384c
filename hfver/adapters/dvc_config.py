"""DVC's settings, read without DVC: importing it takes longer than a checkout in which nothing changed."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from hfver.checkout.links import LinkType
from hfver.errors import RefusedError, StateError
from hfver.secret_values import KNOWN
from hfver.small_files import read_small

DEFAULT_LINK_TYPES: tuple[LinkType, ...] = ("reflink", "copy")

_LARGEST = 1_000_000  # bytes
_LONGEST_LINE = 4096  # configparser takes the square of it to find no `=` among spaces
_QUOTED = re.compile(r"""(['"])(.*)\1\s*(?:#.*)?""")
_NAMED_SECTION = re.compile(r"""remote\s+"(.*)\"""")

_CREDENTIAL_FILES = frozenset({"configpath", "credentialpath"})
_COMMANDS = frozenset({"bearer_token_command"})
_QUESTIONS = frozenset({"ask_password", "ask_passphrase"})

Sections = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class DvcSettings:
    cache_dir: Path
    link_types: tuple[LinkType, ...]
    shared: bool
    hardlink_lock: bool
    autostage: bool
    site_cache_dir: Path
    default_remote: str | None
    remotes: Mapping[str, str]  # name -> url

    @property
    def remote_names(self) -> tuple[str, ...]:
        return tuple(self.remotes)


def read_settings(root: Path) -> DvcSettings:
    """``root`` is the directory that holds ``.dvc``."""
    dvc_dir = root / ".dvc"
    merged: Sections = {}
    for path in (
        _config_dir("DVC_SYSTEM_CONFIG_DIR", _system_config_dir()) / "config",
        _config_dir("DVC_GLOBAL_CONFIG_DIR", _user_config_dir()) / "config",
        dvc_dir / "config",
        dvc_dir / "config.local",
    ):
        for section, options in _read(path).items():
            KNOWN.add_named(options)  # DVC and its storage libraries quote them in their errors
            merged.setdefault(section, {}).update(options)
    core, cache = merged.get("core", {}), merged.get("cache", {})
    remotes = {name: options["url"] for name, options in _remotes(merged).items() if "url" in options}
    local = cache.get("local")
    cache_dir = remotes.get(local, "") if local else cache.get("dir", "")
    site = os.environ.get("DVC_SITE_CACHE_DIR") or core.get("site_cache_dir") or _site_cache_dir()
    return DvcSettings(
        cache_dir=Path(cache_dir) if cache_dir else dvc_dir / "cache",
        link_types=_link_types(cache.get("type", "")),
        shared=cache.get("shared", "").lower() == "group",
        hardlink_lock=core.get("hardlink_lock", "").lower() == "true",
        autostage=core.get("autostage", "").lower() == "true",
        site_cache_dir=Path(site),
        default_remote=core.get("remote") or None,
        remotes=remotes,
    )


def refuse_brought_credentials(root: Path) -> None:
    """RefusedError when a DVC remote takes its credentials in a way that is not for a repository to choose.

    A file of credentials, or of settings for them, that came with the repository may name a program that makes them
    (`credential_process` of AWS profiles); WebDAV remotes name one outright (`bearer_token_command`): code of whoever
    wrote the repository would run. `ask_password` puts a question to the user that says neither who asks nor for which
    host. What `config.local` or the user's own settings say is the user's.
    """
    brought, own = _remotes(_read(root / ".dvc" / "config")), _remotes(_read(root / ".dvc" / "config.local"))
    for name, options in brought.items():
        for option in sorted(options.keys() - own.get(name, {}).keys()):
            if reason := _not_for_a_repository(root, option, options[option]):
                command = f"dvc remote modify --local {name} {option} {shlex.quote(options[option])}"
                raise RefusedError(
                    f"the DVC remote {name} is not used: {option} in .dvc/config {reason}",
                    hints=[f"if you want that, say so yourself: {command}"],
                )


def _not_for_a_repository(root: Path, option: str, value: str) -> str | None:
    if option in _COMMANDS:
        return "names a program, which came with this repository"
    if option in _QUESTIONS and value.lower() in {"true", "1", "yes", "on"}:
        return "would ask you for a secret"
    if option not in _CREDENTIAL_FILES:
        return None
    file = Path(value).expanduser()
    place = file if file.is_absolute() else root / ".dvc" / file
    inside = place.resolve().is_relative_to(root.resolve())
    return (
        f"takes its credentials from {place}, which came with this repository and could start a program"
        if inside
        else None
    )


def _read(path: Path) -> Sections:
    try:
        text = read_small(path, _LARGEST).decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    lines = [line.strip() for line in text.splitlines()]
    if any(len(line) > _LONGEST_LINE for line in lines):
        raise StateError(f"{path} is not a DVC configuration: a line of it is longer than {_LONGEST_LINE:,} characters")
    parser = configparser.RawConfigParser(
        strict=False, delimiters=("=",), comment_prefixes=("#",), allow_no_value=True, default_section="\0"
    )
    try:
        # DVC indents options; to configparser an indented line continues the one before.
        parser.read_string("\n".join(lines))
    except configparser.Error as exc:
        raise StateError(f"{path} is not a DVC configuration: {exc.message}") from exc
    sections: Sections = {}
    for section in parser.sections():
        name = section.strip("'").strip()
        options = {key: _unquote(value or "") for key, value in parser.items(section)}
        for key in ("dir", "url", "site_cache_dir"):
            if key in options:
                options[key] = _absolute(path.parent, options[key])
        sections[name if '"' in name else name.lower()] = options
    return sections


def _remotes(sections: Sections) -> Sections:
    found = {}
    for section, options in sections.items():
        match = _NAMED_SECTION.fullmatch(section)
        if match:
            found[match.group(1)] = options
    return found


def _unquote(value: str) -> str:
    quoted = _QUOTED.fullmatch(value)
    return quoted.group(2) if quoted else value.partition("#")[0].strip()


def _absolute(base: Path, value: str) -> str:
    if not value or re.match(r"\w+://", value):
        return value
    return os.path.abspath(base / Path(value).expanduser())  # noqa: PTH100 (without following links, as DVC does)


def _link_types(value: str) -> tuple[LinkType, ...]:
    known: dict[str, LinkType] = {kind: kind for kind in get_args(LinkType)}
    names = (name.strip().strip("'\"") for name in value.split(","))
    return tuple(known[name] for name in names if name in known) or DEFAULT_LINK_TYPES


def _config_dir(variable: str, default: Path) -> Path:
    return Path(os.environ.get(variable) or default)


def _system_config_dir() -> Path:
    if sys.platform == "darwin":
        return Path("/Library/Application Support/dvc")
    return Path((os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)[0]) / "dvc"


def _user_config_dir() -> Path:
    if sys.platform == "darwin":
        return Path("~/Library/Application Support/dvc").expanduser()
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "dvc"


def _site_cache_dir() -> str:
    return "/Library/Caches/dvc" if sys.platform == "darwin" else "/var/tmp/dvc"  # noqa: S108 (it is DVC's choice)
