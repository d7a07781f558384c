"""What the table says of a repository, kept beside its git data too: what gives the names back when the table is lost.

repos/<id>.git/hfver-repo.json
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from hfver.local_hub.durable import sync, write_file

NAME = "hfver-repo.json"
_LARGEST = 1 << 20
_OPTIONAL = frozenset({"gated", "sdk"})


@dataclass(frozen=True, slots=True)
class Record:
    """``owner`` is an account's name; ``earlier`` are names it had before, as ``namespace/name``."""

    kind: str
    namespace: str
    name: str
    owner: str
    visibility: str
    gated: str | None
    sdk: str | None
    created: str
    earlier: tuple[str, ...] = ()


def write_record(git_dir: Path, record: Record) -> None:
    fields = asdict(record)
    body = json.dumps({**fields, "check": _check(fields)}, indent=1, sort_keys=True).encode("ascii")
    write_file(git_dir / NAME, body, temporary=git_dir / f"{NAME}.{secrets.token_hex(4)}")
    sync(git_dir)


def read_record(git_dir: Path) -> Record | None:
    """None when there is none, or when it is not as it was written."""
    try:
        with (git_dir / NAME).open("rb") as file:
            fields = json.loads(file.read(_LARGEST))
        check = fields.pop("check")
        fields["earlier"] = tuple(fields["earlier"])
        record = Record(**fields)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return record if check == _check(fields) and _is_typed(fields) else None


def _check(fields: Mapping[str, Any]) -> int:
    return crc32(json.dumps(fields, sort_keys=True).encode("ascii"))


def _is_typed(fields: Mapping[str, Any]) -> bool:
    texts = [value for name, value in fields.items() if name not in _OPTIONAL | {"earlier"}]
    optional = [fields[name] for name in _OPTIONAL]
    return all(isinstance(value, str) for value in (*texts, *fields["earlier"])) and all(
        isinstance(value, str | None) for value in optional
    )
