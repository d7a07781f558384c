"""What a commit does to the tree, one step after the other."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hfver.local_hub.errors import HubError
from hfver.local_hub.texts import is_text

LONGEST_PATH = 1024
LONGEST_NAME = 255
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class AddBlob:
    """A file whose content is in git already."""

    path: str
    oid: str


@dataclass(frozen=True, slots=True)
class AddPointer:
    """A file whose content lies in the content store. A copy does not say its size."""

    path: str
    sha256: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Delete:
    path: str
    folder: bool


Operation = AddBlob | AddPointer | Delete


def check_path(path: str) -> str:
    """Refuse paths that could leave a checkout, hide in it or not exist on a disk."""
    names = path.split("/")
    problem = None
    if (
        not path
        or len(path) > LONGEST_PATH
        or any(len(name.encode("utf-8", "replace")) > LONGEST_NAME for name in names)
    ):
        problem = "it is empty or too long"
    elif "\\" in path or CONTROL.search(path) or not is_text(path):
        problem = "it holds a backslash or a control character"
    elif any(name in ("", ".", "..") for name in names):
        problem = "a part of it is empty, '.' or '..'"
    elif any(name.lower() == ".git" for name in names):
        problem = "'.git' belongs to git"
    if problem:
        raise HubError(422, None, f"Invalid path in repo {path!r}: {problem}.")
    return path
