"""``--to DIR``: a copy of a version outside the workspace, with or without a git repository."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from hfver.adapters.git_tree import CommitTree
from hfver.beneath import Beneath, refuse_links
from hfver.checkout.apply import current_umask
from hfver.checkout.compare import Knows
from hfver.checkout.links import Linker, LinkType
from hfver.checkout.run import ObjectCache, Result, Wanted, check_out
from hfver.checkout.scan import TEMPORARY_PREFIX
from hfver.checkout.session import Session
from hfver.checkout.targets import resolve_target
from hfver.errors import IntegrityError, StateError, UsageError
from hfver.hashing import Advance, HashName
from hfver.leftovers import scratch
from hfver.model import Output, OutputPointer
from hfver.outputs.dir_object import directory_id
from hfver.sources import HubSource, Source
from hfver.trust import HUGGINGFACE_CO
from hfver.version_ranges import best_match, is_range
from hfver.versions import default_formats, parse

if TYPE_CHECKING:
    from hfver.adapters.hub_download import HubReleases
    from hfver.receipt import Receipt
    from hfver.reporting import Reporter

_PARTS = ".hfver-part"


@dataclass(frozen=True, slots=True)
class Filters:
    """Globs over paths within the output; ``*`` matches ``/`` too, as in the Hub's own tools."""

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def __call__(self, path: str) -> bool:
        wanted = not self.include or any(fnmatchcase(path, pattern) for pattern in self.include)
        return wanted and not any(fnmatchcase(path, pattern) for pattern in self.exclude)


@dataclass(frozen=True, slots=True)
class Exported:
    version: str
    directory: str
    written: tuple[str, ...]
    unchanged: int
    sources: Mapping[str, int]


