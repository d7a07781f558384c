"""Answers of the commands that bring versions back and clean up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

Sources = Annotated[Mapping[str, int], "number of files that came from each place"]


@dataclass(frozen=True, slots=True)
class OutputChange:
    """What a checkout did to one output; paths are relative to it."""

    path: Annotated[str, "the output, relative to the top of the git work tree"]
    md5: Annotated[str, "DVC's identity of its content"]
    written: Annotated[Sequence[str], "files that were written"]
    removed: Annotated[Sequence[str], "files that were removed"]
    unchanged: Annotated[int, "files that were right already"]
    sources: Sources
    problems: Annotated[Sequence[str], "places that failed before another one helped"]
    saved: Annotated[Mapping[str, str], "with `--force`: md5 of what was put into the cache before it was overwritten"]


@dataclass(frozen=True, slots=True)
class CheckedOut:
    """The version that stands in the workspace now."""

    version: Annotated[str, "what was asked for, resolved"]
    commit: Annotated[str, "its commit in git"]
    moved: Annotated[bool, "whether git's HEAD moved"]
    outputs: Sequence[OutputChange]
    left: Annotated[Sequence[str], "outputs that stay as they were: the cache lacks that version of them"]
    updated_pointers: Annotated[Sequence[str], "with `--model-only`: pointer files that were changed"]


@dataclass(frozen=True, slots=True)
class Exported:
    """A copy of a version elsewhere."""

    version: Annotated[str, "what was asked for, resolved"]
    directory: Annotated[str, "where it is"]
    written: Annotated[Sequence[str], "files that were written"]
    unchanged: Annotated[int, "files that were right already"]
    sources: Sources


@dataclass(frozen=True, slots=True)
class Pulled:
    """One output in DVC's cache."""

    path: Annotated[str, "the output, relative to the top of the git work tree"]
    files: Annotated[int, "its files that are in the cache now"]
    sources: Sources
    problems: Annotated[Sequence[str], "places that failed before another one helped"]
    error: Annotated[str | None, "why it could not be had; the exit code is 7 then"]


@dataclass(frozen=True, slots=True)
class Droppable:
    """An object of DVC's cache that a verified release has too."""

    md5: Annotated[str, "its digest"]
    size: Annotated[int, "bytes"]
    release: Annotated[str, "the version that has it"]
    path: Annotated[str, "its path there"]


@dataclass(frozen=True, slots=True)
class Collected:
    """What goes, and what stays although a release has it."""

    drop: Sequence[Droppable]
    kept_in_use: Annotated[int, "objects that the workspace or HEAD uses"]
    leftovers: Annotated[Sequence[str], "hfver's own unfinished files"]
    size: Annotated[int, "bytes that are freed"]
    removed: Annotated[bool, "false with `--dry-run`, or if there is nothing to remove"]
