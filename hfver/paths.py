"""Which file names may travel between git, DVC, the Hub and people's disks.

Everything here is pure. Names come from untrusted places (a receipt, a tree listing, somebody's output directory), so
they are checked before a byte is written anywhere.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

RECEIPT_PATH = ".hfver/release.json"
CARD_PATH = "README.md"
ATTRIBUTES_PATH = ".gitattributes"

# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_WINDOWS_DEVICES = {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(1, 10)), *(f"lpt{n}" for n in range(1, 10))}
_WINDOWS_CHARACTERS = set('<>:"|?*\\')
_MAX_PART_BYTES = 255


@dataclass(frozen=True, slots=True)
class NameProblem:
    """Why a path cannot (``fatal``) or should not be published."""

    path: str
    reason: str
    fatal: bool


def unsafe_reason(path: str) -> str | None:
    """Why ``path`` must never be written below a directory, or None when it is safe."""
    if not path:
        return "is empty"
    if path.startswith("/") or (len(path) > 1 and path[1] == ":"):
        return "is absolute"
    if "\\" in path:
        return "has a backslash"
    if any(ord(char) < 32 or ord(char) == 127 for char in path):
        return "has a control character"
    if any("\ud800" <= char <= "\udfff" for char in path):
        return "is not valid UTF-8"
    for part in path.split("/"):
        if part in ("", ".", ".."):
            return f"has a {part!r} part"
        if part.lower() == ".git":
            return "lies in a .git directory"
        if len(part.encode("utf-8")) > _MAX_PART_BYTES:
            return f"has a part longer than {_MAX_PART_BYTES} bytes"
    return None


def name_problems(paths: Iterable[str]) -> list[NameProblem]:
    """Everything wrong with a set of paths that is to become one Hub tree."""
    listed = list(paths)
    problems = [problem for path in listed for problem in _problems_of(path)]
    problems += _collisions(listed)
    return problems


def _problems_of(path: str) -> Iterable[NameProblem]:
    if reason := unsafe_reason(path):
        yield NameProblem(path, reason, fatal=True)
        return
    parts = path.split("/")
    if parts[0] == ".hfver":
        yield NameProblem(path, "lies in .hfver/, where hfver keeps the receipt of a release", fatal=True)
    if ".cache" in parts and "huggingface" in parts:
        yield NameProblem(path, "lies in .cache/huggingface, which the Hub client refuses to upload", fatal=True)
    for part in parts:
        if part.split(".")[0].lower() in _WINDOWS_DEVICES:
            yield NameProblem(path, f"has {part!r}, a reserved name on Windows", fatal=False)
        elif part[-1] in ". " or _WINDOWS_CHARACTERS & set(part):
            yield NameProblem(path, f"has {part!r}, which Windows cannot store", fatal=False)


def _collisions(paths: list[str]) -> Iterable[NameProblem]:
    files = set(paths)
    same: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        same[unicodedata.normalize("NFC", path).casefold()].append(path)
        parts = path.split("/")
        for depth in range(1, len(parts)):
            parent = "/".join(parts[:depth])
            if parent in files:
                yield NameProblem(path, f"lies below {parent!r}, which is a file", fatal=True)
    for names in same.values():
        for name in names[1:]:
            reason = f"differs from {names[0]!r} only in case or Unicode form: one of them is lost on macOS and Windows"
            yield NameProblem(name, reason, fatal=False)
