"""Files of releases, from the Hub or from what its client has in its own cache."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
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
        hash_name: HashName = "md5",
    ) -> None:
        commit = self._commit(repo, revision)
        assert commit is not None, "its receipt was read"

        def one(file: OutputFile) -> None:
            path = into(file)
            done(file, path, self._download_one(repo, commit, file, path, advance, hash_name))

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

    def _download_one(
        self, repo: str, commit: str, file: OutputFile, path: Path, advance: Advance, hash_name: HashName
    ) -> Digests:
        """Write a file, hashed on the way. Bytes that an earlier try left are kept, if they turn out to be right."""
        resumed = path.exists()
        found = self._write(repo, commit, file, path, advance, hash_name)
        if resumed and found.sha256 != file.sha256:
            path.unlink()
            found = self._write(repo, commit, file, path, advance, hash_name)
        return found

    def _write(
        self, repo: str, commit: str, file: OutputFile, path: Path, advance: Advance, hash_name: HashName
    ) -> Digests:
        with path.open("a+b", buffering=0) as target, hasher_for(file.size, hash_name) as hasher:
            if target.seek(0, os.SEEK_END) > (file.size or 0):
                target.truncate(0)
            target.seek(0)
            while block := target.read(BLOCK):
                hasher.update(block)
                advance(len(block))
            self._continue(repo, commit, file, target, hasher, advance)
            return hasher.digests()

    def _continue(
        self,
        repo: str,
        commit: str,
        file: OutputFile,
        target: FileIO,
        hasher: Hasher | ThreadedHasher,
        advance: Advance,
    ) -> None:
        tries = 0
        while (start := target.tell()) < (file.size or 0):
            try:
                with self._client.stream(repo, commit, file.path, start=start) as blocks:
                    for block in blocks:
                        _append(target, block)
                        hasher.update(block)
                        advance(len(block))
                        if self._stop.is_set():
                            raise StateError(f"{file.path}: the download was stopped")
            except UnreachableError as exc:
                tries = 0 if target.tell() > start else tries + 1
                if tries > _RETRIES:
                    raise
                time.sleep(min(exc.retry_after or 0.5 * 2**tries, _LONGEST_WAIT))
            else:
                if target.tell() == start:
                    return  # shorter than its receipt says: the digest will tell


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
