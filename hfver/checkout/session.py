"""Which outputs a checkout brings, and every place their content may come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING

from hfver.adapters.git_tree import CommitTree, WorkTree
from hfver.checkout.run import Wanted
from hfver.errors import HfverError, StateError
from hfver.hashing import Advance, Hasher, HashName
from hfver.model import Output, OutputFile, OutputPointer
from hfver.outputs.dir_object import directory_id
from hfver.outputs.resolve import LARGEST_IN_GIT, DirSource, list_outputs, load_output, resolve_pointer, unread
from hfver.sources import Cache, FileSource, HubSource, Problem, Source, dir_object_of, require_space
from hfver.state import Content

if TYPE_CHECKING:
    from hfver.adapters.dvc_outputs import DvcProject
    from hfver.adapters.hub_download import HubReleases
    from hfver.config.settings import ModelConfig
    from hfver.workspace import Workspace


@dataclass
class Session:
    """One checkout in one clone. The Hub is opened, and the configuration read, when something is missing here."""

    workspace: Workspace
    tree: CommitTree | WorkTree
    tag: str | None  # of the version, when it has one
    resources: ExitStack
    _projects: dict[str, DvcProject] = field(default_factory=dict)

    # -- what -----------------------------------------------------------------------------------------------------

    def pointers(self, paths: Sequence[str]) -> list[OutputPointer]:
        """The named outputs; without names the configured models, or the only output there is."""
        if paths:
            return [self._pointer(path) for path in paths]
        outputs = list_outputs(self.tree)
        found = [pointer for pointer in outputs.pointers if pointer.cached]
        if len(found) == 1:
            return found
        tagged = self.workspace.repo.tag(self.tag).model_path if self.tag is not None else None
        if tagged is not None:
            return [self._pointer(tagged)]
        configured = [model.path for model in self.workspace.config.models if model.path is not None]
        if not configured:
            listed = ", ".join(sorted(pointer.path for pointer in found)) or "nothing"
            raise StateError(
                f"which output is the model is not configured, and DVC tracks {listed} at {self.tree.label}"
                + unread(outputs),
                hints=["--path PATH", "set huggingface.repository.model_path in config.yaml"],
            )
        return [self._pointer(path) for path in configured]

    def all_pointers(self) -> list[OutputPointer]:
        return [pointer for pointer in list_outputs(self.tree).pointers if pointer.cached and pointer.md5]

    def other_pointers(self, chosen: Iterable[OutputPointer]) -> list[OutputPointer]:
        """Outputs besides the chosen ones that stand in the work tree and have content at this version."""
        names = {pointer.path for pointer in chosen}
        top = self.workspace.repo.top
        return [
            pointer
            for pointer in list_outputs(self.tree).pointers
            if pointer.path not in names and pointer.cached and pointer.md5 and (top / pointer.path).exists()
        ]

    def _pointer(self, path: str) -> OutputPointer:
        return resolve_pointer(self.tree, path, solve=lambda: self._project("").pipeline_outputs(self.tree.commit))

    def wanted(self, pointer: OutputPointer, *, local_only: bool = False) -> Wanted:
        project = self._project(pointer.dvc_root)
        release = ReleaseOnHub(self, pointer)
        dir_sources: list[DirSource] = [project.cache.read_dir_object]
        if not local_only:
            remote = (
                project.read_remote_dir_object if pointer.pushed else DvcFetchSource(self, project, pointer).dir_object
            )
            dir_sources += [remote, release.dir_object]
        output = load_output(self.tree, pointer, dir_sources)
        sources = [] if local_only else self._sources(project, output, release)
        recorded = RecordedContent(self, output, dir_sources)
        top = self.workspace.repo.top
        return Wanted(output, top / output.path, project, sources, recorded, anchor=top)

    def _sources(self, project: DvcProject, output: Output, release: ReleaseOnHub) -> list[Source]:
        pointer, cache = output.pointer, project.cache
        sources: list[Source] = []
        if not pointer.cached:
            sources.append(GitSource(self.tree, output, project))
        sources.append(ClientCacheSource(release, cache, pointer.hash_name))
        if pointer.pushed and (pointer.remote or project.settings.default_remote):
            sources.append(DvcRemoteSource(project, pointer))
        sources.append(release)
        if pointer.files is not None or not pointer.pushed:
            sources.append(DvcFetchSource(self, project, pointer))
        return sources

    def _project(self, dvc_root: str) -> DvcProject:
        if dvc_root not in self._projects:
            self._projects[dvc_root] = self.workspace.dvc(dvc_root)
        return self._projects[dvc_root]

    # -- where from -----------------------------------------------------------------------------------------------

    @cached_property
    def releases(self) -> HubReleases:
        from hfver.adapters.hub_download import HubReleases
        from hfver.hub_session import open_hub

        client = self.resources.enter_context(open_hub(self.workspace.config.endpoint, self.workspace.environ))
        return HubReleases(client, self.workspace.state)

    def model_of(self, pointer: OutputPointer) -> ModelConfig:
        config = self.workspace.config
        for model in config.models:
            if model.path in {pointer.path, f"{pointer.path}/{pointer.subpath}"}:
                return model
        if len(config.models) == 1 and config.models[0].path is None:
            return config.models[0]
        tag = self.workspace.repo.tag(self.tag) if self.tag is not None else None
        owner = config.version_of(tag.name) if tag is not None else None
        if tag is not None and owner is not None and tag.model_path == pointer.path:
            return owner[0]
        raise StateError(f"{pointer.path} is no configured model")


@dataclass(frozen=True)
class ReleaseOnHub:
    """The releases of the model an output is, as a source: the version asked for first, then all others."""

    session: Session
    pointer: OutputPointer

    @property
    def place(self) -> str:
        try:
            return f"the Hub ({self.session.model_of(self.pointer).repo})"
        except HfverError:
            return "the Hub"

    def obtain(self, files: Sequence[OutputFile], advance: Advance) -> Sequence[Problem]:
        repo = self.session.model_of(self.pointer).repo
        cache = self.session.workspace.dvc(self.pointer.dvc_root).cache
        hub = self.session.releases
        revisions = partial(self._revisions, repo)
        known = self.session.workspace.state.proven_content([file.md5 for file in files])

        def is_proven(file: OutputFile) -> bool:
            content = known.get(file.md5)
            return content is not None and (content.size, content.sha256) == (file.size, file.sha256)

        source = HubSource(hub, repo, revisions, cache, self.pointer.hash_name, is_proven, self._learn)
        return source.obtain(files, advance)

    def _learn(self, files: Sequence[OutputFile]) -> None:
        """What was hashed on the way in is not hashed again to publish it."""
        contents = [
            Content(file.md5, file.size, file.sha256) for file in files if file.size is not None and file.sha256
        ]
        if self.pointer.hash_name == "md5":
            self.session.workspace.state.remember_content(contents)

    def _revisions(self, repo: str) -> Iterator[str]:
        tags = self.session.releases.tags(repo)
        own = self.session.tag
        if own is not None and own in tags:
            yield own
        yield from (name for name in reversed(tags) if name != own)

    def dir_object(self, pointer: OutputPointer) -> bytes | None:
        """The list of files made again from a receipt, when cache and remote have lost it."""
        repo = self.session.model_of(pointer).repo
        for revision in self._revisions(repo):
            receipt = self.session.releases.receipt(repo, revision)
            raw = dir_object_of(receipt, pointer) if receipt else None
            if raw is not None:
                return raw
        return None


@dataclass(frozen=True)
class ClientCacheSource:
    """What the Hub's client has downloaded of this release before."""

    release: ReleaseOnHub
    cache: Cache
    hash_name: HashName
    place: str = "the Hub client's cache"

    def obtain(self, files: Sequence[OutputFile], advance: Advance) -> Sequence[Problem]:
        from hfver.adapters.client_cache import cached_by_client

        session = self.release.session
        try:
            repo = session.model_of(self.release.pointer).repo
        except HfverError:
            return []
        candidates = partial(cached_by_client, repo, session.tag or "")
        return FileSource(self.place, candidates, self.cache, self.hash_name).obtain(files, advance)


