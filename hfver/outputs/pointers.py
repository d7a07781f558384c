"""What git holds of DVC's outputs: ``.dvc`` files. Pipelines are in ``pipelines``.

Read without DVC, which would take most of a second and fail on any broken pipeline file anywhere in the repository.
All scalars stay strings: an md5 of digits must not become a number.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

from hfver.errors import StateError
from hfver.model import OutputFile, OutputPointer
from hfver.outputs.dir_object import directory_id
from hfver.paths import escape_reason
from hfver.yaml_bounds import POINTERS, find_excess

_OID = re.compile(r"[0-9a-f]{32}(?:\.dir)?")
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def is_dvc_file(path: str) -> bool:
    name = posixpath.basename(path)
    return name.endswith(".dvc") and name != ".dvc"


def parse_dvc_file(raw: bytes, path: str, *, dvc_root: str = "", origin: str = "") -> tuple[OutputPointer, ...]:
    """The outputs of one ``.dvc`` file; ``path`` is relative to the top of the git work tree."""
    data = load_mapping(raw, path, origin)
    base = join_path(posixpath.dirname(path), str(data.get("wdir") or "."))
    imported = any(isinstance(dep, Mapping) and "repo" in dep for dep in as_list(data.get("deps")))
    pointers = []
    for out in as_list(data.get("outs")):
        if not isinstance(out, Mapping) or not isinstance(out.get("path"), str):
            raise StateError(f"{origin or path} is not a DVC file: an output in it has no path")
        place = None if base is None else join_path(base, out["path"])
        if place is not None:
            pointers.append(make_pointer(place, out, out, path, dvc_root=dvc_root, pushable=not imported))
    return tuple(pointers)


def make_pointer(
    place: str,
    record: Mapping[str, Any],
    flags: Mapping[str, Any],
    pointer_file: str,
    *,
    dvc_root: str,
    stage: str | None = None,
    pushable: bool = True,
) -> OutputPointer:
    """An output from what is recorded of its content and what its definition says about it (one mapping in a .dvc).

    StateError for a place that no version may be written to, and for a digest that is none: both become file names.
    """
    require_place(place, pointer_file)
    files = _cloud_files(record.get("files"), pointer_file)
    return OutputPointer(
        path=place,
        md5=_oid(record.get("md5"), pointer_file) or (directory_id(files) if files else None),
        pointer_file=pointer_file,
        stage=stage,
        dvc_root=dvc_root,
        size=as_int(record.get("size")),
        nfiles=as_int(record.get("nfiles")),
        isexec=as_flag(record.get("isexec"), default=False),
        # Before DVC 3 text was hashed with its line ends changed; the absence of `hash` is the only sign of it.
        hash_name="md5" if record.get("hash") == "md5" or files else "md5-dos2unix",
        cached=as_flag(flags.get("cache"), default=True),
        pushed=pushable and as_flag(flags.get("push"), default=True),
        remote=str(flags["remote"]) if flags.get("remote") else None,
        files=files,
    )


def require_place(path: str, pointer_file: str) -> None:
    """StateError for an output in a place that no version may be written to; ``path`` is from git's top."""
    if reason := escape_reason(path) if path else "is the repository itself":
        raise StateError(f"{pointer_file} names the output {path!r}, which {reason}: it is not brought here")


def _oid(value: object, pointer_file: str) -> str | None:
    if not value:
        return None
    if not isinstance(value, str) or not _OID.fullmatch(value):
        raise StateError(f"{pointer_file} records {str(value)[:80]!r} as the md5 of an output, which is none")
    return value


def load_mapping(raw: bytes, path: str, origin: str = "") -> Mapping[str, Any]:
    """The keys and values of a file of DVC's, all of them text. StateError says what is wrong with it.

    ``origin`` is what to call it in errors: its path and the version it is of.
    """
    origin = origin or path
    hints = [f"git log -3 -- {path}"]
    excess = find_excess(raw, POINTERS)
    if excess is not None:
        raise StateError(f"{origin} is not a DVC file: it {excess}", hints=hints)
    from yaml import YAMLError

    from hfver.yaml_loading import PointerLoader, load

    try:
        data = load(raw, PointerLoader)
    except YAMLError as exc:
        raise StateError(f"{origin} is not valid YAML: {_one_line(exc)}", hints=hints) from exc
    if data in (None, ""):
        return {}
    if not isinstance(data, Mapping):
        raise StateError(f"{origin} is not a DVC file: expected keys and values")
    return data


def join_path(base: str, path: str) -> str | None:
    """``base/path`` without ``..``; None for what lies outside the work tree: URLs, absolute paths."""
    if _URL.match(path) or posixpath.isabs(path):
        return None
    joined = posixpath.normpath(posixpath.join(base, path))
    if joined == ".." or joined.startswith("../"):
        return None
    return "" if joined == "." else joined


def as_list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def as_flag(value: object, *, default: bool) -> bool:
    return default if value is None or value == "" else str(value).lower() == "true"


def as_int(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


def _cloud_files(entries: object, pointer_file: str) -> tuple[OutputFile, ...] | None:
    """Files of a directory on a cloud remote with versions; None when not all of them have an md5."""
    if not isinstance(entries, list):
        return None
    files = []
    for entry in entries:
        if not isinstance(entry, Mapping) or not entry.get("md5") or not isinstance(entry.get("relpath"), str):
            return None
        if reason := escape_reason(entry["relpath"]):
            raise StateError(f"{pointer_file} names a file outside its output: {entry['relpath']!r} {reason}")
        md5 = _oid(entry["md5"], pointer_file)
        assert md5 is not None  # looked at above
        isexec = as_flag(entry.get("isexec"), default=False)
        files.append(OutputFile(entry["relpath"], md5, as_int(entry.get("size")), isexec=isexec))
    return tuple(sorted(files, key=lambda file: file.path))


def _one_line(exc: Exception) -> str:
    mark = getattr(exc, "problem_mark", None)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    return place + str(getattr(exc, "problem", None) or exc)
