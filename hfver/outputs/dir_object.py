"""DVC's ``.dir`` objects: the list of files whose md5 is a directory's identity.

The bytes are ``json.dumps`` of ``[{"md5": …, "relpath": …}, …]`` sorted by relpath, keys sorted, ASCII, no newline; the
object id is their md5 with ``.dir`` appended. We must write exactly these bytes: git holds the id.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from operator import itemgetter

from hfver.errors import IntegrityError
from hfver.model import DIR_SUFFIX, OutputFile

_MD5 = re.compile(r"[0-9a-f]{32}")
_MD5S = re.compile(r"[0-9a-f]{32}(?:\n[0-9a-f]{32})*")


def build_dir_object(files: Iterable[OutputFile]) -> bytes:
    entries = [{"md5": file.md5, "relpath": file.path} for file in files]
    return json.dumps(sorted(entries, key=lambda entry: entry["relpath"]), sort_keys=True).encode()


def dir_object_id(raw: bytes) -> str:
    return hashlib.md5(raw, usedforsecurity=False).hexdigest() + DIR_SUFFIX


def directory_id(files: Iterable[OutputFile]) -> str:
    return dir_object_id(build_dir_object(files))


def parse_dir_object(raw: bytes, origin: str) -> tuple[OutputFile, ...]:
    """The files of a directory, by path. ``origin`` names the object in errors."""
    try:
        entries = json.loads(raw)
    except (ValueError, RecursionError) as exc:
        raise IntegrityError(f"{origin} is not a DVC directory object: {exc}") from exc
    if not isinstance(entries, list):
        raise IntegrityError(f"{origin} is not a DVC directory object: it is no list")
    try:
        files = [OutputFile(entry["relpath"], entry["md5"]) for entry in entries]
    except (TypeError, KeyError):
        files = []
    if len(files) != len(entries) or not _all_valid(files):
        files = [_entry(entry, origin) for entry in entries]  # says which one it is
    files.sort(key=itemgetter(0))
    if len({file.path for file in files}) != len(files):
        raise IntegrityError(f"{origin} names a file twice")
    return tuple(files)


def _all_valid(files: Sequence[OutputFile]) -> bool:
    """What ``_entry`` looks at, for tens of thousands of files at once."""
    try:
        md5s, paths = "\n".join([file.md5 for file in files]), "/\0/".join([file.path for file in files])
    except TypeError:
        return False
    valid = _MD5S.fullmatch(md5s) is not None and md5s.count("\n") == len(files) - 1
    return valid and paths.count("\0") == len(files) - 1 and is_safe_path(paths.replace("\0", "x"))


def _entry(entry: object, origin: str) -> OutputFile:
    md5, path = (entry.get("md5"), entry.get("relpath")) if isinstance(entry, dict) else (None, None)
    if not isinstance(md5, str) or not isinstance(path, str) or not _MD5.fullmatch(md5):
        raise IntegrityError(f"{origin} has an entry without md5 and relpath: {str(entry)[:200]}")
    if not is_safe_path(path):
        raise IntegrityError(f"{origin} names a file outside its directory: {path!r}")
    return OutputFile(path, md5)


def is_safe_path(path: str) -> bool:
    """Whether a relative path stays below the directory it is relative to, wherever it came from."""
    framed = f"/{path}/"
    return not ("//" in framed or "/../" in framed or "/./" in framed or "\0" in path)
