"""The bytes of an output at a commit: from DVC's cache, else a DVC remote, else git itself.

md5 is checked against what DVC recorded while sha256 is computed in the same read; both are remembered, so that the
same content is never hashed twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from os import cpu_count
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hfver.adapters.dvc_outputs import DvcProject

from hfver.errors import IntegrityError
from hfver.hashing import BLOCK, Digests, Hasher, hash_file
from hfver.model import Output, OutputFile
from hfver.publish import Located
from hfver.reporting import Reporter
from hfver.state import Content, State

log = logging.getLogger(__name__)
_SHOWN_FILES = 5


class CommitFiles(Protocol):
    """The files git has at a commit."""

    label: str

    def read(self, path: str) -> bytes | None: ...


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

        return tuple(replace(file, size=size(file)) for file in files)

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
            return self._commit_files.read(f"{self._output.path}/{file.path}")
        try:
            return self._dvc.object_path(file.md5, self._output.pointer.hash_name).read_bytes()
        except FileNotFoundError:
            return None

    def locate(self, files: Sequence[OutputFile]) -> Mapping[str, Located]:
        """The bytes by md5; IntegrityError when any is missing everywhere or is not what DVC recorded."""
        wanted = {file.md5: file for file in files}
        sources = self._from_git(wanted) if not self._output.pointer.cached else self._from_dvc(wanted)
        known = self._state.known_content(wanted)
        unknown = [md5 for md5 in wanted if md5 not in known]
        log.debug("%s: %d contents, %d of them to be read and checked", self._output.path, len(wanted), len(unknown))
        fresh = self._hashed({md5: sources[md5] for md5 in unknown}, wanted)
        self._state.remember_content(fresh.values())
        return {md5: Located(fresh.get(md5) or known[md5], sources[md5]) for md5 in wanted}

    def digests(self, files: Sequence[OutputFile]) -> Mapping[str, Content]:
        """What the files hash to, by md5; bytes are read for content that is not known yet."""
        known = self._state.known_content([file.md5 for file in files])
        unknown = [file for file in files if file.md5 not in known]
        return known | {md5: item.content for md5, item in self.locate(unknown).items()} if unknown else known

    def _from_git(self, wanted: Mapping[str, OutputFile]) -> dict[str, Path | bytes]:
        path = self._output.path
        found: dict[str, Path | bytes] = {}
        for md5, file in wanted.items():
            data = self._commit_files.read(f"{path}/{file.path}")
            if data is None:
                data = self._commit_files.read(path)
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

    def _hashed(self, sources: Mapping[str, Path | bytes], wanted: Mapping[str, OutputFile]) -> dict[str, Content]:
        if not sources:
            return {}
        hash_name = self._output.pointer.hash_name
        total = sum(item.stat().st_size if isinstance(item, Path) else len(item) for item in sources.values())
        with (
            self._reporter.progress("Checking", total) as bar,
            ThreadPoolExecutor(max_workers=cpu_count() or 1) as pool,
        ):

            def digests(source: Path | bytes) -> Digests:
                if isinstance(source, bytes):
                    hasher = Hasher(hash_name)
                    hasher.update(source)
                    return hasher.digests()
                return hash_file(source, hash_name=hash_name, advance=bar.advance, chunk=self._chunk)

            found = dict(zip(sources, pool.map(digests, sources.values()), strict=True))
        for md5, digest in found.items():
            if digest.md5 != md5:
                raise self._damaged(wanted[md5], sources[md5], digest.md5)
        return {md5: Content(md5, digest.size, digest.sha256) for md5, digest in found.items()}

    def _damaged(self, file: OutputFile, source: Path | bytes, actual: str) -> IntegrityError:
        where = f"DVC's cache ({source})" if isinstance(source, Path) else "git"
        hints = [f"rm -f '{source}'", "dvc fetch"] if isinstance(source, Path) else []
        return IntegrityError(
            f"{file.path}: DVC recorded md5 {file.md5}, but the bytes in {where} have {actual}; nothing was published",
            hints=hints,
        )
