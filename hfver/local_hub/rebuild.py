"""Making content.db anew from the files on disk: xorbs and whole files are hashed again, kept shards taken in again."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from hfver.local_hub.checked_files import STEP_BYTES, BlockChecks
from hfver.local_hub.content_database import ContentDatabase
from hfver.local_hub.content_errors import ContentError
from hfver.local_hub.hashes import from_text
from hfver.local_hub.shard_ingest import ShardIngest
from hfver.local_hub.stored_xorbs import StoredXorbs
from hfver.local_hub.whole_files import WholeFiles


class Rebuild:
    """Can be cut short anywhere and run again; what does not prove its name is left alone, without a row."""

    def __init__(self, database: ContentDatabase, xorbs: StoredXorbs, wholes: WholeFiles, ingest: ShardIngest) -> None:
        self._database = database
        self._xorbs = xorbs
        self._wholes = wholes
        self._ingest = ingest

    def run(self) -> None:
        for path in sorted(self._xorbs.directory.glob("*/*")):
            self._take_xorb(path)
        for path in sorted(self._wholes.directory.glob("*/*")):
            self._take_whole(path)
        for path in sorted(self._ingest.directory.glob("*"), key=lambda shard: shard.stat().st_mtime):
            self._take_shard(path)

    def _take_xorb(self, path: Path) -> None:
        checks = BlockChecks()
        try:
            claimed = from_text(path.name.partition(".")[0])
            with path.open("rb", buffering=0) as body:
                while block := body.read(STEP_BYTES):
                    checks.update(block)
                body.seek(0)
                self._xorbs.adopt(claimed, path, checks.finish(), body)
        except ContentError:
            return

    def _take_shard(self, path: Path) -> None:
        try:
            self._ingest.add_kept(path)
        except ContentError:
            return

    def _take_whole(self, path: Path) -> None:
        checks, digest = BlockChecks(), hashlib.sha256()
        with path.open("rb", buffering=0) as body:
            while block := body.read(STEP_BYTES):
                checks.update(block)
                digest.update(block)
        if digest.hexdigest() != path.name.partition(".")[0]:
            return
        values = (digest.digest(), path.name, path.stat().st_size, checks.finish(), time.time())
        with self._database.write() as db:
            db.execute("INSERT OR IGNORE INTO wholes VALUES (?, ?, ?, ?, ?)", values)
