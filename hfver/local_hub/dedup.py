"""The answer to "do you know this chunk?": a shard with the xorbs a client will most likely meet next."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from hfver.local_hub import shards
from hfver.local_hub.content_database import ContentDatabase
from hfver.local_hub.stored_xorbs import StoredXorbs
from hfver.local_hub.xorbs import ChunkTable

_ANSWER_BYTES = 4 << 20

# The files of the upload that last began with this chunk show the newest version of what is being uploaded now.
_NEIGHBOURS = """
SELECT xorb_id FROM (
    SELECT :xorb AS xorb_id, 0 AS nearness
    UNION ALL SELECT s.xorb_id, 1 FROM segments s JOIN segments f ON f.file_id = s.file_id AND f.seq = 0
        JOIN files ON files.id = f.file_id WHERE f.xorb_id = :xorb AND files.upload_id = :upload
    UNION ALL SELECT s.xorb_id, 2 FROM files JOIN segments s ON s.file_id = files.id WHERE files.upload_id = :upload
    UNION ALL SELECT id, 3 FROM xorbs WHERE upload_id = :upload
    UNION ALL SELECT mate.id, 4 FROM xorbs mate JOIN xorbs x ON x.upload_id = mate.upload_id WHERE x.id = :xorb
) GROUP BY xorb_id ORDER BY min(nearness), xorb_id DESC
"""


def dedup_answer(database: ContentDatabase, xorbs: StoredXorbs, chunk: bytes) -> bytes | None:
    """None when the chunk is unknown, or its xorb is gone."""
    with database.read() as db:
        row = db.execute("SELECT xorb_id, upload_id FROM dedup WHERE hash = ?", (chunk,)).fetchone()
        if row is None or not xorbs.is_present(db, row[0]):
            return None
        chosen = dict(_within_size(db, xorbs, row[0], row[1]))
    return shards.build_answer(sorted(chosen.items()))


def _within_size(
    db: sqlite3.Connection, xorbs: StoredXorbs, xorb_id: int, upload_id: int
) -> Iterator[tuple[bytes, ChunkTable]]:
    left = _ANSWER_BYTES
    for (neighbour,) in db.execute(_NEIGHBOURS, {"xorb": xorb_id, "upload": upload_id}).fetchall():
        xorb = xorbs.load(db, neighbour)
        if xorb is not None and xorb.file.is_present():
            left -= shards.answer_bytes(xorb.table)
            if left < 0 and neighbour != xorb_id:
                return
            yield xorb.hash, xorb.table
