"""What hfver asks of DVC itself. The rest of DVC's formats is read directly, see ``dvc_config`` and ``dvc_cache``."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from hfver.adapters.dvc_bounds import refuse_unbounded
from hfver.adapters.dvc_cache import DvcCache, Memory, NoMemory
from hfver.adapters.dvc_config import DvcSettings, read_settings, refuse_brought_credentials
from hfver.adapters.dvc_ignore import ignored_by_dvc
from hfver.adapters.dvc_lock import busy, dvc_lock, refuse_if_in_use
from hfver.adapters.dvc_state import DvcState, recorded_md5
from hfver.adapters.git_process import NEUTRAL, execute_git
from hfver.adapters.git_repo import GitRepo
from hfver.adapters.git_tree import CommitTree, WorkTree
from hfver.beneath import refuse_links
from hfver.checkout.compare import Knows
from hfver.checkout.links import FULL, LinkType, no_space
from hfver.checkout.scan import refuse_links_out, refuse_odd_files, scan
from hfver.errors import RefusedError, StateError
from hfver.hashing import HashName
from hfver.model import OutputFile, OutputPointer
from hfver.outputs.dir_object import LARGEST
from hfver.redact import redact
from hfver.sources import Problem, content_differs
from hfver.state import Content
from hfver.tracking import WORTH_TRACKING, Read, Tracking, identity

_NO_ADVANCE: Callable[[int], None] = lambda _size: None  # noqa: E731


class DvcProject:
    """One DVC repository: the directory that holds ``.dvc``, usually the top of the git work tree."""

    def __init__(self, root: Path, memory: Memory | None = None) -> None:
        self.root = root
        self._memory = memory or NoMemory()

    @classmethod
    def find(cls, top: Path, dvc_root: str = "", memory: Memory | None = None) -> DvcProject:
        """DVC at this place of the work tree; ``dvc_root`` as in ``OutputPointer``."""
        root = top / dvc_root if dvc_root else top
        if not (root / ".dvc").is_dir():
            raise StateError(f"DVC is not set up in {root}", hints=["hfver init", "dvc init"])
        refuse_links(top, root / ".dvc", at_the_end=True)
        for name in (".dvc/tmp", ".dvc/cache"):
            if (root / name).is_symlink() and _git_tracks(root, name):
                raise RefusedError(f"{root / name} is a link that the repository brought", hints=[f"git rm {name}"])
        return cls(root, memory)

    @classmethod
    def init(cls, top: Path) -> DvcProject:
        """Set DVC up, as ``dvc init`` does; its files are staged. Nothing is sent anywhere."""
        from dvc.repo import Repo

        for name in (".dvc", ".dvcignore"):  # DVC writes through what stands there
            refuse_links(top, top / name, at_the_end=True)
        _silence_dvc()
        with _dvc_errors(f"DVC cannot be set up in {top}", top):
            Repo.init(str(top)).close()
        return cls(top)

    @cached_property
    def settings(self) -> DvcSettings:
        return read_settings(self.root)

    @cached_property
    def cache(self) -> DvcCache:
        return DvcCache(self.settings.cache_dir, self._memory, shared=self.settings.shared)

    @cached_property
    def _state(self) -> DvcState:
        return DvcState(self.root, self.settings)

    def object_path(self, md5: str, hash_name: HashName = "md5") -> Path:
        return self.cache.object_path(md5, hash_name)

    def has(self, md5: str, hash_name: HashName = "md5") -> bool:
        return self.cache.has(md5, hash_name)

    def add(self, path: Path, *, bars: bool = True) -> tuple[Path, ...]:
        """``dvc add`` with its git staging. Returns the pointer files written."""
        from dvc.output import OutputAlreadyTrackedError

        self.refuse_unfit(path)
        self._refuse_unbounded()
        self._remove_leftovers(path)
        with self._repo({"core": {"autostage": True}}) as repo, _dvc_errors(f"DVC cannot track {path}", self.root):
            if not bars:  # DVC draws them unless errors are all it may log
                logging.getLogger("dvc").setLevel(logging.CRITICAL)
            try:
                with self._read_beside(path):
                    return tuple(Path(stage.path) for stage in repo.add([str(path)]))
            except OutputAlreadyTrackedError as exc:
                name = shlex.quote(os.path.relpath(path, self.root))
                raise StateError(
                    f"git tracks {path} itself; a model is for DVC",
                    hints=[
                        f"git rm -r --cached {name} && git commit -m 'Model files go to DVC'",
                        "(the files stay where they are), then the same again",
                    ],
                ) from exc

    def refuse_unfit(self, path: Path) -> None:
        """RefusedError for what no version can hold: a link that leads out of the model, a pipe, a name that could be
        .git; and for a link in the place of what DVC will write."""
        for written in (path.with_name(f"{path.name}.dvc"), path.with_name(".gitignore")):
            if written.is_symlink():
                raise RefusedError(f"{written} is a link: DVC is not told to write through it", hints=[f"rm {written}"])
        root = str(path)
        found = scan(root)
        refuse_links_out(found, [self.settings.cache_dir], lambda names: self.ignored(root, names))
        refuse_odd_files(found, lambda names: self.ignored(root, names))

    def _remove_leftovers(self, path: Path) -> None:
        """What a checkout that was killed left in a model is no part of it."""
        if not scan(str(path)).leftovers:
            return
        with dvc_lock(self.root, hardlink_lock=self.settings.hardlink_lock):  # which a checkout at work would hold
            for name in scan(str(path)).leftovers:
                (path / name).unlink(missing_ok=True)

    @contextmanager
    def _read_beside(self, path: Path) -> Iterator[None]:
        """Know both digests of what DVC hashes in the ``with`` block (see ``hfver.tracking``)."""
        root = path.resolve().as_posix()
        found = {f"{root}/{name}" if name else root: item.info for name, item in scan(root).files.items()}
        large = {name: info for name, info in found.items() if info is not None and info.st_size >= WORTH_TRACKING}
        if not large:
            yield
            return
        known = self.knows(root, "md5")
        # What DVC has hashed before it will not read again.
        with Tracking(Path(name) for name, info in large.items() if known(name, info) is None) as tracking:
            yield
        known = self.knows(root, "md5")
        contents = (_hashed_twice(read, known) for read in tracking.results())
        self._memory.remember_tracked(content for content in contents if content is not None)

    def is_recorded(self, target: str, path: Path) -> bool:
        """Whether the stage or pointer file ``target`` records what stands at ``path`` now."""
        if not target.endswith(".dvc"):  # of such a file DVC reads no other
            self._refuse_unbounded()
        with self._repo() as repo, _dvc_errors(f"DVC cannot look at {target}", self.root):
            changes = repo.status([target])
        outs = [out for parts in changes.values() for part in parts if isinstance(part, dict)
                for out in part.get("changed outs", {})]  # fmt: skip
        return not any((self.root / out).resolve() == path.resolve() for out in outs)

    def commit(self, target: str) -> None:
        """``dvc commit``: record what the outputs of a stage are now, and stage that in git."""
        self._refuse_unbounded()
        with self._repo({"core": {"autostage": True}}) as repo, _dvc_errors(f"DVC cannot record {target}", self.root):
            repo.commit(target, force=True)

    def pipeline_outputs(self, commit: str | None) -> tuple[OutputPointer, ...]:
        """Outputs of pipeline stages as DVC itself expands them: slow, for templates that only it can read."""
        from hfver.adapters.dvc_stages import stage_outputs

        self._refuse_unbounded(commit)
        _silence_dvc()
        with _dvc_errors(f"DVC cannot read the pipelines of {self.root}", self.root):
            return stage_outputs(self.root, commit)

    # -- the work tree --------------------------------------------------------------------------------------------

    @property
    def link_types(self) -> Sequence[LinkType]:
        return self.settings.link_types

    def knows(self, root: str, hash_name: HashName) -> Knows:
        """DVC's memory of the files at and below ``root``, asked by path and stat."""
        rows = self._state.rows(root)

        def md5_of(path: str, info: os.stat_result) -> str | None:
            row = rows.get(path)
            return None if row is None else recorded_md5(row, info, hash_name)

        return md5_of

    def remember(
        self,
        root: str,
        rows: Iterable[tuple[str, str, os.stat_result]],
        mtimes: Mapping[str, float],
        hash_name: HashName,
    ) -> None:
        self._state.save(root, rows, mtimes, hash_name)

    def ignored(self, root: str, paths: Collection[str]) -> Collection[str]:
        """Those of the paths below ``root`` that a .dvcignore hides from DVC."""
        return ignored_by_dvc(self.root, root, paths)

    @contextmanager
    def locked(self, paths: Sequence[Path]) -> Iterator[Path]:
        """Keep DVC out while the work tree changes; gives an empty directory for files on their way in."""
        with dvc_lock(self.root, hardlink_lock=self.settings.hardlink_lock):
            refuse_if_in_use(self.root, paths)
            staging = self.root / ".dvc" / "tmp" / "hfver"
            shutil.rmtree(staging, ignore_errors=True)  # left by a run that was killed
            staging.mkdir(parents=True)
            try:
                yield staging
            finally:
                shutil.rmtree(staging, ignore_errors=True)

    # -- the DVC remote ------------------------------------------------------------------------------------------

    def read_remote_dir_object(self, pointer: OutputPointer) -> bytes | None:
        """As ``resolve.DirSource``; the object is kept in the cache only by whoever has verified it."""
        assert pointer.md5 is not None
        if not (pointer.remote or self.settings.default_remote):
            return None
        with self._remote(pointer.remote, pointer.hash_name) as odb:
            try:
                with odb.fs.open(odb.oid_to_path(pointer.md5), "rb") as stream:
                    content: bytes = stream.read(LARGEST + 1)
            except FileNotFoundError:
                return None
            if len(content) > LARGEST:
                place = f"the DVC remote {pointer.remote or self.settings.default_remote}"
                raise StateError(f"{pointer.md5} on {place} is more than {LARGEST:,} bytes, and no list of files")
            return content

    def absent(
        self, md5s: Collection[str], *, hash_name: HashName = "md5", remote: str | None = None
    ) -> frozenset[str]:
        """Those of these objects that the DVC remote does not have."""
        if not md5s:
            return frozenset()
        place = f"the DVC remote {remote or self.settings.default_remote}"
        with self._remote(remote, hash_name) as odb, _dvc_errors(f"{place} cannot be asked", self.root):
            try:
                return frozenset(md5s) - frozenset(odb.oids_exist(list(md5s), jobs=odb.fs.jobs))
            except OSError as exc:
                raise StateError(f"{place} cannot be asked: {exc}", hints=["dvc status --cloud"]) from exc

    def fetch(
        self,
        files: Sequence[OutputFile],
        *,
        hash_name: HashName = "md5",
        remote: str | None = None,
        advance: Callable[[int], None] = _NO_ADVANCE,
    ) -> tuple[Problem, ...]:
        """Bring exactly these files from the DVC remote into the cache, hashed before they get there.

        DVC's own fetch takes what the remote gives, and calls an absent object "up to date". The settings are those of
        the workspace: an old commit may name a remote that is gone.
        """
        if not files:
            return ()
        place = f"DVC remote {remote or self.settings.default_remote!r}"
        with self._remote(remote, hash_name) as odb:

            def one(file: OutputFile) -> Problem | None:
                reason = self._fetch_one(odb, file, hash_name, advance)
                return Problem(file.path, place, reason) if reason else None

            with ThreadPoolExecutor(min(int(odb.fs.jobs), len(files)), thread_name_prefix="dvc-fetch") as pool:
                return tuple(problem for problem in pool.map(one, files) if problem is not None)

    def fetch_output(self, path: Path) -> None:
        """``dvc fetch`` of one output as the work tree's pointer has it. What came is not verified."""
        refuse_brought_credentials(self.root)
        self._refuse_unbounded()
        with self._repo() as repo, _dvc_errors(f"DVC cannot fetch {path}", self.root):
            repo.fetch(targets=[str(path)])

    def _fetch_one(self, odb: Any, file: OutputFile, hash_name: HashName, advance: Callable[[int], None]) -> str | None:
        temporary = self.cache.temporary()
        try:
            odb.fs.get_file(odb.oid_to_path(file.md5), str(temporary))
            if difference := content_differs(temporary, file, hash_name, advance):
                return f"damaged there ({difference})"
            self.cache.insert(temporary, file.md5, hash_name)
        except FileNotFoundError:
            return "not there"
        except OSError as exc:
            if exc.errno in FULL:
                raise no_space(str(temporary)) from exc
            return redact(f"not readable: {exc}")
        finally:
            temporary.unlink(missing_ok=True)
        return None

    @contextmanager
    def _remote(self, name: str | None, hash_name: HashName) -> Iterator[Any]:
        refuse_brought_credentials(self.root)
        with self._repo() as repo:
            with _dvc_errors(f"the DVC remote {name or self.settings.default_remote or ''} cannot be used", self.root):
                odb = repo.cloud.get_remote_odb(name, "fetch", hash_name=hash_name)
            yield odb

    def _refuse_unbounded(self, commit: str | None = None) -> None:
        """Before DVC reads all pipelines of the work tree, or of a commit."""
        git = GitRepo.discover(self.root)
        root = self.root.resolve().relative_to(git.top.resolve()).as_posix()
        root = "" if root == "." else root
        if commit is None:
            refuse_unbounded(WorkTree(git), root)
            return
        with git.reader() as reader:
            refuse_unbounded(CommitTree(git, reader, commit), root)

    @contextmanager
    def _repo(self, config: dict[str, Any] | None = None) -> Iterator[Any]:
        from dvc.repo import Repo

        # To read them is to say what is wrong with them, and to know the secrets in them that DVC's errors quote.
        _ = self.settings
        _silence_dvc()
        with _dvc_errors(f"DVC cannot open {self.root}", self.root):
            repo = Repo(str(self.root), config=config)
        with repo:
            yield repo


