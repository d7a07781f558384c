"""In what files two versions of a model differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hfver.model import OutputFile

Kind = Literal["added", "changed", "removed", "renamed"]


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file's change; sizes in bytes, None where they are not known here. ``old_path`` differs for renames only."""

    kind: Kind
    path: str
    old_path: str
    old_size: int | None
    new_size: int | None


def compare_files(old: Sequence[OutputFile], new: Sequence[OutputFile]) -> tuple[FileChange, ...]:
    """Changes by path, sorted; equal content under another name is a rename."""
    before, after = {file.path: file for file in old}, {file.path: file for file in new}
    gone = {file.md5: file for path, file in sorted(before.items(), reverse=True) if path not in after}
    changes: list[FileChange] = []
    renamed: set[str] = set()
    for path, file in after.items():
        known = before.get(path)
        if known is None and file.md5 in gone:
            source = gone.pop(file.md5)
            renamed.add(source.path)
            changes.append(FileChange("renamed", path, source.path, source.size, file.size))
        elif known is None:
            changes.append(FileChange("added", path, path, None, file.size))
        elif known.md5 != file.md5:
            changes.append(FileChange("changed", path, path, known.size, file.size))
    changes += [
        FileChange("removed", path, path, file.size, None)
        for path, file in before.items()
        if path not in after and path not in renamed
    ]
    return tuple(sorted(changes, key=lambda change: change.path))
