"""What hfver wrote into a repository's hooks, so that it can be taken back byte for byte.

<git common dir>/hfver/hooks.json
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hfver.atomic import write_atomic
from hfver.small_json import read_json

NAME = "hooks.json"


@dataclass(frozen=True, slots=True)
class Installed:
    """One hook: the file we wrote, its digest, and the digest of the one that was moved aside for it."""

    path: str
    sha256: str
    method: str
    original: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    hooks: dict[str, Installed] = field(default_factory=dict)
    log_all_ref_updates: str | None = None  # "" when it was not set before we set it; None: we left it alone


def read_record(home: Path) -> Record:
    """What is recorded; nothing when there is no record or nobody can read it any more."""
    try:
        value: Any = read_json(home / NAME)
        hooks = {str(name): _installed(**entry) for name, entry in value["hooks"].items()}
        return Record(hooks, _text(value["log_all_ref_updates"]))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Record()


def _installed(path: object, sha256: object, method: object, original: object = None) -> Installed:
    return Installed(_text(path) or "", _text(sha256) or "", _text(method) or "", _text(original))


def _text(value: object) -> str | None:
    if not isinstance(value, str | None) or (value is not None and "\0" in value):
        raise TypeError(f"text expected, got {value!r:.100}")
    return value


def write_record(home: Path, record: Record) -> None:
    write_atomic(home / NAME, json.dumps(asdict(record), indent=1, sort_keys=True).encode("ascii"))
