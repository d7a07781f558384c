"""The receipt of a release: `.hfver/release.json` in every Hub revision hfver makes.

It says what the revision was made of. It has no clock and no host name, so that two machines publishing the same tag
write the same bytes. The DVC ``.dir`` object can be rebuilt from its file list and must hash to the oid that git
holds, which chains a git commit to the bytes on the Hub.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfver.errors import IntegrityError
from hfver.hashing import HashName
from hfver.model import OutputFile
from hfver.paths import RECEIPT_PATH, unsafe_reason
from hfver.small_json import require_shallow

SCHEMA = 1
MAX_BYTES = 64 * 1024 * 1024  # a receipt of 25,000 files is about 6 MB; more than this is not one of ours
_DEEPEST = 200  # levels of parameters; files with more than 100 are refused (see yaml_depth)

_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class GitOrigin:
    """Where in git a release comes from; None in a receipt made outside any git repository."""

    commit: str
    tag_object: str | None = None
    remote: str | None = None  # without credentials


@dataclass(frozen=True, slots=True)
class ConfigsRevision:
    """The mirror's revision that holds the configs of the same commit."""

    repo: str
    revision: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one release was made of. ``files`` are sorted by path and have size, md5 and sha256."""

    version: str
    tag: str
    git: GitOrigin | None
    name: str  # of the model, as configured
    path: str  # of the output in git
    md5: str  # DVC's oid of the output
    files: tuple[OutputFile, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    configs: ConfigsRevision | None = None
    generated_card: str | None = None  # only when the published card has people's edits: the base of the next merge
    tools: Mapping[str, str] = field(default_factory=dict)  # name -> major.minor
    hash_name: HashName = "md5"  # how DVC made the md5s

    @property
    def size(self) -> int:
        return sum(file.size or 0 for file in self.files)

    @property
    def tree(self) -> str:
        return tree_digest(self.files)


def tree_digest(files: Iterable[OutputFile]) -> str:
    """sha256 over the canonical file list: one JSON line ``[path, size, sha256]`` per file, sorted by path."""
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.path):
        if file.sha256 is None or file.size is None:
            raise ValueError(f"{file.path} has not been hashed yet")
        digest.update(json.dumps([file.path, file.size, file.sha256], separators=(",", ":")).encode() + b"\n")
    return digest.hexdigest()


def dump_receipt(receipt: Receipt) -> bytes:
    """The receipt as it is published: sorted keys, UTF-8, one trailing newline."""
    git = receipt.git
    body: dict[str, Any] = {
        "schema": SCHEMA,
        "version": receipt.version,
        "tag": receipt.tag,
        "git": None if git is None else {"commit": git.commit, "tag_object": git.tag_object, "remote": git.remote},
        "model": {
            "name": receipt.name,
            "path": receipt.path,
            "md5": receipt.md5,
            "hash": receipt.hash_name,
            "size": receipt.size,
            "nfiles": len(receipt.files),
        },
        "files": [_dump_file(file) for file in receipt.files],
        "tree": receipt.tree,
        "params": receipt.params,
        "metrics": receipt.metrics,
        "configs": None
        if receipt.configs is None
        else {"repo": receipt.configs.repo, "revision": receipt.configs.revision},
        "tools": receipt.tools,
    }
    if receipt.generated_card is not None:
        body["generated_card"] = receipt.generated_card
    return (json.dumps(body, sort_keys=True, ensure_ascii=False, indent=1) + "\n").encode()


def _dump_file(file: OutputFile) -> dict[str, Any]:
    entry: dict[str, Any] = {"path": file.path, "size": file.size, "md5": file.md5, "sha256": file.sha256}
    return entry | {"exec": True} if file.isexec else entry


def parse_receipt(data: bytes, *, where: str) -> Receipt:
    """Read a receipt that came from the Hub.

    Nothing in it is believed: names that could escape a directory, malformed digests and sums that do not add up raise
    IntegrityError naming ``where`` (``repo@revision``).
    """
    try:
        body = json.loads(data)
        receipt = _from_body(body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise IntegrityError(f"{where}: {RECEIPT_PATH} is not a receipt this hfver can read ({error})") from error
    for file in receipt.files:
        if reason := unsafe_reason(file.path):
            raise IntegrityError(f"{where}: the receipt names {file.path!r}, which {reason}")
    if body["tree"] != receipt.tree:
        raise IntegrityError(f"{where}: the receipt's tree digest is not that of its own file list")
    return receipt


def _from_body(body: Any) -> Receipt:
    if body["schema"] != SCHEMA:
        raise ValueError(f"schema {body['schema']!r}, known is {SCHEMA}")
    git, model, configs = body["git"], body["model"], body["configs"]
    files = tuple(sorted((_parse_file(entry) for entry in body["files"]), key=lambda file: file.path))
    if len({file.path for file in files}) != len(files):
        raise ValueError("a path is listed twice")
    return Receipt(
        version=_text(body["version"]),
        tag=_text(body["tag"]),
        git=None
        if git is None
        else GitOrigin(_text(git["commit"]), _optional(git.get("tag_object")), _optional(git.get("remote"))),
        name=_text(model["name"]),
        path=_text(model["path"]),
        md5=_digest(model["md5"], _MD5),
        files=files,
        params=require_shallow(dict(body["params"]), deepest=_DEEPEST),
        metrics=require_shallow(dict(body["metrics"]), deepest=_DEEPEST),
        configs=None if configs is None else ConfigsRevision(_text(configs["repo"]), _text(configs["revision"])),
        generated_card=_optional(body.get("generated_card")),
        tools={_text(name): _text(version) for name, version in body["tools"].items()},
        hash_name=_hash_name(model["hash"]),
    )


def _parse_file(entry: Any) -> OutputFile:
    size = entry["size"]
    if type(size) is not int or not 0 <= size < 1 << 63:
        raise ValueError(f"size {size!r}")
    return OutputFile(
        path=_text(entry["path"]),
        md5=_digest(entry["md5"], _MD5),
        size=size,
        sha256=_digest(entry["sha256"], _SHA256),
        isexec=bool(entry.get("exec", False)),
    )


def _hash_name(value: Any) -> HashName:
    if value not in ("md5", "md5-dos2unix"):
        raise ValueError(f"hash {value!r}")
    return "md5" if value == "md5" else "md5-dos2unix"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text expected, got {type(value).__name__}")
    return value


def _optional(value: Any) -> str | None:
    return None if value is None else _text(value)


def _digest(value: Any, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ValueError(f"not a digest: {value!r}")
    return value
