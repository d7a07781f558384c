"""Files of releases, from the Hub or from what its client has in its own cache."""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from hfver.adapters.hub_client import HubClient
from hfver.checkout.links import FULL, no_space
from hfver.errors import StateError, UnreachableError
from hfver.hashing import BLOCK, Advance, Digests, Hasher, HashName, ThreadedHasher, hasher_for
from hfver.hub_state import HubRefs
from hfver.hub_view import read_receipt
from hfver.model import OutputFile
from hfver.receipt import Receipt
from hfver.state import State

_THREADS = 8
_RETRIES = 4
_LONGEST_WAIT = 30.0


class HubReleases:
    """The releases of one Hub; as ``sources.HubFiles``."""

    def __init__(self, client: HubClient, state: State) -> None:
        self._client = client
        self._state = state
        self._stop = threading.Event()
        self._refs: dict[str, HubRefs | None] = {}

    def tags(self, repo: str) -> Sequence[str]:
        """The repository's tags; none when there is no such repository."""
        refs = self._known_refs(repo)
        return () if refs is None else tuple(refs.tags)

    def receipt(self, repo: str, revision: str) -> Receipt | None:
        """Of a tag or a branch; None when there is no such revision, or it is no release."""
        commit = self._commit(repo, revision)
        return None if commit is None else read_receipt(self._client, repo, commit, self._state)

    def _commit(self, repo: str, revision: str) -> str | None:
        refs = self._known_refs(repo)
        return None if refs is None else refs.tags.get(revision) or refs.branches.get(revision)

    def _known_refs(self, repo: str) -> HubRefs | None:
        if repo not in self._refs:
            self._refs[repo] = self._client.refs(repo)
        return self._refs[repo]

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
        commit = self._commit(repo, revision)
        assert commit is not None, "its receipt was read"

        def one(file: OutputFile) -> None:
            with _part(into(file)) as (path, target):
                transfer = _Transfer(self._client, repo, commit, file, target, hashing(file), advance, self._stop)
                done(file, path, transfer.run())

        # The biggest first: the last one to end should be small.
        ordered = sorted(files, key=lambda file: -(file.size or 0))
        pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="hub")
        try:
            for result in [pool.submit(one, file) for file in ordered]:
                result.result()
        finally:
            self._stop.set()  # after an error or Ctrl-C nobody waits for the rest of a big file
            pool.shutdown(cancel_futures=True)
            self._stop.clear()


@contextmanager
def _part(path: Path) -> Iterator[tuple[Path, FileIO]]:
    """A file to write to that is ours until it has its final name; what an earlier try left in it is kept.

    Of two processes that download the same content at once the second takes a name of its own: it would write into
    what the first has hashed, and, after the rename, into DVC's cache.
    """
    while True:
        target = path.open("a+b", buffering=0)
        try:
            fcntl.flock(target, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            target.close()
            path = path.with_name(f"{path.name}-{secrets.token_hex(6)}")
            continue
        if _is_at(target, path):
            break
        target.close()  # finished and renamed between our open and our lock
    with target:
        yield path, target


def _is_at(target: FileIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(target.fileno()), path.stat())
    except FileNotFoundError:
        return False


@dataclass(slots=True)
class _Transfer:
    """One file on its way, hashed while it is written."""

    client: HubClient
    repo: str
    commit: str
    file: OutputFile
    target: FileIO
    hash_name: HashName | None
    advance: Advance
    stop: threading.Event
    in_parts: bool = False

    def run(self) -> Digests:
        """What an earlier try left, or one that broke off, is kept if it turns out to be right."""
        self.in_parts = self.target.seek(0, os.SEEK_END) > 0
        found = self._write(directly=True)
        if self.in_parts and found.sha256 != self.file.sha256:
            self.target.truncate(0)
            self.advance(-found.size)
            found = self._write(directly=False)
        return found

    def _write(self, *, directly: bool) -> Digests:
        target, size = self.target, self.file.size or 0
        if target.seek(0, os.SEEK_END) > size:
            target.truncate(0)
        target.seek(0)
        with hasher_for(size, self.hash_name) as hasher:
            while block := target.read(BLOCK):
                hasher.update(block)
                self.advance(len(block))
            tries = 0
            while (start := target.tell()) < size:
                try:
                    self._continue(hasher, directly=directly)
                except UnreachableError as exc:
                    self.in_parts = True
                    tries = 0 if target.tell() > start else tries + 1
                    if tries > _RETRIES:
                        raise
                    time.sleep(min(exc.retry_after or 0.5 * 2**tries, _LONGEST_WAIT))
                else:
                    if target.tell() == start:
                        break  # shorter than its receipt says: the digest will tell
            return hasher.digests()

    def _continue(self, hasher: Hasher | ThreadedHasher, *, directly: bool) -> None:
        path, start = self.file.path, self.target.tell()
        with self.client.stream(self.repo, self.commit, path, start=start, directly=directly) as blocks:
            for block in blocks:
                _append(self.target, block)
                hasher.update(block)
                self.advance(len(block))
                if self.stop.is_set():
                    raise StateError(f"{path}: the download was stopped")


def _append(target: FileIO, block: bytes) -> None:
    """Write all of a block. Errors of the disk are told from those of the network here: both are OSError."""
    try:
        view = memoryview(block)
        while view:
            view = view[target.write(view) or 0 :]
    except OSError as exc:
        if exc.errno in FULL:
            raise no_space(str(target.name)) from exc
        raise StateError(f"{target.name}: {exc.strerror}") from exc
