"""The gate `git push` goes through: gathers what the checks need and says what stands in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from hfver.errors import HfverError
from hfver.hooks.push_checks import (
    Pushed,
    check_bytes,
    check_configuration,
    check_released,
    check_secrets,
)
from hfver.hooks.pushed_refs import PushedRef
from hfver.hooks.repo import HookRepo
from hfver.hooks.settings import CONFIG_FILE, settings_at

if TYPE_CHECKING:
    from hfver.adapters.git_objects import ObjectReader
    from hfver.adapters.git_tree import CommitTree
    from hfver.config.settings import Config
    from hfver.hub_state import HubState
    from hfver.mirror.plan import GitFile
    from hfver.model import Output
    from hfver.small_files import UnreadError
    from hfver.workspace import Workspace

Say = Callable[[str], None]


def problems_of_push(repo: HookRepo, remote: str, refs: Sequence[PushedRef], say: Say) -> list[HfverError]:
    """Everything that stands in the way of this push. ``say`` tells what could not be checked."""
    pushed = list(_pushed(repo, refs)) if not repo.bare else []
    if not pushed:
        return []
    from hfver.workspace import open_workspace

    with open_workspace(repo.top) as workspace, workspace.repo.reader() as reader:
        gate = _Gate(repo, remote, workspace, reader, say)
        return list({error.message: error for error in gate.check(pushed)}.values())


def _pushed(repo: HookRepo, refs: Sequence[PushedRef]) -> Iterator[Pushed]:
    """The refs that lead to commits of a project that uses hfver."""
    from hfver.adapters.git_objects import ObjectReader

    with ObjectReader(repo.top) as reader:
        for ref in refs:
            found = reader.info(f"{ref.oid}^{{commit}}")
            if found is None:
                continue
            settings = settings_at(repo, found.oid, reader)
            if settings.configured and settings.enabled:
                there = reader.info(f"{ref.remote_oid}^{{commit}}") if ref.remote_oid else None
                yield Pushed(ref, found.oid, there.oid if there is not None else None, settings)


class _Gate:
    """The checks with what they share, for the length of one push."""

    def __init__(self, repo: HookRepo, remote: str, workspace: Workspace, reader: ObjectReader, say: Say) -> None:
        self._repo = repo
        self._remote = remote
        self._workspace = workspace
        self._reader = reader
        self._say = say
        self._configs: dict[tuple[bytes | UnreadError | None, ...], Config | HfverError | None] = {}
        self._scanned: set[GitFile] = set()
        self._hub_states: dict[str, HubState] = {}
        self._hub_is_silent = False

    def check(self, pushed: Sequence[Pushed]) -> Iterator[HfverError]:
        versions = [item for item in pushed if item.is_version and item.settings.require_published]
        unreleased, unknown = check_released(self._repo, versions, self._ask_hub)
        # What is released cannot change any more; what is not released yet is looked at when it is.
        settled = {item.ref for item in versions} - {item.ref for item in unknown}
        yield from self._content([item for item in pushed if item.ref not in settled])
        yield from unreleased
        yield from self._bytes(pushed)

    def _content(self, pushed: Sequence[Pushed]) -> Iterator[HfverError]:
        """Configuration and secrets, once per content."""
        from hfver.mirror.plan import mirrored_files

        for item in pushed:
            config = self._config(item)
            if isinstance(config, HfverError):
                yield config
            elif config is not None and item.is_mirrored:
                tree = self._tree(item.commit, item.name)
                files = set(mirrored_files(tree.entries, config).values()) - self._scanned
                self._scanned |= files
                error = check_secrets(tree, files, self._workspace.state)
                if error is not None:
                    yield error

    def _config(self, item: Pushed) -> Config | HfverError | None:
        """The configuration at a commit; commits that hold the same files share one."""
        tree = self._tree(item.commit, item.name)
        files = tuple(tree.read_many([CONFIG_FILE, item.settings.details_file]))
        if files not in self._configs:
            self._configs[files] = check_configuration(tree, dict(self._workspace.environ), self._workspace.state)
        return self._configs[files]

    def _bytes(self, pushed: Sequence[Pushed]) -> Iterator[HfverError]:
        """What commits bring has to be where others can get it; a version's bytes are in its release."""
        for item in pushed:
            if item.is_version:
                continue
            tree = self._tree(item.commit, item.name)
            before = [self._tree(commit, "there") for commit in self._known_there(item)]
            try:
                yield from check_bytes(tree, before, self._workspace.dvc, self._is_released)
            except HfverError as error:
                self._say(f"whether the bytes of {item.name} are on the DVC remote was not checked: {error.message}")

    def _known_there(self, item: Pushed) -> Sequence[str]:
        """Commits the other side has already, nearest to the pushed one."""
        if item.remote_commit is not None:
            return [item.remote_commit]
        if "://" in self._remote:  # an address was typed: git has no branches of it, and it may hold a password
            return []
        listing = self._repo.ask("rev-list", "--boundary", item.commit, "--not", f"--remotes={self._remote}")
        if listing == "":
            return [item.commit]
        return [line[1:] for line in (listing or "").split("\n") if line.startswith("-")]

    def _ask_hub(self, versions: Sequence[Pushed]) -> dict[str, str] | None:
        """The commits that the Hub's releases of these versions were made from."""
        checked = [(item.name, self._config(item)) for item in versions]
        configs = {name: config for name, config in checked if config and not isinstance(config, HfverError)}
        states = self._states(configs.values())
        if states is None:
            return None
        released = {
            (repo, release.tag): release.trailers.commit
            for repo, state in states.items()
            for release in state.releases()
            if release.tagged and release.trailers.commit is not None
        }
        models = {name: config.version_of(name) for name, config in configs.items()}
        found = {name: released.get((model[0].repo, name)) for name, model in models.items() if model is not None}
        return {name: commit for name, commit in found.items() if commit is not None}

    def _is_released(self, output: Output) -> bool:
        """Whether some release on the Hub consists of exactly these files."""

        from hfver.receipt import tree_digest

        known = self._workspace.state.known_content([file.md5 for file in output.files])
        if any(file.md5 not in known for file in output.files):
            return False
        files = [file._replace(size=known[file.md5].size, sha256=known[file.md5].sha256) for file in output.files]
        digest = tree_digest(files)
        states = self._states() or {}
        return any(release.trailers.tree == digest for state in states.values() for release in state.releases())

    def _states(self, configs: Iterable[Config] = ()) -> dict[str, HubState] | None:
        """The Hub's repositories of the configurations; None when the Hub cannot be asked, which is said once."""
        if self._hub_is_silent:
            return None
        from hfver.hub_session import open_hub
        from hfver.hub_view import read_hub_state

        try:
            config = self._workspace.config
            repos = {model.repo for named in (config, *configs) for model in named.models} - self._hub_states.keys()
            if repos:
                with open_hub(config.endpoint, self._workspace.environ) as hub:
                    self._hub_states |= {name: read_hub_state(hub, name, self._workspace.state) for name in repos}
        except HfverError as error:
            self._say(f"the Hub was not asked, so releases are not checked: {error.message}")
            self._hub_is_silent = True
            return None
        return self._hub_states

    def _tree(self, commit: str, name: str) -> CommitTree:
        from hfver.adapters.git_tree import CommitTree

        return CommitTree(self._workspace.repo, self._reader, commit, name)
