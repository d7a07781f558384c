"""Where content can be had, in the order of what it costs, and the loop that asks.

A source puts what it has into DVC's cache, hashed on the way. One that lacks a file, or has it damaged, is passed over
and named in the report; only when no source is left is that an error.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hfver.checkout.links import Linker
from hfver.errors import HfverError, IntegrityError, NoSpaceError, UnauthorisedError, UnreachableError
from hfver.hashing import Advance, Digests, HashName, hash_file, md5_of_file
from hfver.model import OutputFile, OutputPointer
from hfver.outputs.dir_object import build_dir_object, dir_object_id
from hfver.receipt import Receipt
from hfver.store_trouble import DamagedHubError

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one place could not give one file."""

    path: str
    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.place}: {self.reason}"


def summarised(problems: Iterable[Problem]) -> tuple[str, ...]:
    """For people: what is said of more than a few files is said once."""
    groups: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        groups.setdefault((problem.place, problem.reason), []).append(problem)
    lines: list[str] = []
    for (place, reason), group in groups.items():
        few = len(group) <= _SHOWN
        lines += map(str, group) if few else [f"{len(group)} files: {place}: {reason}"]
    return tuple(line.removeprefix(": ") for line in lines)


class Cache(Protocol):
    """What sources need of ``adapters.dvc_cache.DvcCache``."""

    def missing(self, files: Iterable[OutputFile], hash_name: HashName) -> Sequence[OutputFile]: ...
    def temporary(self, hint: str = "") -> Path: ...
    def insert(self, temporary: Path, md5: str, hash_name: HashName) -> Path: ...
    def discard(self, md5: str, hash_name: HashName) -> None: ...
    def settle(self) -> None: ...


class Source(Protocol):
    @property
    def place(self) -> str: ...

    def obtain(self, files: Sequence[OutputFile], advance: Advance) -> Sequence[Problem]:
        """Put what can be had into the cache; say of the rest why not."""


@dataclass(frozen=True, slots=True)
class Obtained:
    """How many files came from where, and what was found wrong on the way."""

    counts: Mapping[str, int]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


def obtain(
    files: Sequence[OutputFile],
    cache: Cache,
    sources: Iterable[Source],
    *,
    hash_name: HashName,
    advance: Advance,
    what: str,
) -> Obtained:
    """Have every file in the cache, or raise IntegrityError naming those that no place could give.

    ``what`` names the version in that error.
    """
    counts: dict[str, int] = {}
    problems: list[Problem] = []
    asked: list[str] = ["the DVC cache"]
    unreachable: HfverError | None = None
    wanted = list(cache.missing(_each_content_once(files), hash_name))
    for source in sources:
        if not wanted:
            break
        asked.append(source.place)
        before = len(wanted)
        try:
            problems += source.obtain(wanted, advance)
        except NoSpaceError:
            raise
        except HfverError as exc:  # a place that cannot be asked is like one that has nothing
            problems.append(Problem("", source.place, exc.message))
            unreachable = exc
        finally:
            cache.settle()
        wanted = list(cache.missing(wanted, hash_name))
        if before > len(wanted):
            counts[source.place] = before - len(wanted)
    if wanted:
        lost = _lost(wanted, asked, problems, what)
        lost.hints[:0] = unreachable.hints if unreachable is not None else []
        raise lost from unreachable
    return Obtained(counts, tuple(problems))


def _each_content_once(files: Iterable[OutputFile]) -> list[OutputFile]:
    return list({file.md5: file for file in files}.values())


def _lost(wanted: Sequence[OutputFile], asked: Sequence[str], problems: Sequence[Problem], what: str) -> IntegrityError:
    names = ", ".join(file.path for file in wanted[:_SHOWN])
    more = f" and {len(wanted) - _SHOWN} more" if len(wanted) > _SHOWN else ""
    lines = [f"{len(wanted)} file(s) of {what} are nowhere to be had: {names}{more}", f"  asked: {', '.join(asked)}"]
    lost = {file.path for file in wanted}
    said = summarised(problem for problem in problems if not problem.path or problem.path in lost)
    lines += [f"  {line}" for line in said[: 2 * _SHOWN]]
    return IntegrityError("\n".join(lines), hints=["dvc push    (where the files still are)", "hfver push TAG"])


# -- places on this machine ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileSource:
    """Files somewhere on this machine that should have the wanted content: the work tree, the Hub client's cache."""

    place: str
    candidates: Callable[[OutputFile], Iterable[Path]]
    cache: Cache
    hash_name: HashName = "md5"

    def obtain(self, files: Sequence[OutputFile], advance: Advance) -> Sequence[Problem]:
        linker = Linker(["reflink", "copy"])

        def one(file: OutputFile) -> Problem | None:
            reason = None
            for path in self.candidates(file):
                reason = take_copy(path, file, self.cache, linker, self.hash_name, advance)
                if reason is None:
                    return None
            return Problem(file.path, self.place, reason) if reason else None

        with ThreadPoolExecutor(4, thread_name_prefix="take") as pool:
            return [problem for problem in pool.map(one, files) if problem is not None]


def take_copy(
    path: Path, file: OutputFile, cache: Cache, linker: Linker, hash_name: HashName, advance: Advance | None = None
) -> str | None:
    """Put a copy of a file into the cache if it has the content wanted; else the reason why not."""
    temporary = cache.temporary()
    try:
        linker.place(str(path), str(temporary))
        if difference := content_differs(temporary, file, hash_name, advance):
            return f"{path} has other content ({difference})"
        cache.insert(temporary, file.md5, hash_name)
    except FileNotFoundError:
        return "not there"
    except OSError as exc:
        return f"{path} cannot be read: {exc.strerror}"
    finally:
        temporary.unlink(missing_ok=True)
    return None


