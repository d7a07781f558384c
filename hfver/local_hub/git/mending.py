"""Mends a bare repository of the store: everything in it but its objects can be made again."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pygit2

from hfver.local_hub.aside import set_aside
from hfver.local_hub.durable import sync, write_file
from hfver.local_hub.git.health import lost_refs, note_missing, run_git
from hfver.local_hub.git.ref_names import DEFAULT_BRANCH, HEADS
from hfver.local_hub.git.refs import write_ref

_HEAD = f"ref: {HEADS}{DEFAULT_BRANCH}\n".encode()
_FOLDERS = ("objects/info", "objects/pack", "refs/heads", "refs/tags")
_PACKED_LINE = re.compile(rb"#.*|\^[0-9a-f]{40}|[0-9a-f]{40} refs/[^\0 ]+")


def make_bare(git_dir: Path) -> pygit2.Repository:
    raw = pygit2.init_repository(str(git_dir), bare=True, initial_head=DEFAULT_BRANCH)
    # The attributes of whoever runs the hub must not decide how its repositories behave.
    raw.config["core.attributesFile"] = "/dev/null"
    return raw


def mend_repository(root: Path, git_dir: Path) -> Iterator[str]:
    """What was mended, in words. Nobody else is at work in the store; what stood in the way is put aside."""
    for name in _FOLDERS:
        for folder in reversed([git_dir / name, *(git_dir / name).parents][: name.count("/") + 1]):
            if folder.is_file():
                set_aside(root, folder, f"{git_dir.name}-{folder.name}")
            if not folder.is_dir():
                folder.mkdir()
                yield f"made its folder {folder.relative_to(git_dir)}"
    for name, content in (("HEAD", _HEAD), ("config", _config(root))):
        if not _is_sound(git_dir, name):
            _replace(root, git_dir, name, content)
            yield f"wrote its file {name} anew"
    if not _is_sound(git_dir, "packed-refs"):
        set_aside(root, git_dir / "packed-refs", f"{git_dir.name}-packed-refs")
        yield "put its file packed-refs aside"
    yield from _mend_refs(root, git_dir)
    if note_missing(git_dir):
        yield "completed its journal of refs"


def _mend_refs(root: Path, git_dir: Path) -> Iterator[str]:
    for name, oid in lost_refs(git_dir).items():
        if oid and run_git(git_dir, "cat-file", "-e", f"{oid}^{{commit}}", check=False).returncode == 0:
            path = git_dir / name
            if os.path.lexists(path):
                set_aside(root, path, f"{git_dir.name}-{name.replace('/', '-')}")
            write_ref(git_dir, name, oid)
            yield f"brought back {name}"


def _config(root: Path) -> bytes:
    with tempfile.TemporaryDirectory(dir=root, prefix="repair-") as folder:
        make_bare(Path(folder))
        return (Path(folder) / "config").read_bytes()


def _is_sound(git_dir: Path, name: str) -> bool:
    path = git_dir / name
    if name == "packed-refs" and not os.path.lexists(path):
        return True  # there is one only after a collection
    if not path.is_file():
        return False
    if name == "config":
        listed = run_git(git_dir, "config", "--file", str(path), "--get", "core.bare", check=False)
        return listed.stdout == "true\n"
    data = path.read_bytes()
    if name == "HEAD":
        return data == _HEAD
    return data.endswith(b"\n") and all(map(_PACKED_LINE.fullmatch, data.splitlines()))


def _replace(root: Path, git_dir: Path, name: str, content: bytes) -> None:
    path = git_dir / name
    if path.is_dir() and not path.is_symlink():
        set_aside(root, path, f"{git_dir.name}-{name}")
    write_file(path, content, temporary=git_dir / f"{name}.{secrets.token_hex(4)}")
    sync(git_dir)
