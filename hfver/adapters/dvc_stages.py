"""Outputs as DVC's own loader sees them: for templates, and to check our reading of pointer files against."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from dvc.repo import Repo

from hfver.model import OutputFile, OutputPointer


def stage_outputs(root: Path, commit: str | None) -> tuple[OutputPointer, ...]:
    """All outputs below a DVC root, of the work tree or of a commit. Paths are relative to the top of git's tree."""
    with Repo(str(root)) as repo:
        top = Path(repo.scm.root_dir)
        if commit is None:
            return tuple(_pointers(repo, top))
        found: list[OutputPointer] = []
        for _ in repo.brancher(revs=[commit]):
            found = list(_pointers(repo, top if repo.root_dir == str(root) else Path("/")))
        return tuple(found)


def _pointers(repo: Any, top: Path) -> Iterator[OutputPointer]:
    root = _relative(repo.root_dir, top)
    for out in repo.index.outs:
        if out.protocol != "local" or not out.is_in_repo:
            continue
        stage = out.stage
        hash_name: Literal["md5", "md5-dos2unix"] = "md5-dos2unix" if out.hash_name == "md5-dos2unix" else "md5"
        yield OutputPointer(
            path=_relative(out.fs_path, top),
            md5=out.hash_info.value if out.hash_info else None,
            pointer_file=_relative(stage.path, top).replace("dvc.yaml", "dvc.lock"),
            stage=getattr(stage, "name", None),
            dvc_root="" if root == "." else root,
            size=out.meta.size if out.meta else None,
            nfiles=out.meta.nfiles if out.meta else None,
            isexec=bool(out.meta and out.meta.isexec),
            hash_name=hash_name,
            cached=bool(out.use_cache),
            pushed=bool(out.can_push) and not stage.is_repo_import,
            remote=out.remote,
            files=_files(out),
        )


def _files(out: Any) -> tuple[OutputFile, ...] | None:
    if not out.files:
        return None
    return tuple(OutputFile(entry["relpath"], entry["md5"], entry.get("size")) for entry in out.files)


def _relative(path: str, top: Path) -> str:
    return PurePosixPath(os.path.relpath(path, top)).as_posix()
