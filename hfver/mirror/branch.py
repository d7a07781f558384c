"""The configs repository follows a git branch, commit by commit (oldest first, put together when they are many)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from hfver.errors import RefusedError
from hfver.globs import matches
from hfver.hub_state import HubRefs
from hfver.mirror.commit import Message, Step, Wanted, step
from hfver.mirror.plan import (
    LARGEST_MIRRORED,
    GitFile,
    HubFile,
    MirrorTrailers,
    Snapshot,
    all_mirrored,
    changes,
    coalesce,
    mirrored_files,
    read_trailers,
    snapshot_files,
)
from hfver.mirror.repo import ConfigsRepo, MirrorHub
from hfver.mirror.secret_scan import BASELINE, Baseline, baseline_at, find, in_texts, refuse_secrets

if TYPE_CHECKING:
    from hfver.adapters.git_repo import GitRepo
    from hfver.config.settings import Config, ModelConfig
    from hfver.state import State

_MAINLINES = ("main", "master")
Warn = Callable[[str], None]


def silent(_message: str) -> None:
    """Warn nobody."""


def configs_repo(hub: MirrorHub, config: Config, model: ModelConfig, state: State | None = None) -> ConfigsRepo:
    return ConfigsRepo(
        hub,
        model.config_repo,
        model.repo,
        repo_type=config.config_repo_type,
        private=config.private,
        create=config.auto_create,
        state=state,
    )


def mirrors_branch(config: Config, branch: str) -> bool:
    """Whether commits on this git branch are mirrored at all."""
    return config.enabled and "config" in config.upload_items and matches(branch, config.mirror.branches)


def hub_branch_of(config: Config, branch: str) -> str:
    return config.settings.default_branch if branch in _MAINLINES else branch


def mirror_branch(
    git: GitRepo, config: Config, repo: ConfigsRepo, branch: str, tip: str, *, warn: Warn = silent
) -> list[Step]:
    """Bring the repository up to a branch's commit; returns the commits made, none when nothing was owed.

    A commit with a secret in it is passed over when a later one is clean; at the tip it raises RefusedError. A secret
    in a commit's subject is left out of the title and said, because history does not change.
    """
    refuse_secrets(
        in_texts({"the name of the branch": branch}), repo.repo, hints=["git branch --move NAME gives it another name"]
    )
    source = GitSource(git, config, repo)
    target = hub_branch_of(config, branch)
    made = []
    for snapshot, together in source.owed(tip):
        trailers = MirrorTrailers(commit=snapshot.commit, branch=branch)
        message = Message(snapshot.subject, trailers, together)
        if find(snapshot.subject) is not None:
            warn(f"what looks like a secret in the subject of commit {snapshot.commit[:10]} is left out of its mirror")
        try:
            done = step(repo, config, target, source.wanted(snapshot), message, baseline=source.baseline(tip))
        except RefusedError as error:
            if snapshot.commit == tip:
                raise
            warn(f"commit {snapshot.commit[:10]} is not mirrored, a later one is: {error.message}")
            continue
        made += [done] if done.made else []
    return made


class GitSource:
    """What git has to say to one configs repository."""

    def __init__(self, git: GitRepo, config: Config, repo: ConfigsRepo) -> None:
        self._git = git
        self._config = config
        self._repo = repo

    def owed(self, tip: str) -> list[tuple[Snapshot, int]]:
        """Snapshots of commits not mirrored yet. In a repository that has none, the tip alone: history is git's."""
        refs = self._repo.refs()
        mirrored = mirrored_commits(self._repo, refs) if refs is not None else {}
        line = self._git.run("rev-list", "--first-parent", tip).split()
        known = next((at for at, commit in enumerate(line) if commit in mirrored), None)
        commits = [tip] if known is None else list(reversed(line[:known]))
        if known is not None and len(commits) > 1:
            commits = self._touching(line[known], tip, commits)
        infos = self._git.commits(commits)
        return coalesce([self.snapshot(commit, infos[commit].subject) for commit in commits])

    def snapshot(self, commit: str, subject: str = "") -> Snapshot:
        return Snapshot(commit, subject, mirrored_files(self._git.list_tree(commit), self._config))

    def wanted(self, snapshot: Snapshot, more: Mapping[str, bytes] | None = None) -> Wanted:
        """How to make the repository hold a snapshot, and ``more`` besides."""

        def compare(head: str, held: Mapping[str, HubFile]) -> tuple[dict[str, bytes], tuple[str, ...]]:
            found = changes(snapshot.files, held, self._before(head))
            return {**self._bytes(found.add), **(more or {})}, found.delete

        return compare

    def baseline(self, commit: str) -> Baseline:
        with self._git.reader() as reader:
            return baseline_at(self._git.top, reader.read(f"{commit}:{BASELINE}"))

    def knows(self, commit: str) -> bool:
        """Whether git still has a commit; one that was amended or rebased away may be gone."""
        return self._git.execute("cat-file", "-e", f"{commit}^{{commit}}").code == 0

    def _touching(self, known: str, tip: str, commits: Sequence[str]) -> list[str]:
        """Those of the commits that changed anything the repository holds; read in one pass over the history."""
        listing = self._git.run(
            "log", "--first-parent", "-m", "--no-renames", "--name-only", "-z", "--format=%x01%H", f"{known}..{tip}"
        )
        touching = {tip}
        for block in listing.split("\x01")[1:]:
            commit, _, names = block.partition("\0")
            paths = [(name.strip("\n"), "") for name in names.split("\0") if name.strip("\n")]
            mirror = self._config.mirror
            if snapshot_files(paths, mirror.include, mirror.exclude, configs=True, results=True):
                touching.add(commit.strip())
        return [commit for commit in commits if commit in touching]

    def _before(self, head: str) -> Mapping[str, GitFile]:
        """What git had when the repository was last brought up to a commit, as far as git still knows it."""
        commit = commit_of(self._repo, head)
        return self.snapshot(commit).files if commit is not None and self.knows(commit) else {}

    def _bytes(self, files: Iterable[tuple[str, GitFile]]) -> dict[str, bytes]:
        listed = list(files)
        with self._git.reader() as reader:
            contents = reader.read_many((file.oid for _, file in listed), LARGEST_MIRRORED)
            by_name = all_mirrored([file.path for _, file in listed], contents)
        return {path: by_name[file.path] for path, file in listed if file.path in by_name}


def commit_of(repo: ConfigsRepo, head: str) -> str | None:
    """The git commit whose state a revision of the repository holds."""
    return next((named for found in repo.history(head) if (named := read_trailers(found.description).commit)), None)


def mirrored_commits(repo: ConfigsRepo, refs: HubRefs) -> dict[str, str]:
    """git commits the repository has, with the newest revision of each."""
    found: dict[str, str] = {}
    for head in dict.fromkeys(refs.branches.values()):
        for commit in repo.history(head):
            named = read_trailers(commit.description).commit
            if named is not None:
                found.setdefault(named, commit.sha)
    return found
