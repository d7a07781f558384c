"""What a repository's own .gitattributes and .gitignore say about its paths."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pygit2.enums import AttrCheck

if TYPE_CHECKING:
    from hfver.local_hub.git.repository import GitRepository

FILE = ".gitattributes"
FROM_COMMIT = AttrCheck.INCLUDE_COMMIT | AttrCheck.INDEX_ONLY | AttrCheck.NO_SYSTEM


def is_lfs(git: GitRepository, commit: str, path: str) -> bool:
    value: object = git.raw.get_attr(path, "filter", FROM_COMMIT, commit)
    return value == "lfs"


def lfs_line(path: str) -> str:
    """The line that marks exactly this path, spelled as git-lfs does."""
    escaped = "".join(f"\\{c}" if c in "*?[\\" else c for c in path).replace(" ", "[[:space:]]")
    return f"/{escaped} filter=lfs diff=lfs merge=lfs -text\n"


def with_lines(old: bytes, paths: Iterable[str]) -> bytes:
    separator = b"" if not old or old.endswith(b"\n") else b"\n"
    return old + separator + "".join(lfs_line(path) for path in sorted(paths)).encode()


def ignore_rule(patterns: str | None) -> Callable[[str], bool]:
    """Whether this .gitignore at the root leaves a path out. Files that git itself reads are never left out."""
    if not patterns or not patterns.strip():
        return lambda path: False  # noqa: ARG005
    from pathspec import GitIgnoreSpec

    spec = GitIgnoreSpec.from_lines(patterns.splitlines())
    return lambda path: path not in (FILE, ".gitignore") and spec.match_file(path)


def repo_ignores(git: GitRepository, commit: str) -> str | None:
    data = git.small_file(commit, ".gitignore")
    return None if data is None else data.decode("utf-8", "replace")