def export(
    version: str,
    directory: Path,
    reporter: Reporter,
    *,
    repo: str | None,
    endpoint: str | None,
    paths: Sequence[str] = (),
    model: str | None = None,
    force: bool = False,
    filters: Filters = Filters(),
    store: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Exported:
    """Write a version's files into ``directory``. What else is in there stays; a differing file needs ``force``.

    ``store`` keeps what was fetched from the Hub for the next time.
    """
    if repo is not None:
        return _from_hub(
            version,
            directory,
            reporter,
            repo,
            endpoint,
            environ or os.environ,
            force=force,
            filters=filters,
            store=store,
        )
    from hfver.workspace import open_workspace

    if len(paths) > 1:
        raise UsageError("--to takes one output", hints=["--path PATH"])
    with open_workspace() as workspace, workspace.repo.reader() as reader, ExitStack() as resources:
        target = resolve_target(workspace.repo, version, lambda: workspace.config, model)
        tree = CommitTree(workspace.repo, reader, target.commit, target.label)
        session = Session(workspace, tree, target.tag, resources)
        pointers = session.pointers(paths)
        if len(pointers) != 1:
            listed = ", ".join(pointer.path for pointer in pointers)
            raise UsageError(f"{target.label} has several models: {listed}", hints=["--path PATH"])
        inside = session.wanted(pointers[0])
        place = _Place(inside.project.cache, directory)
        return _write(inside.output, place, inside.sources, target.label, reporter, force=force, filters=filters)


def _from_hub(
    version: str,
    directory: Path,
    reporter: Reporter,
    repo: str,
    endpoint: str | None,
    environ: Mapping[str, str],
    *,
    force: bool,
    filters: Filters,
    store: Path | None,
) -> Exported:
    """Everything is checked against the release's receipt; nothing but the directory (and the store) is written to."""
    from hfver.adapters.dvc_cache import DvcCache, NoMemory
    from hfver.adapters.hub_download import HubReleases
    from hfver.hub_session import open_hub
    from hfver.state import State

    parts = store or directory.absolute() / _PARTS
    if store is None:
        where = Path(os.path.normpath(parts))
        refuse_links(_anchor(where.parent), where, at_the_end=True)
    with ExitStack() as resources:
        state = State(resources.enter_context(scratch("hfver-export-")) / "state.db")
        resources.callback(state.close)
        address = endpoint or environ.get("HF_ENDPOINT") or HUGGINGFACE_CO
        hub = HubReleases(resources.enter_context(open_hub(address, environ)), state)
        tag = _choose(hub, repo, version)
        receipt = hub.receipt(repo, tag)
        if receipt is None and tag not in hub.tags(repo):
            listed = ", ".join(hub.tags(repo)[-5:])
            raise StateError(f"{repo} has no version {tag}; it has {listed or 'none'}")
        if receipt is None:
            raise StateError(
                f"{repo}@{tag} is no release of hfver: it has no receipt to check files against",
                hints=[f"hf download {repo} --revision {tag}"],
            )
        output = Output(OutputPointer(receipt.path, receipt.md5, "", hash_name=receipt.hash_name), receipt.files)
        cache = DvcCache(parts, NoMemory())
        place = _Place(cache, directory, owns_objects=store is None)
        _refuse_contradictions(receipt, f"{repo}@{tag}")
        # Without git the receipt is all there is to check against, and its sha256s are the stronger half of it.
        sources = [HubSource(hub, repo, lambda: [tag], cache, receipt.hash_name, is_proven=lambda _file: True)]
        exported = _write(output, place, sources, tag, reporter, force=force, filters=filters)
    if store is None:
        shutil.rmtree(parts, ignore_errors=True)
    return exported


def _refuse_contradictions(receipt: Receipt, where: str) -> None:
    """Content is fetched once for each md5, which has to stand for one sha256 then."""
    sha256s: dict[str, str | None] = {}
    for file in receipt.files:
        if sha256s.setdefault(file.md5, file.sha256) != file.sha256:
            raise IntegrityError(
                f"{where}: its receipt has two sha256s for the md5 of {file.path}, and cannot say which is right",
                hints=[f"hfver verify --deep {receipt.tag}    (in a clone of its git repository)"],
            )


def _choose(hub: HubReleases, repo: str, version: str) -> str:
    tags = hub.tags(repo)
    if version in tags or not is_range(version):
        return version
    formats = default_formats()
    found = (parse(tag, formats) for tag in tags)
    chosen = best_match((item for item in found if item is not None), version)
    if chosen is None:
        listed = ", ".join(tags[-5:]) or "no tags"
        raise StateError(f"{repo} has no version in {version}; it has {listed}", hints=["--repo NS/NAME"])
    return chosen.tag


def _write(
    output: Output,
    place: _Place,
    sources: Sequence[Source],
    label: str,
    reporter: Reporter,
    *,
    force: bool,
    filters: Filters,
) -> Exported:
    files = tuple(file for file in output.files if filters(file.path))
    if not files:
        raise UsageError(f"no file of {label} matches the patterns")
    # In a directory of its own even a single file has a name below it.
    pointer = replace(output.pointer, md5=directory_id(files), subpath="")
    output, nothing_recorded = Output(pointer, files), lambda _present: lambda _md5: False
    wanted = Wanted(output, place.directory, place, sources, nothing_recorded, anchor=place.anchor)
    with ExitStack() as bars:

        def advance(total: int | None) -> Advance:
            return bars.enter_context(reporter.progress("Getting", total)).advance

        result: Result = check_out([wanted], force=force, move_git=lambda: False, label=label, advance=advance)[0]
    return Exported(label, str(place.directory), result.written, result.unchanged, result.sources)


class _Place:
    """A plain directory, as ``run.Project``: no DVC, nothing remembered, nothing removed."""

    def __init__(self, cache: ObjectCache, directory: Path, *, owns_objects: bool = False) -> None:
        self.cache = cache
        self.directory = Path(os.path.normpath(directory.absolute()))
        self.anchor = _anchor(self.directory)
        self.link_types: tuple[LinkType, ...] = ("hardlink", "copy") if owns_objects else ("reflink", "copy")
        self._owns_objects = owns_objects

    def knows(self, root: str, hash_name: HashName) -> Knows:
        return lambda _path, _info: None

    def ignored(self, root: str, paths: Collection[str]) -> Collection[str]:
        return paths

    def remember(
        self,
        root: str,
        rows: Iterable[tuple[str, str, os.stat_result]],
        mtimes: Mapping[str, float],
        hash_name: HashName,
    ) -> None:
        """Objects that were downloaded for this directory alone become its files: writable, each one its own."""
        if self._owns_objects:
            seen: set[int] = set()
            for place, _, info in rows:
                if info.st_ino in seen:
                    _separate(place)
                elif not info.st_mode & stat.S_IWUSR:
                    os.chmod(place, info.st_mode | (0o222 & ~current_umask()))
                seen.add(info.st_ino)

    @contextmanager
    def locked(self, paths: Sequence[Path]) -> Iterator[Path]:
        with Beneath(str(self.anchor)) as below:
            below.make_directories(self.directory.relative_to(self.anchor).as_posix().removeprefix("."))
        with scratch(".hfver-staging-", self.directory.parent) as staging:
            yield staging


def _anchor(directory: Path) -> Path:
    """From where on links are refused: the top of the repository the directory lies in, whose links they may be.

    Elsewhere the directory itself, or as much of the way to it as is there: that is where somebody asked for a copy.
    """
    ways = (directory, *directory.parents)
    repository = next((above for above in ways if (above / ".git").exists()), None)
    return repository or next(above for above in ways if above.is_dir())


def _separate(place: str) -> None:
    """A file of its own in place of another name for one with the same content."""
    temporary = f"{os.path.dirname(place)}/{TEMPORARY_PREFIX}{os.path.basename(place)}"
    Linker(["reflink", "copy"]).place(place, temporary)
    os.replace(temporary, place)
