"""What stands in the place of an output now."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import NamedTuple

# Never part of an output, as DVC sees it.
_SKIPPED_DIRECTORIES = frozenset({".git", ".hg", ".dvc"})
TEMPORARY_PREFIX = ".hfver-tmp-"


class Found(NamedTuple):
    """One file or symbolic link. ``info`` describes the content: of the link's target, None when that is gone."""

    own: os.stat_result
    info: os.stat_result | None

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.own.st_mode)


@dataclass(slots=True)
class Scan:
    """By path relative to the output, ``/`` between parts; a single file or link has the path ``""``."""

    root: str
    files: dict[str, Found] = field(default_factory=dict)
    odd: dict[str, str] = field(default_factory=dict)  # what is neither file nor directory: path -> what it is
    directories: list[str] = field(default_factory=list)  # parents before children
    leftovers: list[str] = field(default_factory=list)  # of a checkout that was killed


def scan(root: str) -> Scan:
    """Everything below ``root``, or ``root`` itself when it is a file. Nothing there: an empty scan."""
    result = Scan(root)
    try:
        own = os.lstat(root)
    except (FileNotFoundError, NotADirectoryError):
        return result
    if stat.S_ISDIR(own.st_mode) or (stat.S_ISLNK(own.st_mode) and os.path.isdir(root)):
        _scan_directory(root, "", result)
    elif stat.S_ISREG(own.st_mode) or stat.S_ISLNK(own.st_mode):
        result.files[""] = Found(own, _target(root, own))
    else:
        result.odd[""] = "not a regular file"
    return result


def _scan_directory(path: str, prefix: str, result: Scan) -> None:
    below = []
    with os.scandir(path) as entries:
        for entry in entries:
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _SKIPPED_DIRECTORIES:
                    below.append((entry.path, name))
            elif entry.name.startswith(TEMPORARY_PREFIX):
                result.leftovers.append(name)
            elif entry.is_file(follow_symlinks=False):
                own = entry.stat(follow_symlinks=False)
                result.files[name] = Found(own, own)
            elif entry.is_symlink() and not entry.is_dir():
                own = entry.stat(follow_symlinks=False)
                result.files[name] = Found(own, _target(entry.path, own))
            else:
                result.odd[name] = "a link to a directory" if entry.is_symlink() else "not a regular file"
    for child, name in below:
        result.directories.append(name)
        _scan_directory(child, name + "/", result)


def _target(path: str, own: os.stat_result) -> os.stat_result | None:
    if not stat.S_ISLNK(own.st_mode):
        return own
    try:
        return os.stat(path)
    except OSError:  # a dangling link, or a loop
        return None


def unchanged_since(path: str, found: Found) -> bool:
    """Whether the file is still the one that was scanned."""
    try:
        now = os.lstat(path)
    except FileNotFoundError:
        return False
    then = found.own
    return (now.st_ino, now.st_size, now.st_mtime_ns) == (then.st_ino, then.st_size, then.st_mtime_ns)
