"""One step of the configs repository: look, compare, scan, commit; again when somebody else was faster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hfver.errors import ConflictError
from hfver.hub_state import HubRefs
from hfver.mirror.plan import CONFIGS, RELEASES, HubFile, MirrorTrailers, content_digest, render_message
from hfver.mirror.repo import MOST_RACES, ConfigsRepo
from hfver.mirror.secret_scan import (
    NO_BASELINE,
    Baseline,
    Finding,
    SearchMemory,
    in_names,
    refuse_secrets,
    scan,
    without_secrets,
)

if TYPE_CHECKING:
    from hfver.config.settings import Config

# From a branch's head and what it holds to the files to have there and the paths to lose.
Wanted = Callable[[str, Mapping[str, HubFile]], tuple[Mapping[str, bytes], Iterable[str]]]


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one step; ``made`` is False when the branch held everything already."""

    repo: str
    revision: str
    made: bool
    title: str = ""
    added: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    sent_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """What a mirror commit says; ``together`` is how many git commits it stands for."""

    subject: str
    trailers: MirrorTrailers
    together: int = 1


def step(
    repo: ConfigsRepo,
    config: Config,
    branch: str,
    wanted: Wanted,
    message: Message,
    *,
    baseline: Baseline = NO_BASELINE,
) -> Step:
    """Make the branch hold what is wanted, in one commit. What looks like a secret stops it before anything is sent."""
    for _ in range(MOST_RACES):
        refs = repo.ensure()
        head = repo.branch(branch, refs, start_of(refs, config))
        held = repo.tree(head)
        files, gone = wanted(head, held)
        add, delete = repo.unlike(held, files), tuple(path for path in gone if path in held)
        if not add and not delete:
            return Step(repo.repo, head, made=False)
        refuse_secrets(secrets_in(add, baseline, repo.memory), repo.repo)
        index = repo.index(head, held, (held.keys() | add.keys()) - set(delete))
        stamped = replace(message.trailers, files=content_digest(add, delete))
        # Of commits made long ago: what cannot be changed any more is left out.
        subject = without_secrets(message.subject)
        title, description = render_message(subject, stamped, author=_author(config), together=message.together)
        try:
            revision = repo.commit(branch, head, add | index, delete, title, description)
        except ConflictError:
            continue
        size = sum(map(len, add.values()))
        return Step(repo.repo, revision, True, title, tuple(sorted(add)), delete, size)
    raise ConflictError(f"{repo.repo}: {branch} moved {MOST_RACES} times while it was being brought up to date")


def start_of(refs: HubRefs, config: Config) -> str:
    """Where a new branch starts: at the default one, or at whatever there is."""
    heads = refs.branches
    return heads.get(config.settings.default_branch) or heads.get("main") or next(iter(heads.values()))


def _author(config: Config) -> str:
    user = config.user
    return without_secrets(f"{user.username or user.email} <{user.email}>") if user.email else ""


def secrets_in(files: Mapping[str, bytes], baseline: Baseline, memory: SearchMemory | None) -> list[Finding]:
    """Findings by the path people know, that of the file in git. Receipts are searched where they are made."""
    in_git = {path.removeprefix(CONFIGS): raw for path, raw in files.items() if not path.startswith(RELEASES)}
    return [*in_names("the name of", in_git), *scan(in_git, baseline, memory)]