def content_differs(path: Path, file: OutputFile, hash_name: HashName, advance: Advance | None = None) -> str | None:
    """How a file's content differs from the wanted one, or None. sha256 is paid for where one is known to compare.

    What differs has to be got again, so that ``advance`` goes back.
    """
    if file.sha256 is None:
        md5, sha256 = md5_of_file(path, hash_name=hash_name, advance=advance), None
    else:
        found = hash_file(path, hash_name=hash_name, advance=advance)
        md5, sha256 = found.md5, found.sha256
    if (md5, sha256) == (file.md5, file.sha256):
        return None
    if advance is not None:
        advance(-path.stat().st_size)
    if md5 != file.md5:
        return f"md5 {md5}, expected {file.md5}"
    return f"sha256 {sha256 or '':.16}…, expected {file.sha256 or '':.16}…"


def require_space(directory: Path, needed: int) -> None:
    """Say before a download that there is no room for it, and not after an hour."""
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise NoSpaceError(
            f"{directory} has {free / 1e9:.1f} GB left, {needed / 1e9:.1f} GB are needed",
            hints=["df -h .", "hfver gc    (drops from DVC's cache what the Hub has too)"],
        )


# -- the Hub -------------------------------------------------------------------------------------------------------


class HubFiles(Protocol):
    """What getting files needs of the Hub."""

    def receipt(self, repo: str, revision: str) -> Receipt | None: ...

    def download(
        self,
        repo: str,
        revision: str,
        files: Sequence[OutputFile],
        into: Callable[[OutputFile], Path],
        done: Callable[[OutputFile, Path, Digests], None],
        advance: Advance,
        hashing: Callable[[OutputFile], HashName | None],
    ) -> None:
        """Write each file to ``into(file)``, hash it on the way, call ``done``. Continues partial files.

        ``hashing`` names DVC's digest of a file, to be computed besides sha256; None where sha256 alone decides.
        """


@dataclass(frozen=True, slots=True)
class HubSource:
    """Releases of one model, asked in turn until nothing is missing."""

    hub: HubFiles
    repo: str
    revisions: Callable[[], Iterable[str]]
    cache: Cache
    hash_name: HashName = "md5"
    # Whether the sha256 of a receipt's file is known from elsewhere to be that of the md5 DVC recorded, so that
    # computing the md5 of what comes would prove nothing more.
    is_proven: Callable[[OutputFile], bool] = lambda _file: False
    learn: Callable[[Sequence[OutputFile]], None] = lambda _files: None  # told of content whose digests were both right

    @property
    def place(self) -> str:
        return f"the Hub ({self.repo})"

    def obtain(self, files: Sequence[OutputFile], advance: Advance) -> Sequence[Problem]:
        problems: list[Problem] = []
        wanted = {file.md5: file for file in files}
        for revision in self.revisions():
            if not wanted:
                break
            try:
                problems += self._from_release(revision, wanted, advance)
            except (NoSpaceError, UnauthorisedError, UnreachableError, DamagedHubError):
                raise
            except HfverError as exc:  # of this release alone: another one may do
                problems.append(Problem("", f"{self.repo}@{revision}", exc.message))
            wanted = {file.md5: file for file in self.cache.missing(wanted.values(), self.hash_name)}
        return problems

    def _from_release(self, revision: str, wanted: Mapping[str, OutputFile], advance: Advance) -> list[Problem]:
        receipt = self.hub.receipt(self.repo, revision)
        listed = {file.md5: file for file in receipt.files} if receipt else {}
        offered = [listed[md5] for md5 in wanted if md5 in listed]
        return self._download(revision, offered, wanted, advance) if offered else []

    def _download(
        self, revision: str, offered: Sequence[OutputFile], wanted: Mapping[str, OutputFile], advance: Advance
    ) -> list[Problem]:
        problems: list[Problem] = []
        right: list[OutputFile] = []
        proven = {file.md5 for file in offered if self.hash_name == "md5" and self.is_proven(file)}

        def hashing(file: OutputFile) -> HashName | None:
            return None if file.md5 in proven else self.hash_name

        def done(file: OutputFile, path: Path, found: Digests) -> None:
            expected = wanted[file.md5].sha256 or file.sha256
            if found.sha256 == expected and (file.md5 in proven or found.md5 == file.md5):
                self.cache.insert(path, file.md5, self.hash_name)
                right.append(file)
                return
            path.unlink()
            advance(-found.size)
            reason = f"damaged there (sha256 {found.sha256[:16]}…, expected {(expected or '')[:16]}…)"
            problems.append(Problem(file.path, f"{self.repo}@{revision}", reason))

        def into(file: OutputFile) -> Path:
            return self.cache.temporary(f"hub-{file.sha256}")

        begun = sum(_size_at(into(file)) for file in offered)
        require_space(self.cache.temporary().parent, sum(file.size or 0 for file in offered) - begun)
        try:
            self.hub.download(self.repo, revision, offered, into, done, advance, hashing)
        finally:
            self.learn(right)
        return problems


def _size_at(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def dir_object_of(receipt: Receipt, pointer: OutputPointer) -> bytes | None:
    """The lost list of files of a directory, made again from a release; None when the release is of other content."""
    raw = build_dir_object(receipt.files)
    return raw if dir_object_id(raw) == pointer.md5 else None
