"""The gate `git push` goes through: gathers what the checks need and says what stands in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from hfver.errors import HfverError
from hfver.hooks.push_checks import Pushed, check_bytes, check_configuration, check_released, check_secrets
from hfver.hooks.pushed_refs import PushedRef
from hfver.hooks.repo import HookRepo
from hfver.hooks.settings import settings_at

if TYPE_CHECKING:
    from hfver.adapters.git_objects import ObjectReader
    from hfver.adapters.git_tree import CommitTree
    from hfver.config.settings import Config
    from hfver.hub_state import HubState
    from hfver.model import Output
    from hfver.workspace import Workspace

Say = Callable[[str], None]


def problems_of_push(repo: HookRepo, refs: Sequence[PushedRef], say: Say) -> list[HfverError]:
    """Everything that stands in the way of this push. ``say`` tells what could not be checked."""
    pushed = list(_pushed(repo, refs))
    if repo.bare or not pushed:
        return []
    from hfver.workspace import open_workspace

    with open_workspace(repo.top) as workspace, workspace.repo.reader() as reader:
        gate = _Gate(repo, workspace, reader, say)
        found = [*gate.content(pushed), *gate.releases(pushed), *gate.bytes(pushed)]
    return list({error.message: error for error in found}.values())


def _pushed(repo: HookRepo, refs: Sequence[PushedRef]) -> Iterator[Pushed]:
    """The refs that lead to commits of a project that uses hfver."""
    for ref in refs:
        commit = _commit(repo, ref.oid)
        if commit is None:
            continue
        settings = settings_at(repo, commit)
        if settings.configured and settings.enabled:
            yield Pushed(ref, commit, _commit(repo, ref.remote_oid) if ref.remote_oid else None, settings)


def _commit(repo: HookRepo, oid: str) -> str | None:
    return repo.ask("rev-parse", "--verify", "--quiet", f"{oid}^{{commit}}")


class _Gate:
    """The checks with what they share, for the length of one push."""

    def __init__(self, repo: HookRepo, workspace: Workspace, reader: ObjectReader, say: Say) -> None:
        self._repo = repo
        self._workspace = workspace
        self._reader = reader
        self._say = say
        self._configs: dict[str, Config] = {}
        self._hub_states: dict[str, HubState] | None = None

    def content(self, pushed: Sequence[Pushed]) -> Iterator[HfverError]:
        """Configuration and secrets, once per commit."""
        for item in {item.commit: item for item in pushed}.values():
            tree = self._tree(item.commit, item.name)
            config = check_configuration(tree, dict(self._workspace.environ))
            if isinstance(config, HfverError):
                yield config
            elif config is not None:
                self._configs[item.commit] = config
                entries = self._workspace.repo.list_tree(item.commit)
                blobs = [(entry.path, entry.oid) for entry in entries if entry.kind == "blob" and not entry.is_symlink]
                error = check_secrets(tree, blobs, config) if item.is_mirrored else None
                if error is not None:
                    yield error

    def releases(self, pushed: Sequence[Pushed]) -> Iterator[HfverError]:
        versions = [item for item in pushed if item.is_version and item.settings.require_published]
        yield from check_released(self._repo, versions, self._ask_hub)

    def bytes(self, pushed: Sequence[Pushed]) -> Iterator[HfverError]:
        """What commits bring has to be where others can get it; a version's bytes are in its release."""
        for item in pushed:
            if item.is_version:
                continue
            tree = self._tree(item.commit, item.name)
            before = self._tree(item.remote_commit, "there") if item.remote_commit else None
            try:
                yield from check_bytes(tree, before, self._workspace.dvc, self._is_released)
            except HfverError as error:
                self._say(f"whether the bytes of {item.name} are on the DVC remote was not checked: {error.message}")

    def _ask_hub(self, versions: Sequence[Pushed]) -> dict[str, str] | None:
        states = self._states()
        if states is None:
            return None
        found = {}
        for item in versions:
            config = self._configs.get(item.commit)
            model = config.version_of(item.name) if config is not None else None
            state = states.get(model[0].repo) if model is not None else None
            for release in state.releases() if state is not None else ():
                if release.tag == item.name and release.tagged and release.trailers.commit is not None:
                    found[item.name] = release.trailers.commit
        return found

    def _is_released(self, output: Output) -> bool:
        """Whether some release on the Hub consists of exactly these files."""
        from dataclasses import replace

        from hfver.receipt import tree_digest

        known = self._workspace.state.known_content([file.md5 for file in output.files])
        if any(file.md5 not in known for file in output.files):
            return False
        files = [replace(file, size=known[file.md5].size, sha256=known[file.md5].sha256) for file in output.files]
        digest = tree_digest(files)
        states = self._states() or {}
        return any(release.trailers.tree == digest for state in states.values() for release in state.releases())

    def _states(self) -> dict[str, HubState] | None:
        """The Hub's repositories of the pushed configurations; None when the Hub cannot be asked."""
        if self._hub_states is None:
            from hfver.hub_session import open_hub
            from hfver.hub_view import read_hub_state

            try:
                config = self._workspace.config
                repos = {model.repo for known in (config, *self._configs.values()) for model in known.models}
                with open_hub(config.endpoint, self._workspace.environ) as hub:
                    self._hub_states = {name: read_hub_state(hub, name, self._workspace.state) for name in repos}
            except HfverError as error:
                self._say(f"the Hub was not asked, so releases are not checked: {error.message}")
                return None
        return self._hub_states

    def _tree(self, commit: str, name: str) -> CommitTree:
        from hfver.adapters.git_tree import CommitTree

        return CommitTree(self._workspace.repo, self._reader, commit, name)
