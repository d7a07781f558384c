"""A world of its own for every test: home, caches, git identity and dates, and no way out of loopback."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

AUTHOR = "Test Author"
EMAIL = "author@example.org"
DATE = "2026-01-02T03:04:05+00:00"

GIT_CONFIG = f"""\
[user]
    name = {AUTHOR}
    email = {EMAIL}
[init]
    defaultBranch = main
[commit]
    gpgSign = false
[tag]
    gpgSign = false
[gc]
    auto = 0
[maintenance]
    auto = false
[protocol "file"]
    allow = always
[advice]
    detachedHead = false
"""

# Whatever the developer's shell says about these must not reach a test.
FOREIGN_PREFIXES = ("GIT_", "HF_", "HFVER_", "HUGGINGFACE_", "DVC_", "XDG_", "PYTEST_DEBUG", "PRE_COMMIT")
FOREIGN_NAMES = (
    "CI",
    "LOG_LEVEL",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "TRANSFORMERS_CACHE",
    "NO_COLOR",
    "FORCE_COLOR",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
)
KEPT = ("HFVER_CONTRACT_ENDPOINT", "HFVER_CONTRACT_TOKEN", "HFVER_TEST_GIT")


class LeftLoopbackError(RuntimeError):
    """A test tried to talk to something that is not this machine."""


def foreign_variables(environ: Mapping[str, str]) -> list[str]:
    return [
        name for name in environ if name not in KEPT and (name.startswith(FOREIGN_PREFIXES) or name in FOREIGN_NAMES)
    ]


def own_world(root: Path) -> dict[str, str]:
    """Make the directories below `root` and return the environment that points to them."""
    home = root / "home"
    gitconfig = home / ".gitconfig"
    home.mkdir(parents=True, exist_ok=True)
    gitconfig.write_text(GIT_CONFIG, encoding="utf-8")
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
        "HF_HOME": str(root / "hf"),
        "HF_XET_CACHE": str(root / "hf" / "xet"),
        "HF_XET_LOG_DEST": os.devnull,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HFVER_HUB_DIR": str(root / "hub"),
        "DVC_NO_ANALYTICS": "1",
        "DVC_GLOBAL_CONFIG_DIR": str(root / "dvc" / "global"),
        "DVC_SYSTEM_CONFIG_DIR": str(root / "dvc" / "system"),
        "DVC_SITE_CACHE_DIR": str(root / "dvc" / "site"),
        "GIT_CONFIG_GLOBAL": str(gitconfig),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": AUTHOR,
        "GIT_AUTHOR_EMAIL": EMAIL,
        "GIT_AUTHOR_DATE": DATE,
        "GIT_COMMITTER_NAME": AUTHOR,
        "GIT_COMMITTER_EMAIL": EMAIL,
        "GIT_COMMITTER_DATE": DATE,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "COLUMNS": "100",
        "TERM": "dumb",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def stay_on_loopback(allowed_hosts: tuple[str, ...] = ()) -> None:
    """Raise when this process connects to another machine (an audit hook stays for the life of the process)."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "socket.connect" or not isinstance(arguments[1], tuple):
            return
        host = str(arguments[1][0])
        if host not in (*allowed_hosts, "localhost") and not _is_loopback(host):
            raise LeftLoopbackError(f"a test tried to connect to {arguments[1]!r}; tests talk to the embedded hub only")

    sys.addaudithook(hook)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
