"""Copies of what is about to be sent.

    <backup.local_backup_dir>/<20240101T120000Z>-<version or experiment>/model/…   config.yaml   results/…

The model's files are links to objects of DVC's cache where the file system allows: those never change, while the files
of the work tree may be written to in place by the next training.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hfver.errors import StateError
from hfver.leftovers import own_name, sweep
from hfver.paths import unsafe_reason
from hfver.training.ignored import make_ignored

_NAME = re.compile(r"\d{8}T\d{6}Z-.+")
_PARTIAL = ".partial-"


@dataclass(frozen=True, slots=True)
class Backup:
    path: Path
    files: int
    removed: tuple[str, ...]  # names of older backups that made room


def make_backup(
    folder: Path, name: str, files: Mapping[str, Path | bytes], keep: int, now: datetime, *, link: bool = True
) -> Backup:
    """Copy or link the files below a new directory of ``folder``; older ones beyond ``keep`` are removed.

    The directory appears under its name when it is whole. ``link=False`` for files that may be written to in place.
    """
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    target = _free(folder / f"{stamp}-{name}")
    make_ignored(folder)
    sweep(folder, _PARTIAL)
    partial = folder / own_name(_PARTIAL)
    try:
        for path, source in files.items():
            if reason := unsafe_reason(path):
                raise StateError(f"{path!r} cannot be backed up: it {reason}")
            _place(source, partial / path, link=link)
        partial.mkdir(parents=True, exist_ok=True)
        partial.rename(target)
    except OSError as exc:
        raise StateError(f"the backup {target} could not be made: {exc.strerror or exc}") from exc
    finally:
        shutil.rmtree(partial, ignore_errors=True)  # it is there only if this failed
    return Backup(target, len(files), tuple(_prune(folder, keep)))


def list_backups(folder: Path) -> list[Path]:
    """Whole backups, oldest first; nothing else in the folder is ever touched."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and _NAME.fullmatch(path.name))


def _prune(folder: Path, keep: int) -> Iterable[str]:
    for old in list_backups(folder)[:-keep]:
        shutil.rmtree(old)
        yield old.name


def _free(path: Path) -> Path:
    """The path itself, or with a number where two backups fall into one second."""
    candidates = (path if number == 1 else path.with_name(f"{path.name}.{number}") for number in range(1, 1000))
    return next(candidate for candidate in candidates if not candidate.exists())


def _place(source: Path | bytes, target: Path, *, link: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(source, bytes):
        target.write_bytes(source)
        return
    if link:
        with suppress(OSError):  # another file system, or one without links
            os.link(source, target)
            return
    shutil.copy2(source, target)
