"""The bytes of an output at a commit: from DVC's cache, else a DVC remote, else git itself.

md5 is checked against what DVC recorded beside the sending; it and sha256 are remembered, so that the same content is
never hashed twice for that: from then on its sha256, which the client computes of whatever it sends, is enough.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hfver.adapters.dvc_outputs import DvcProject

from hfver.checking import ChangedError, Checking
from hfver.errors import IntegrityError
from hfver.hashing import BLOCK, Hasher, hash_file
from hfver.model import Output, OutputFile
from hfver.outputs.resolve import LARGEST_IN_GIT
from hfver.publish import Located
from hfver.reporting import Reporter
from hfver.small_files import LARGEST, read_small
from hfver.state import Content, State

log = logging.getLogger(__name__)
_SHOWN_FILES = 5


class CommitFiles(Protocol):
    """The files git has at a commit."""

    label: str

    def read(self, path: str, largest: int = LARGEST) -> bytes | None: ...


class ReleaseContent:
    """Provides an output's verified bytes to publishing."""

    def __init__(
        self,
        output: Output,
        dvc: DvcProject,
        commit_files: CommitFiles,
        state: State,
        reporter: Reporter,
        chunk: int = BLOCK,
        *,
        elsewhere: Callable[[], Iterable[DvcProject]] = tuple,
    ) -> None:
        self._output, self._dvc, self._commit_files = output, dvc, commit_files
        self._state, self._reporter, self._chunk = state, reporter, chunk
        self._elsewhere = elsewhere  # DVC in other work trees, asked for what this one's cache has not

    def sized(self, files: Sequence[OutputFile]) -> tuple[OutputFile, ...]:
        """The files with their sizes, as far as these can be told without fetching anything."""
        known = self._state.known_content([file.md5 for file in files])
        cache, hash_name = self._dvc.cache, self._output.pointer.hash_name

        def size(file: OutputFile) -> int | None:
            if file.size is not None:
                return file.size
            content = known.get(file.md5)
            return content.size if content is not None else cache.size_of(file.md5, hash_name)

        return tuple(file._replace(size=size(file)) for file in files)

    def not_at_hand(self, files: Sequence[OutputFile]) -> tuple[OutputFile, ...]:
        """Files whose bytes neither DVC's cache nor, as far as can be told without asking it, a DVC remote has."""
        pointer = self._output.pointer
        if not pointer.cached or pointer.remote or self._dvc.settings.default_remote:
            return ()
        missing = self._dvc.cache.missing(files, pointer.hash_name)
        others = self._in_other_caches(missing)
        return tuple(file for file in missing if file.md5 not in others)

    def read_small(self, file: OutputFile) -> bytes | None:
        """A file's bytes when they are here without fetching anything."""
        if not self._output.pointer.cached:
            return self._commit_files.read(f"{self._output.path}/{file.path}", LARGEST_IN_GIT)
        try:
            return self._dvc.object_path(file.md5, self._output.pointer.hash_name).read_bytes()
        except FileNotFoundError:
            return None

    def read(self, file: OutputFile) -> bytes:
        """A small file's bytes, fetched where that is needed, and checked; UnreadError for one that is not small."""
        source = self._sources([file])[file.md5]
        data = source if isinstance(source, bytes) else read_small(source, name=file.path)
        hasher = Hasher(self._output.pointer.hash_name)
        hasher.update(data)
        self._as_recorded(file, source, hasher.digests().md5)
        return data

    def locate(self, files: Sequence[OutputFile]) -> Mapping[str, Located]:
        """Where the bytes are, by md5, fetched where that is needed; IntegrityError when any is missing everywhere."""
        sources = self._sources(files)
        # What a receipt says of their sha256 proves nothing about the bytes here: those are checked by md5.
        known = self._state.proven_content(sources)
        log.debug("%s: %d contents, %d of them checked before", self._output.path, len(sources), len(known))
        return {
            md5: Located(source, _size_of(source), known[md5].sha256 if md5 in known else None)
            for md5, source in sources.items()
        }

    @contextmanager
    def checking(
        self, files: Sequence[OutputFile], located: Mapping[str, Located]
    ) -> Iterator[Callable[[Mapping[str, str]], Mapping[str, Content]]]:
        """Check in the background that the bytes are what DVC recorded.

        Large content whose sha256 is known is not read for that: what the client computes of the bytes it sends tells.
        """
        known = {
            md5: Content(md5, place.size, place.sha256)
            for md5, place in located.items()
            if place.sha256 and place.size > BLOCK
        }
        sources = {md5: place.source for md5, place in located.items() if md5 not in known}
        by_md5: dict[str, list[OutputFile]] = {}
        for file in files:
            by_md5.setdefault(file.md5, []).append(file)
        with Checking(sources, self._reporter, hash_name=self._output.pointer.hash_name, chunk=self._chunk) as checking:

            def contents(sent: Mapping[str, str]) -> Mapping[str, Content]:
                for md5, checked in checking.results().items():
                    self._as_recorded(by_md5[md5][0], sources[md5], checked.md5)
                found: dict[str, Content] = {}
                for md5, source in sources.items():
                    hashed = _hashes(by_md5[md5], sent)
                    try:
                        found[md5] = Content(md5, located[md5].size, checking.sha256(md5, hashed))
                    except ChangedError as error:
                        raise _changed(by_md5[md5][0], source) from error
                for md5, content in known.items():
                    hashed = _hashes(by_md5[md5], sent)
                    expected = hashed == {content.sha256}
                    found[md5] = content if expected else self._looked_at(by_md5[md5][0], located[md5], hashed)
                self._state.remember_content(found.values())
                return found

            yield contents

    def _looked_at(self, file: OutputFile, place: Located, hashed: Collection[str]) -> Content:
        """Read in full, because what was sent is not what was known of the content: either may be wrong."""
        assert isinstance(place.source, Path)  # what is in memory is small
        digests = hash_file(place.source, hash_name=self._output.pointer.hash_name, chunk=self._chunk)
        self._as_recorded(file, place.source, digests.md5)
        if any(sha256 != digests.sha256 for sha256 in hashed):
            raise _changed(file, place.source)
        return Content(file.md5, digests.size, digests.sha256)

    def contradicted(self, files: Iterable[OutputFile]) -> list[str]:
        """Paths of a release's files for which it has another sha256 than content of that md5 was found to have here.

        One of the two is wrong. Whichever it is, sending the file again, checked, makes the next release right.
        """
        if self._output.pointer.hash_name != "md5":  # a legacy md5 may stand for several contents
            return []
        listed = list(files)
        proven = self._state.proven_content([file.md5 for file in listed])
        return [file.path for file in listed if file.md5 in proven and proven[file.md5].sha256 != file.sha256]

    def digests(self, files: Sequence[OutputFile]) -> Mapping[str, Content]:
        """What the files hash to, by md5: what the release they stay from says, which has been compared with what is
        remembered; bytes are read for content that is not known yet."""
        known = self._state.known_content([file.md5 for file in files])
        known |= {
            file.md5: Content(file.md5, file.size, file.sha256)
            for file in files
            if file.size is not None and file.sha256 is not None
        }
        unknown = [file for file in files if file.md5 not in known]
        if not unknown:
            return known
        with self.checking(unknown, self.locate(unknown)) as checked:
            return {**known, **checked({})}

    def _sources(self, files: Sequence[OutputFile]) -> dict[str, Path | bytes]:
        wanted = {file.md5: file for file in files}
        return self._from_dvc(wanted) if self._output.pointer.cached else self._from_git(wanted)

    def _from_git(self, wanted: Mapping[str, OutputFile]) -> dict[str, Path | bytes]:
        path = self._output.path
        found: dict[str, Path | bytes] = {}
        for md5, file in wanted.items():
            data = self._commit_files.read(f"{path}/{file.path}", LARGEST_IN_GIT)
            if data is None:
                data = self._commit_files.read(path, LARGEST_IN_GIT)
            if data is None:
                raise IntegrityError(f"{path}/{file.path} is not in git at {self._commit_files.label}")
            found[md5] = data
        return found

    def _from_dvc(self, wanted: Mapping[str, OutputFile]) -> dict[str, Path | bytes]:
        pointer = self._output.pointer
        missing = self._dvc.cache.missing(wanted.values(), pointer.hash_name)
        log.debug("DVC's cache has %d of %d contents", len(wanted) - len(missing), len(wanted))
        others = self._in_other_caches(missing)
        missing = tuple(file for file in missing if file.md5 not in others)
        if missing:
            self._fetch(missing)
        return {md5: others.get(md5) or self._dvc.object_path(md5, pointer.hash_name) for md5 in wanted}

    def _in_other_caches(self, files: Sequence[OutputFile]) -> dict[str, Path]:
        hash_name = self._output.pointer.hash_name
        found: dict[str, Path] = {}
        left = files
        for dvc in self._elsewhere() if files else ():
            lacking = {file.md5 for file in dvc.cache.missing(left, hash_name)}
            found |= {file.md5: dvc.object_path(file.md5, hash_name) for file in left if file.md5 not in lacking}
            left = [file for file in left if file.md5 in lacking]
        return found

    def _fetch(self, missing: Sequence[OutputFile]) -> None:
        pointer = self._output.pointer
        places = ["DVC's cache"]
        problems: Sequence[object] = ()
        if pointer.remote or self._dvc.settings.default_remote:
            places.append(f"DVC remote {pointer.remote or self._dvc.settings.default_remote!r}")
            total = sum(file.size or 0 for file in missing) or None
            with self._reporter.progress("Fetching from the DVC remote", total) as bar:
                problems = self._dvc.fetch(
                    missing, hash_name=pointer.hash_name, remote=pointer.remote, advance=bar.advance
                )
        gone = sorted(file.path for file in self._dvc.cache.missing(missing, pointer.hash_name))
        if gone:
            shown = ", ".join(gone[:_SHOWN_FILES])
            more = f" and {len(gone) - _SHOWN_FILES} more" if len(gone) > _SHOWN_FILES else ""
            reasons = "".join(f"\n  {problem}" for problem in problems[:_SHOWN_FILES])
            raise IntegrityError(
                f"{self._output.path} at {self._commit_files.label}: no place has the bytes of {shown}{more} "
                f"(asked: {', '.join(places)}){reasons}",
                hints=[f"on the machine that has them: dvc push {pointer.pointer_file}", "then here: hfver push"],
            )

    def _as_recorded(self, file: OutputFile, source: Path | bytes, md5: str) -> None:
        if md5 == file.md5:
            return
        where = f"DVC's cache ({source})" if isinstance(source, Path) else "git"
        hints = [f"rm -f '{source}'", "dvc fetch"] if isinstance(source, Path) else []
        raise IntegrityError(
            f"{file.path}: DVC recorded md5 {file.md5}, but the bytes in {where} have {md5}; nothing was published",
            hints=hints,
        )


def _hashes(files: Iterable[OutputFile], sent: Mapping[str, str]) -> set[str]:
    """What the client computed of the bytes it sent for one content."""
    return {sent[file.path] for file in files if file.path in sent}


def _changed(file: OutputFile, source: Path | bytes) -> IntegrityError:
    assert isinstance(source, Path)  # bytes in memory do not change
    return IntegrityError(
        f"{file.path}: its bytes in DVC's cache ({source}) changed while they were sent; nothing was published",
        hints=["dvc fetch", "then: hfver push"],
    )


def _size_of(source: Path | bytes) -> int:
    return source.stat().st_size if isinstance(source, Path) else len(source)