@dataclass(frozen=True)
class DvcRemoteSource:
    project: DvcProject
    pointer: OutputPointer

    @property
    def place(self) -> str:
        return f"DVC remote {self.pointer.remote or self.project.settings.default_remote!r}"

    def obtain(self, files: Sequence[OutputFile], advance: Advance) -> Sequence[Problem]:
        pointer = self.pointer
        if len(files) == pointer.nfiles and pointer.size is not None:  # else nobody knows how much is missing
            require_space(self.project.cache.temporary().parent, pointer.size)
        return self.project.fetch(files, hash_name=pointer.hash_name, remote=pointer.remote, advance=advance)


@dataclass(frozen=True)
class DvcFetchSource:
    """DVC's own fetch, for what only it can find: imports, and remotes with versions. It is not believed, but checked.

    DVC fetches what the work tree's pointer names, so this helps while that is the pointer of the version.
    """

    session: Session
    project: DvcProject
    pointer: OutputPointer
    place: str = "dvc fetch"

    def obtain(self, files: Sequence[OutputFile], advance: Advance) -> Sequence[Problem]:
        hash_name, cache = self.pointer.hash_name, self.project.cache
        if not self._fetch():
            return [Problem("", self.place, f"{self.pointer.pointer_file} is another one in the workspace")]
        gone = {file.md5 for file in cache.missing(files, hash_name)}
        damaged = cache.damaged([file for file in files if file.md5 not in gone], hash_name, advance)
        for file in damaged:
            cache.discard(file.md5, hash_name)
        return [Problem(file.path, self.place, "damaged there") for file in damaged]

    def dir_object(self, pointer: OutputPointer) -> bytes | None:
        return self.project.cache.read_dir_object(pointer) if self._fetch() else None

    def _fetch(self) -> bool:
        workspace, name = self.session.workspace, self.pointer.pointer_file
        if WorkTree(workspace.repo).read(name) != self.session.tree.read(name):
            return False
        self.project.fetch_output(workspace.repo.top / self.pointer.path)
        return True


