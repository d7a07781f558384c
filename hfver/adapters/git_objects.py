"""Reading git objects: one ``git cat-file`` process for any number of them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from hfver.adapters.git_process import clean_environment, decode, encode, execute_git
from hfver.errors import StateError

# Requests written ahead of reading their answers. They stay below what a pipe holds, so that git can never be blocked
# writing an answer while we are blocked writing a request.
_REQUEST_WINDOW = 16 * 1024


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
            if process is None:
                continue
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with suppress(BrokenPipeError):
                        stream.close()
            process.wait()
        self._content = self._check = None

    def read(self, name: str) -> bytes | None:
        """The bytes of a blob; None when there is no such object or it is not a blob."""
        return next(self.read_many([name]))

    def read_many(self, names: Iterable[str]) -> Iterator[bytes | None]:
        """Like ``read`` for each name, in order, without a round trip per name."""
        if self._content is None:
            self._content = self._start("--batch")
        stdin, stdout = _streams(self._content)
        for window in _windows(self._request(name) for name in names):
            stdin.write(b"".join(window))
            stdin.flush()
            # Take all answers before yielding the first: a caller that stops early must not leave answers to
            # questions nobody remembers in the pipe.
            yield from [self._answer(stdout) for _ in window]

    def info(self, name: str) -> ObjectInfo | None:
        if self._check is None:
            self._check = self._start("--batch-check")
        stdin, stdout = _streams(self._check)
        stdin.write(self._request(name))
        stdin.flush()
        return _parse_header(self._line(stdout))

    def _answer(self, stdout: IO[bytes]) -> bytes | None:
        header = _parse_header(self._line(stdout))
        if header is None:
            return None
        content = stdout.read(header.size)
        stdout.read(1)
        if len(content) != header.size:
            raise StateError("git ended while an object was read", hints=["git fsck"])
        return content if header.kind == "blob" else None

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


def _windows(requests: Iterable[bytes]) -> Iterator[list[bytes]]:
    window: list[bytes] = []
    held = 0
    for request in requests:
        if window and held + len(request) > _REQUEST_WINDOW:
            yield window
            window, held = [], 0
        window.append(request)
        held += len(request)
    if window:
        yield window


def _parse_header(line: bytes) -> ObjectInfo | None:
    if line.endswith((b" missing\n", b" ambiguous\n", b" submodule\n")):  # the last from git 2.51 on
        return None
    oid, kind, size = line.split()
    return ObjectInfo(decode(oid), decode(kind), int(size))
