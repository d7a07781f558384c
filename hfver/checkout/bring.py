"""``hfver checkout``: code, configs and model of a version, together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hfver.adapters.git_process import GitCommandFailed
from hfver.adapters.git_tree import CommitTree, WorkTree
from hfver.checkout.model_pointer import check_pointer, update_pointer
from hfver.checkout.run import Result, Wanted, check_out, without_collector
from hfver.checkout.session import Session, optional
from hfver.checkout.targets import Target, resolve_target
from hfver.errors import RefusedError
from hfver.hashing import Advance
from hfver.model import OutputPointer

if TYPE_CHECKING:
    from hfver.reporting import Reporter
    from hfver.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Options:
    version: str
    paths: Sequence[str] = ()  # outputs; empty: the models
    model: str | None = None  # whose versions a range is about
    model_only: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a checkout did. ``moved`` tells whether git's HEAD did; ``left`` are outputs that stay as they were."""

    version: str
    commit: str
    moved: bool
    outputs: tuple[Result, ...]
    left: tuple[str, ...] = ()
    updated_pointers: tuple[str, ...] = ()


def bring(workspace: Workspace, options: Options, reporter: Reporter) -> Outcome:
    repo = workspace.repo
    target = resolve_target(repo, options.version, lambda: workspace.config, options.model)
    with repo.reader() as reader, ExitStack() as resources:
        tree = CommitTree(repo, reader, target.commit, target.label)
        session = Session(workspace, tree, target.tag, resources)
        # Outputs are brought whole: a part of one would leave it in a state that no pointer describes.
        pointers = list(dict.fromkeys(replace(pointer, subpath="") for pointer in session.pointers(options.paths)))
        with without_collector():
            wanted = [session.wanted(pointer) for pointer in pointers]

        def advance(total: int | None) -> Advance:
            return resources.enter_context(reporter.progress("Getting", total)).advance

        def run(items: Sequence[Wanted], move_git: Callable[[], bool]) -> tuple[Result, ...]:
            return check_out(items, force=options.force, move_git=move_git, label=target.label, advance=advance)

        if options.model_only:
            now = WorkTree(repo)
            for pointer in pointers:
                check_pointer(now, pointer)
            results = run(wanted, lambda: False)
            updated = dict.fromkeys(item.pointer_file for item in pointers if update_pointer(repo.top, now, tree, item))
            return Outcome(target.label, target.commit, False, results, updated_pointers=tuple(updated))
        mover = _Mover(workspace, target, pointers, force=options.force)
        others, left = _others(session, pointers) if mover.will_move else ([], ())
        return Outcome(target.label, target.commit, mover.will_move, run([*wanted, *others], mover), left)


def _others(session: Session, pointers: Sequence[OutputPointer]) -> tuple[list[Wanted], tuple[str, ...]]:
    """Other outputs follow as far as the cache has them: data sets are not fetched for the sake of a model."""
    found, left = [], []
    for pointer in session.other_pointers(pointers):
        wanted = optional(lambda item=pointer: session.wanted(item, local_only=True))  # type: ignore[misc]
        if wanted is None:
            left.append(pointer.path)
        else:
            found.append(wanted)
    return found, tuple(left)


class _Mover:
    """Moves HEAD, once everything that will be needed is here."""

    def __init__(self, workspace: Workspace, target: Target, pointers: Sequence[OutputPointer], *, force: bool) -> None:
        self._repo, self._target = workspace.repo, target
        self.will_move = not target.is_checked_out(self._repo.head(), self._repo.branch())
        names = list(dict.fromkeys(pointer.pointer_file for pointer in pointers))
        changed = [change.path for change in self._repo.changes(*names)] if names else []
        self._replaceable = [name for name in changed if self._is_in_a_tag(name)]
        self._dirty = [name for name in changed if name not in self._replaceable]
        if self._dirty and not force:
            # git would leave them as they are, and the model would not fit to them.
            listed = " ".join(self._dirty)
            raise RefusedError(
                f"{listed} has changes that are not committed: they record a model that is in no version",
                hints=[f"git commit -m MESSAGE {listed}", "--force    (goes on; `git stash pop` brings them back)"],
            )

    def _is_in_a_tag(self, name: str) -> bool:
        """Whether a changed pointer file is that of another version, as --model-only leaves it."""
        content = WorkTree(self._repo).read(name)
        with self._repo.reader() as reader:
            return content in set(reader.read_many(f"{tag.commit}:{name}" for tag in self._repo.tags()))

    def __call__(self) -> bool:
        """Whether hooks may have changed the work tree besides git itself."""
        if self._replaceable:
            self._repo.run("checkout", "--quiet", "HEAD", "--", *self._replaceable)
        if self._dirty:
            self._repo.run("stash", "push", "--quiet", "--message", f"before {self._target.label}", "--", *self._dirty)
        if not self.will_move:
            return False
        try:
            self._repo.switch(self._target.switch_to)
        except GitCommandFailed as exc:
            raise RefusedError(
                f"git does not switch to {self._target.label}: {exc.stderr}",
                hints=["git stash    (puts your changes aside)", "git commit -a    (makes a version of them)"],
            ) from exc
        return self._repo.has_hook("post-checkout")
