"""Making content.db anew from the files on disk: xorbs and whole files are hashed again, kept shards taken in again."""

from __future__ import annotations

from pathlib import Path

from hfver.local_hub.content_errors import ContentError
from hfver.local_hub.shard_ingest import ShardIngest
from hfver.local_hub.stored_xorbs import StoredXorbs
from hfver.local_hub.whole_files import WholeFiles


class Rebuild:
    """Can be cut short anywhere and run again; what does not prove its name is left alone, without a row."""

    def __init__(self, xorbs: StoredXorbs, wholes: WholeFiles, ingest: ShardIngest) -> None:
        self._xorbs = xorbs
        self._wholes = wholes
        self._ingest = ingest

    def run(self) -> None:
        for path in sorted(self._xorbs.directory.glob("*/*")):
            self._take_xorb(path)
        for path in sorted(self._wholes.directory.glob("*/*")):
            self._wholes.adopt(path)
        for path in sorted(self._ingest.directory.glob("*"), key=lambda shard: shard.stat().st_mtime):
            self._take_shard(path)

    def _take_xorb(self, path: Path) -> None:
        try:
            self._xorbs.adopt(path)
        except ContentError:
            return

    def _take_shard(self, path: Path) -> None:
        try:
            self._ingest.add_kept(path)
        except ContentError:
            return
