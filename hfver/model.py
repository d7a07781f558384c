"""Frozen values everyone shares. No I/O, no open files, no handles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

DIR_SUFFIX = ".dir"


class OutputFile(NamedTuple):
    """One file of an output. There are many of them, and a tuple is made three times as fast as a data class.

    ``path`` is relative to the output with ``/`` between its parts; a single-file output has one entry named like
    the file. ``md5`` is DVC's digest of the content. ``size`` in bytes and ``sha256`` are None while unknown: DVC's
    ``.dir`` objects hold neither.
    """

    path: str
    md5: str
    size: int | None = None
    sha256: str | None = None
    isexec: bool = False


@dataclass(frozen=True, slots=True)
class OutputPointer:
    """What git records about an output at one commit, read from a ``.dvc`` file or from ``dvc.lock``.

    ``path`` is the output relative to the top of the git work tree. ``md5`` ends in ``.dir`` for a directory and is
    None when only ``files`` lists the content (cloud-versioned outputs) or when nothing was recorded yet.
    """

    path: str
    md5: str | None
    pointer_file: str  # relative to the top of the git work tree: model.dvc, or dvc.lock
    stage: str | None = None  # name in dvc.yaml, for outputs of pipelines
    dvc_root: str = ""  # directory that holds .dvc/, relative to the top of the git work tree; "" is the top itself
    size: int | None = None
    nfiles: int | None = None
    isexec: bool = False
    hash_name: Literal["md5", "md5-dos2unix"] = "md5"
    cached: bool = True  # False for `cache: false`: the bytes are a git blob, not a cache object
    pushed: bool = True  # False for `push: false` and for imports: no DVC remote ever has the bytes
    remote: str | None = None
    files: tuple[OutputFile, ...] | None = None
    subpath: str = ""  # the part of the output that was asked for, when it is not all of it

    @property
    def is_dir(self) -> bool:
        return self.files is not None or (self.md5 is not None and self.md5.endswith(DIR_SUFFIX))


@dataclass(frozen=True, slots=True)
class Output:
    """An output with its list of files: what one version of a model consists of."""

    pointer: OutputPointer
    files: tuple[OutputFile, ...]  # sorted by path
    part_oid: str | None = None  # what DVC would call the part named by pointer.subpath, were it an output of its own

    @property
    def oid(self) -> str:
        """DVC's identity of the content; equal oids are equal models."""
        return self.part_oid or self.pointer.md5 or ""

    @property
    def path(self) -> str:
        """Where the files are, relative to the top of the git work tree."""
        return f"{self.pointer.path}/{self.pointer.subpath}" if self.pointer.subpath else self.pointer.path


@dataclass(frozen=True, slots=True)
class Tag:
    """A git tag that points (through a tag object, if annotated) at a commit.

    A version made outside any git repository has an empty ``commit``.
    """

    name: str
    commit: str
    tag_object: str | None  # None for a lightweight tag
    subject: str  # first line of the tag's message, or of the commit's for a lightweight tag
    model_path: str | None = None  # what the tag's own `Model-Path:` line says, where it is not the configured path