@dataclass(frozen=True)
class GitSource:
    """The bytes of ``cache: false`` outputs: git has them."""

    tree: CommitTree | WorkTree
    output: Output
    project: DvcProject
    place: str = "git"

    def obtain(self, files: Sequence[OutputFile], advance: Advance) -> Sequence[Problem]:
        pointer, cache = self.output.pointer, self.project.cache
        for file in files:
            inside = self.tree.read(f"{pointer.path}/{file.path}", LARGEST_IN_GIT)
            content = inside or self.tree.read(pointer.path, LARGEST_IN_GIT) or b""
            hasher = Hasher(pointer.hash_name)
            hasher.update(content)
            if hasher.digests().md5 == file.md5:
                cache.insert_bytes(content, file.md5, pointer.hash_name)
                advance(len(content))
        return ()


@dataclass(frozen=True)
class RecordedContent:
    """What of the content that stands in the work tree belongs to a version: of its own pointer, or a release."""

    session: Session
    output: Output
    dir_sources: Sequence[DirSource]

    def __call__(self, present: Mapping[str, str]) -> Callable[[str], bool]:
        state = self.session.workspace.state
        try:
            tree = WorkTree(self.session.workspace.repo)
            pointer = resolve_pointer(tree, self.output.path)
            if directory_id(OutputFile(path, md5) for path, md5 in present.items()) == pointer.md5:
                return lambda _md5: True  # all of it is what the pointer says, whether its list of files is left or not
            recorded = frozenset(file.md5 for file in load_output(tree, pointer, self.dir_sources).files)
        except HfverError:
            recorded = frozenset()
        return lambda md5: md5 in recorded or state.is_shared(md5)


def optional(make: Callable[[], Wanted]) -> Wanted | None:
    """An output that is nice to have: None when it cannot be had without asking anybody."""
    try:
        wanted = make()
    except HfverError:
        return None
    cache, hash_name = wanted.project.cache, wanted.output.pointer.hash_name
    return None if cache.missing(wanted.output.files, hash_name) else wanted
