"""Reading git objects: one ``git cat-file`` process for any number of them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Self

from hfver.adapters.git_process import clean_environment, decode, encode, execute_git
from hfver.errors import StateError
from hfver.small_files import LARGEST, TooLargeError

# Requests written ahead of reading their answers. They stay below what a pipe holds, so that git can never be blocked
# writing an answer while we are blocked writing a request.
_REQUEST_WINDOW = 16 * 1024
_MOST_DISCARDED = 64 * 1024 * 1024  # bytes of an object that is too large; for more git is ended and started again


@dataclass(frozen=True, slots=True)
class TreeEntry:
    path: str
    mode: str
    kind: str  # blob, tree or commit (a submodule)
    oid: str

    @property
    def is_symlink(self) -> bool:
        return self.mode == "120000"

    @property
    def is_executable(self) -> bool:
        return self.mode == "100755"


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    oid: str
    kind: str
    size: int


class _Blob(NamedTuple):
    name: str  # as it was asked for
    size: int
    start: bytes


class ObjectReader:
    """Answers ``REV:path`` and object ids. Use as a context manager; not for several threads at once."""

    def __init__(self, top: Path) -> None:
        self._top = top
        self._content: subprocess.Popen[bytes] | None = None
        self._check: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        for process in (self._content, self._check):
            if process is not None:
                self._end(process)
        self._content = self._check = None

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        process.wait()

    def read(self, name: str, largest: int = LARGEST) -> bytes | None:
        """The bytes of a blob, None when there is no such object or it is no blob; TooLargeError for a larger one."""
        found = next(self.read_many([name], largest))
        if isinstance(found, TooLargeError):
            raise found
        return found

    def read_many(self, names: Iterable[str], largest: int = LARGEST) -> Iterator[bytes | TooLargeError | None]:
        """Like ``read`` for each name, in order, without a round trip per name; errors are among the answers."""
        for blob in self._blobs(names, largest):
            if blob is None or blob.size <= largest:
                yield blob and blob.start
            else:
                yield TooLargeError(blob.name, blob.size, largest)

    def start_of(self, name: str, size: int) -> bytes | None:
        """At most the first ``size`` bytes of a blob."""
        blob = next(self._blobs([name], size))
        return blob and blob.start

    def _blobs(self, names: Iterable[str], most: int) -> Iterator[_Blob | None]:
        """The first ``most`` bytes of each."""
        for window in _windows((name, self._request(name)) for name in names):
            left = list(window)
            while left:
                if self._content is None:
                    self._content = self._start("--batch")
                stdin, stdout = _streams(self._content)
                stdin.write(b"".join(request for _, request in left))
                stdin.flush()
                # Take all answers before yielding the first: a caller that stops early must not leave answers to
                # questions nobody remembers in the pipe.
                answers: list[_Blob | None] = []
                for name, _ in left:
                    answers.append(self._answer(stdout, name, most))
                    if self._content is None:
                        break  # ended in the middle of a large one: the others are asked for again
                yield from answers
                left = left[len(answers) :]

    def info(self, name: str) -> ObjectInfo | None:
        if self._check is None:
            self._check = self._start("--batch-check")
        stdin, stdout = _streams(self._check)
        stdin.write(self._request(name))
        stdin.flush()
        return _parse_header(self._line(stdout))

    def _answer(self, stdout: IO[bytes], name: str, most: int) -> _Blob | None:
        header = _parse_header(self._line(stdout))
        if header is None:
            return None
        wanted = header.size if header.kind == "blob" else 0
        start = stdout.read(min(wanted, most))
        rest = header.size - len(start)
        if rest > _MOST_DISCARDED:  # ten gigabytes of zeros are ten megabytes in a clone: git must not unpack them all
            assert self._content is not None
            self._content.kill()
            self._end(self._content)
            self._content = None
        elif len(start) != min(wanted, most) or len(stdout.read(rest + 1)) != rest + 1:
            raise StateError("git ended while an object was read", hints=["git fsck"])
        return _Blob(name, header.size, start) if header.kind == "blob" else None

    def _line(self, stdout: IO[bytes]) -> bytes:
        line = stdout.readline()
        if not line:
            raise StateError(f"git cannot read objects of {self._top}", hints=["git fsck"])
        return line

    def _request(self, name: str) -> bytes:
        if "\n" in name:
            # The protocol is one name per line; such a path is asked for by its object id instead.
            found = execute_git(self._top, ["rev-parse", "--verify", "--quiet", name])
            name = decode(found.stdout).strip() if found.code == 0 else "0" * 40
        return encode(name) + b"\n"

    def _start(self, mode: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["git", "cat-file", mode],
            cwd=self._top,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=clean_environment(),
        )


def _streams(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def _windows(requests: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    window: list[tuple[str, bytes]] = []
    held = 0
    for name, request in requests:
        if window and held + len(request) > _REQUEST_WINDOW:
            yield window
            window, held = [], 0
        window.append((name, request))
        held += len(request)
    if window:
        yield window


def _parse_header(line: bytes) -> ObjectInfo | None:
    if line.endswith((b" missing\n", b" ambiguous\n", b" submodule\n")):  # the last from git 2.51 on
        return None
    oid, kind, size = line.split()
    return ObjectInfo(decode(oid), decode(kind), int(size))
