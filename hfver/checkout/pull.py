"""``hfver pull``: the content of a version into DVC's cache, from whichever place has it; the work tree stays as it is.

With it a team can work from the Hub alone, without any DVC remote: pull, then ``dvc checkout`` or ``hfver checkout``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hfver.adapters.git_tree import CommitTree, WorkTree
from hfver.checkout.run import bytes_to_get, keep_dir_object
from hfver.checkout.session import Session
from hfver.checkout.targets import resolve_target
from hfver.errors import HfverError
from hfver.sources import Obtained, obtain, summarised

if TYPE_CHECKING:
    from hfver.checkout.run import Wanted
    from hfver.reporting import Reporter
    from hfver.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Pulled:
    """One output: files that are in the cache now, where the new ones came from, or why it could not be had."""

    path: str
    files: int
    sources: Mapping[str, int]
    problems: tuple[str, ...] = ()
    error: str | None = None


def pull(
    workspace: Workspace, version: str | None, paths: Sequence[str], reporter: Reporter, *, everything: bool = False
) -> tuple[Pulled, ...]:
    """Without a version, of what the work tree's own pointers say. ``everything``: not only the models."""
    repo = workspace.repo
    with repo.reader() as reader, ExitStack() as resources:
        if version is None:
            session = Session(workspace, WorkTree(repo), None, resources)
        else:
            target = resolve_target(repo, version, lambda: workspace.config)
            session = Session(workspace, CommitTree(repo, reader, target.commit, target.label), target.tag, resources)
        pointers = session.all_pointers() if everything else session.pointers(paths)
        done = []
        for pointer in pointers:
            try:
                wanted = session.wanted(pointer)
                found = _pull_one(wanted, session.tree.label, reporter)
            except HfverError as exc:
                if not everything:
                    raise
                done.append(Pulled(pointer.path, 0, {}, error=exc.message))
                continue
            problems = (*found.notes, *summarised(found.problems))
            done.append(Pulled(wanted.output.path, len(wanted.output.files), found.counts, problems))
        return tuple(done)


def _pull_one(wanted: Wanted, label: str, reporter: Reporter) -> Obtained:
    output, cache = wanted.output, wanted.project.cache
    missing = cache.missing(output.files, output.pointer.hash_name)
    found = Obtained({}, ())
    if missing:
        lacking = {file.md5 for file in missing}
        here = (
            cache.size_of(file.md5, output.pointer.hash_name) or 0 for file in output.files if file.md5 not in lacking
        )
        total = bytes_to_get(output, missing, here)
        with reporter.progress(f"Getting {output.path}", total) as bar:
            found = obtain(
                missing,
                cache,
                wanted.sources,
                hash_name=output.pointer.hash_name,
                advance=bar.advance,
                what=f"{output.path} at {label}",
            )
    keep_dir_object(output, cache)
    return found
