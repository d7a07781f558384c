"""Work that is owed, on disk, until it is done.

    <git common dir>/hfver/outbox/release-<digest>.json     one file per (kind, ref, oid)
    <git common dir>/hfver/outbox/damaged/                   entries nobody can read any more, set aside
    <git common dir>/hfver/worker.lock                       held by the one process that works on entries

Standard library only: hooks write here.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

from hfver.atomic import fsync_directory, write_atomic
from hfver.leftovers import sweep_once
from hfver.locks import UNATTENDED, FileLock, Patience, Tell
from hfver.redact import redact
from hfver.small_json import read_json

Kind = Literal["release", "mirror"]
_KINDS = ("release", "mirror")
_BEGUN_WITHIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Owed:
    """One thing to do: publish ``ref`` as it was at ``oid``, or mirror the branch ``ref`` up to ``oid``."""

    kind: Kind
    ref: str  # full name: refs/tags/v1.2.3, refs/heads/main
    oid: str  # what the ref pointed at when it was noticed: for an annotated tag the tag object
    old: str  # what it pointed at before; zeros or "" when that is unknown
    worktree: str  # top of the work tree (or the git dir of a bare repository) in which it was noticed
    evidence: str  # why this is taken for intent, in words
    noticed: str  # ISO 8601 time, UTC
    attempts: int = 0
    last_error: str | None = None
    private: bool | None = None  # as the command line that owes it said; None: as the configuration says

    @property
    def name(self) -> str:
        """The short name people use: v1.2.3, main."""
        return self.ref.removeprefix("refs/tags/").removeprefix("refs/heads/")

    def is_left(self, now: datetime) -> bool:
        """Whether nobody is about to do it: tried before, or whoever noticed it has not begun for a minute."""
        return self.attempts > 0 or now - datetime.fromisoformat(self.noticed) > _BEGUN_WITHIN


class Entries(NamedTuple):
    owed: list[Owed]  # oldest first
    problems: list[str]  # one sentence per entry that had to be set aside


class Outbox:
    def __init__(self, common_dir: Path) -> None:
        self.directory = common_dir / "hfver" / "outbox"
        self.damaged = self.directory / "damaged"
        self._lock_file = common_dir / "hfver" / "worker.lock"

    def lock(self, patience: Patience = UNATTENDED, tell: Tell = lambda _sentence: None) -> FileLock:
        """The worker's lock: whoever does what is owed holds it, so that nothing is done twice at once."""
        return FileLock(self._lock_file, patience=patience, doing="works on this clone", tell=tell)

    def add(self, owed: Owed) -> bool:
        """Owe it. False when it was owed already: the entry that is there, with its attempts, stays.

        What it is to be for others is as was said last.
        """
        path = self._path(owed)
        with suppress(FileNotFoundError):  # not there, or done by another process just now
            known = _read(path)
            if known is not None:
                if owed.private not in (None, known.private):
                    _write(path, replace(known, private=owed.private))
                return False
        _write(path, owed)
        return True

    def entries(self) -> Entries:
        sweep_once(str(self.directory))
        owed: list[Owed] = []
        problems: list[str] = []
        for path in sorted(self.directory.glob("*.json")):
            try:
                entry = _read(path)
                if entry is None or path.name != _file_name(entry):
                    problems.append(self._set_aside(path))
                else:
                    owed.append(entry)
            except FileNotFoundError:
                continue  # done by another process between listing and reading
            except OSError as error:
                problems.append(f"{path} cannot be read ({error.strerror}); what it says is owed is not known")
        owed.sort(key=lambda entry: (entry.noticed, entry.ref))
        return Entries(owed, problems)

    def done(self, owed: Owed) -> None:
        """Forget it: it happened. Doing this twice is harmless."""
        self._path(owed).unlink(missing_ok=True)
        if self.directory.is_dir():
            fsync_directory(self.directory)

    def failed(self, owed: Owed, message: str) -> Owed:
        """Record an attempt that did not succeed; it stays owed."""
        known = self._current(owed)
        entry = replace(known, attempts=known.attempts + 1, last_error=redact(message))
        _write(self._path(owed), entry)
        return entry

    def _current(self, owed: Owed) -> Owed:
        try:
            return _read(self._path(owed)) or owed
        except FileNotFoundError:
            return owed

    def _path(self, owed: Owed) -> Path:
        return self.directory / _file_name(owed)

    def _set_aside(self, path: Path) -> str:
        place = self.damaged / path.name
        try:
            self.damaged.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(place):
                place = self.damaged / f"{path.name}.{secrets.token_hex(4)}"
            path.replace(place)
        except FileNotFoundError:
            raise
        except OSError as error:
            return f"{path} is no entry of the outbox, and cannot be moved to {place}: {error.strerror}"
        fsync_directory(self.directory)
        return f"{path.name} in the outbox was unreadable; it now is {place}"


def _file_name(owed: Owed) -> str:
    digest = hashlib.sha256(f"{owed.ref}\0{owed.oid}".encode("utf-8", "surrogateescape")).hexdigest()
    return f"{owed.kind}-{digest[:32]}.json"


def _write(path: Path, owed: Owed) -> None:
    # Names of refs are bytes to git; surrogates keep the ones that are not UTF-8, escaped in the JSON text.
    write_atomic(path, json.dumps(asdict(owed), sort_keys=True, indent=1).encode("ascii"))


def _read(path: Path) -> Owed | None:
    """The entry, or None when the file holds no whole one (cut off by a full disk, written by something else)."""
    try:
        return _parse(read_json(path))
    except ValueError:
        return None


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _parse(value: Any) -> Owed | None:
    if not isinstance(value, dict):
        return None
    known: dict[str, Any] = {field.name: value.get(field.name) for field in fields(Owed)}
    texts = [known[name] for name in ("ref", "oid", "old", "worktree", "evidence", "noticed")]
    if known["kind"] not in _KINDS or not all(isinstance(text, str) and "\0" not in text for text in texts):
        return None
    if not known["ref"].startswith("refs/") or not _is_moment(known["noticed"]):
        return None
    if type(known["attempts"]) is not int or not isinstance(known["last_error"], str | None):
        return None
    if not isinstance(known["private"], bool | None):
        return None
    return Owed(**known)
