"""Which file names may travel between git, DVC, the Hub and people's disks.

Everything here is pure. Names come from untrusted places (a receipt, a tree listing, somebody's output directory), so
they are checked before a byte is written anywhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

RECEIPT_PATH = ".hfver/release.json"
CARD_PATH = "README.md"
ATTRIBUTES_PATH = ".gitattributes"

# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_WINDOWS_DEVICES = {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(1, 10)), *(f"lpt{n}" for n in range(1, 10))}
_WINDOWS_CHARACTERS = set('<>:"|?*\\')
_MAX_PART_BYTES = 255

# Parts of a path that lead out of a directory, or that some file system takes for .git or .dvc, in text framed by
# slashes: HFS+ and APFS fold case and overlook ignorable code points, NTFS drops dots and spaces at the end, reads what
# follows a colon as a stream, and gives every long name a short one. The rules are git's own (utf8.c is_hfs_dotgit,
# path.c is_ntfs_dotgit; CVE-2014-9390, CVE-2019-1353), for .dvc as for .git: DVC reads its settings there.
_ESCAPE = re.compile(
    r"(?P<empty>//)|/(?:(?P<dots>[. ]*\.[. ]*)"
    r"|(?P<disguised>\.(?:git|dvc)[. ]*|(?:(?:git|dvc)~[0-9]+|(?:gi|dv)[0-9a-f]{4}~[0-9])[. ]*))[:/]",
    re.IGNORECASE | re.ASCII,
)
# Default_Ignorable_Code_Point of Unicode: more than HFS+ overlooks, and nothing a name needs.
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


@dataclass(frozen=True, slots=True)
class NameProblem:
    """Why a path cannot (``fatal``) or should not be published."""

    path: str
    reason: str
    fatal: bool


def escape_reason(path: str) -> str | None:
    """Why a relative path could lead out of its directory, or into .git or .dvc on some file system; else None."""
    if not path:
        return "is empty"
    if path.startswith("/"):
        return "is absolute"
    if "\0" in path:
        return "has a NUL character"
    found = _ESCAPE.search(f"/{_folded(path)}/")
    if found is None:
        return None
    if found["empty"]:
        return "has an empty part"
    if found["dots"]:
        return f"has a {found['dots']!r} part"
    return f"has a part that a file system could take for {'.git' if 'g' in found['disguised'].lower() else '.dvc'}"


def have_escapes(paths: Sequence[str]) -> bool:
    """Whether ``escape_reason`` has something to say about any of the paths; for tens of thousands of them at once."""
    framed = "/" + "/\0/".join(paths) + "/"
    if framed.count("\0") != max(len(paths) - 1, 0):
        return True
    return bool(paths) and _ESCAPE.search(_folded(framed)) is not None


def _folded(text: str) -> str:
    """As the file system that is least particular compares names."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", _IGNORABLE.sub("", text)).casefold()


def unsafe_reason(path: str) -> str | None:
    """Why ``path`` must never be written below a directory on any system, or None when it is safe."""
    if len(path) > 1 and path[1] == ":":
        return "is absolute"
    if "\\" in path:
        return "has a backslash"
    if any(ord(char) < 32 or ord(char) == 127 for char in path):
        return "has a control character"
    if any("\ud800" <= char <= "\udfff" for char in path):
        return "is not valid UTF-8"
    if reason := escape_reason(path):
        return reason
    if any(len(part.encode("utf-8")) > _MAX_PART_BYTES for part in path.split("/")):
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
