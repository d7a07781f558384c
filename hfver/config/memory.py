"""Configurations that were found to be right, remembered by the bytes of their files.

A configuration is a function of its two files, of what wins over them and of hfver itself. All of these are in the key,
so that a row is never stale; a configuration with a mistake is never remembered.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from hfver import __version__
from hfver.config.environment import Override

Read = Callable[[str], bytes | None]
# An address that is a secret in itself: it may come from the environment so that it is written nowhere.
_SECRET = ("notifications", "webhook_url")


class ConfigMemory(Protocol):
    """What remembering needs; ``hfver.state.State`` has it."""

    def known_details_files(self, main: str) -> Iterable[str]:
        """Names of the detailed files that configurations with this main file were made of."""

    def known_config(self, main: str, details: str) -> str | None: ...
    def remember_config(self, main: str, details: str, details_file: str, body: str) -> None: ...


class Remembered:
    """The memory for one main file and what wins over it."""

    def __init__(self, memory: ConfigMemory, name: str, raw: bytes, chosen: Mapping[tuple[str, ...], Override]) -> None:
        self._memory, self._secret = memory, _SECRET in chosen
        winning = [(override.path, override.value) for override in chosen.values()]
        stated = json.dumps([__version__, _code_changed(), name, winning], default=str)
        self._main = _digest(stated.encode(), raw)

    def find(self, read: Read) -> str | None:
        """The configuration, as remembered, if the detailed file that goes with it has not changed either."""
        for name in self._memory.known_details_files(self._main):
            body = self._memory.known_config(self._main, _digest(name.encode(), read(name)))
            if body is not None:
                return body
        return None

    def keep(self, details_file: str, raw: bytes | None, body: str) -> None:
        if not self._secret:
            self._memory.remember_config(self._main, _digest(details_file.encode(), raw), details_file, body)


def _digest(label: bytes, raw: bytes | None) -> str:
    content = b"none" if raw is None else hashlib.sha256(raw).digest()
    return hashlib.sha256(hashlib.sha256(label).digest() + content).hexdigest()


def _code_changed() -> int:
    """When the code that reads configurations last changed, in ns: a checkout of hfver changes without its version."""
    with os.scandir(Path(__file__).parent) as entries:
        return max(entry.stat().st_mtime_ns for entry in entries if entry.name.endswith(".py"))