def _git_tracks(root: Path, name: str) -> bool:
    """People put caches on other disks by links of their own; a link that came with a clone is somebody else's."""
    return execute_git(root, [*NEUTRAL, "ls-files", "--error-unmatch", "--", name]).code == 0


def _hashed_twice(read: Read, known: Knows) -> Content | None:
    """What is known of a file that DVC has hashed in the very state in which it was read here."""
    try:
        info = read.path.stat()
    except FileNotFoundError:
        return None
    md5 = known(str(read.path), info) if identity(info) == identity(read.info) else None
    return None if md5 is None else Content(md5, info.st_size, read.sha256)


def _silence_dvc() -> None:
    """DVC reports what it does on stdout, where our data goes."""
    logging.getLogger("dvc").setLevel(logging.WARNING)


@contextmanager
def _dvc_errors(context: str, root: Path) -> Iterator[None]:
    """DVC's errors, and those of the storage libraries it loads, as ours."""
    from dvc.exceptions import DvcException
    from dvc.lock import FAILED_TO_LOCK_MESSAGE
    from dvc_objects.fs.errors import AuthError, ConfigError, RemoteMissingDepsError

    try:
        yield
    except (DvcException, AuthError, ConfigError, RemoteMissingDepsError, ImportError) as exc:
        logging.getLogger(__name__).debug("DVC failed:\n%s", redact(traceback.format_exc()))
        if str(exc) == FAILED_TO_LOCK_MESSAGE:  # which says that there may be another process, not which
            raise busy(root / ".dvc" / "tmp" / "lock") from exc
        raise StateError(f"{context}: {exc}", hints=["dvc doctor", "dvc config --list"]) from exc
    except RecursionError as exc:
        raise StateError(f"{context}: a file it reads is nested too deep") from exc
