"""The body of a commit request: NDJSON, a header line and then one line per operation, read as it arrives.

File contents go into git objects line by line, so a body of 100 MB never lies in memory as a whole.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hfver.local_hub.bodies import parse_object, text_field
from hfver.local_hub.errors import HubError, bad_request, too_large
from hfver.local_hub.git.objects import ObjectWriter
from hfver.local_hub.operations import AddBlob, AddPointer, Delete, Operation, check_path
from hfver.local_hub.texts import SHA256

BODY_LIMIT = 1 << 30
LINE_LIMIT = 64 << 20
MOST_OPERATIONS = 1_000_000
PARENT = re.compile(r"[0-9a-fA-F]{5,40}")


@dataclass(frozen=True, slots=True)
class CommitHeader:
    summary: str
    description: str
    parent: str | None

    @property
    def message(self) -> str:
        return f"{self.summary}\n\n{self.description}" if self.description else self.summary


class CommitBody:
    def __init__(self, writer: ObjectWriter) -> None:
        self.operations: list[Operation] = []
        self._header: CommitHeader | None = None
        self._writer = writer
        self._unfinished: list[bytes] = []
        self._unfinished_bytes = 0
        self._total = 0

    @property
    def header(self) -> CommitHeader:
        if self._header is None:
            raise bad_request("The commit has no header.")
        return self._header

    def feed(self, block: bytes) -> None:
        self._total += len(block)
        if self._total > BODY_LIMIT:
            raise too_large(BODY_LIMIT)
        *lines, rest = block.split(b"\n")
        for line in lines:
            self._take(b"".join([*self._unfinished, line]))
            self._unfinished, self._unfinished_bytes = [], 0
        self._unfinished.append(rest)
        self._unfinished_bytes += len(rest)
        if self._unfinished_bytes > LINE_LIMIT:
            raise too_large(LINE_LIMIT)

    def finish(self) -> None:
        self._take(b"".join(self._unfinished))
        self._unfinished = []

    def _take(self, line: bytes) -> None:
        if not line.strip():
            return
        fields = parse_object(line)
        key, value = fields.get("key"), fields.get("value")
        if not isinstance(value, dict):
            raise bad_request('Each line of a commit needs a "value".')
        if key == "header":
            self._header = _header(value)
        elif len(self.operations) < MOST_OPERATIONS:
            self.operations.append(self._operation(str(key), value))
        else:
            raise HubError(413, None, f"A commit can have at most {MOST_OPERATIONS} operations.")

    def _operation(self, key: str, value: dict[str, Any]) -> Operation:
        path = text_field(value, "path")
        match key:
            case "file":
                return AddBlob(check_path(path), self._writer.write("blob", _content(value)))
            case "lfsFile":
                return _pointer(check_path(path), value)
            case "deletedFile":
                return Delete(check_path(path.strip("/")), folder=False)
            case "deletedFolder":
                return Delete(check_path(path.strip("/")), folder=True)
        raise bad_request(f"The embedded hub does not know the commit operation {key!r}.")


def _header(value: Mapping[str, Any]) -> CommitHeader:
    fields = dict(value)
    summary = text_field(fields, "summary")
    if not summary.strip():
        raise bad_request("The summary of a commit must not be empty.")
    parent = fields.get("parentCommit")
    if parent is not None and not (isinstance(parent, str) and PARENT.fullmatch(parent)):
        raise bad_request('"parentCommit" must be a commit id.')
    return CommitHeader(summary, text_field(fields, "description", default=""), parent)


def _content(value: dict[str, Any]) -> bytes:
    text = text_field(value, "content")
    if value.get("encoding", "utf-8") != "base64":
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise bad_request(f"The content of {value['path']!r} is not base64.") from None


def _pointer(path: str, value: dict[str, Any]) -> AddPointer:
    sha256, size = text_field(value, "oid"), value.get("size")
    if value.get("algo", "sha256") != "sha256" or not SHA256.fullmatch(sha256):
        raise bad_request(f'The "oid" of {path!r} must be a SHA-256.')
    if size is not None and not (isinstance(size, int) and size >= 0):
        raise bad_request(f'The "size" of {path!r} must be a number.')
    return AddPointer(path, sha256, size)
