"""Putting content into a store without a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hfver.local_hub.checked_files import PendingFile
from hfver.local_hub.content_store import ContentStore, StoredObject
from hfver.local_hub.whole_files import HashedFile
from tests.support.xet_bodies import File, Xorb, shard_body


@contextmanager
def opened(root: Path) -> Iterator[ContentStore]:
    store = ContentStore(root)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def received(store: ContentStore, body: bytes) -> Iterator[PendingFile]:
    pending = store.pending()
    try:
        pending.write([body])
        yield pending
    finally:
        pending.discard()


def add_file(store: ContentStore, blocks: Iterable[bytes]) -> StoredObject:
    """As a client without Xet would."""
    body = HashedFile(store.pending())
    try:
        for block in blocks:
            body.write((block,))
        return store.add_whole(body.sha256, body.body)
    finally:
        body.body.discard()


def put_xorb(store: ContentStore, xorb: Xorb, *, claimed: bytes | None = None) -> bool:
    with received(store, xorb.body) as pending:
        return store.add_xorb(claimed or xorb.hash, pending)


def put_shard(store: ContentStore, body: bytes) -> bool:
    with received(store, body) as pending:
        return store.add_shard(pending)


def upload(store: ContentStore, files: Sequence[File], xorbs: Sequence[Xorb]) -> None:
    for xorb in xorbs:
        put_xorb(store, xorb)
    put_shard(store, shard_body(files, xorbs))


def content_of(store: ContentStore, sha256: str) -> bytes:
    return b"".join(store.read(sha256))


def files_below(root: Path) -> set[str]:
    """Names of the published files: xorbs, whole files, shards."""
    return {
        path.name for folder in ("xorbs", "files", "shards") for path in (root / folder).rglob("*") if path.is_file()
    }
