"""Writing git objects so that a crash leaves all of them or none that matters.

A commit of a few files becomes loose objects, as git itself would write them, each synced. A commit of many becomes one
pack file: 20,000 files cost two syncs instead of 20,000, and a pack is read faster later. Nothing is visible to a
reader before `publish`, and nothing refers to the objects before the caller moves a ref.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import struct
import zlib
from pathlib import Path

from hfver.local_hub.durable import sync, write_file

LOOSE_OBJECTS = 64
LOOSE_BYTES = 8 << 20
PACK_TYPES = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}


def object_id(kind: str, data: bytes) -> str:
    digest = hashlib.sha1(b"%s %d\0" % (kind.encode(), len(data)), usedforsecurity=False)
    digest.update(data)
    return digest.hexdigest()


class ObjectWriter:
    """Collects objects, then publishes them together. As a context manager it drops what was not published."""

    def __init__(self, git_dir: Path) -> None:
        self._folder = git_dir / "objects"
        self._loose: dict[str, tuple[str, bytes]] = {}
        self._loose_bytes = 0
        self._pack: _Pack | None = None

    def __enter__(self) -> ObjectWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._pack is not None:
            self._pack.discard()

    def write(self, kind: str, data: bytes) -> str:
        oid = object_id(kind, data)
        if self._pack is not None:
            self._pack.add(oid, kind, data)
        elif oid not in self._loose:
            self._loose[oid] = (kind, data)
            self._loose_bytes += len(data)
            if len(self._loose) > LOOSE_OBJECTS or self._loose_bytes > LOOSE_BYTES:
                self._start_pack()
        return oid

    def publish(self) -> None:
        """Give the objects their names, synced. Writing may go on afterwards."""
        if self._pack is not None:
            self._pack.publish()
            self._pack = None
        else:
            self._publish_loose()
        self._loose, self._loose_bytes = {}, 0

    def _start_pack(self) -> None:
        self._pack = _Pack(self._folder / "pack")
        for oid, (kind, data) in self._loose.items():
            self._pack.add(oid, kind, data)
        self._loose, self._loose_bytes = {}, 0

    def _publish_loose(self) -> None:
        folders = {self._folder}
        for oid, (kind, data) in self._loose.items():
            path = self._folder / oid[:2] / oid[2:]
            if path.exists():
                sync(path)  # libgit2 may have written it
                continue
            path.parent.mkdir(exist_ok=True)
            content = zlib.compress(b"%s %d\0" % (kind.encode(), len(data)) + data, 1)
            temporary = self._folder / f"tmp_obj_{secrets.token_hex(8)}"
            write_file(path, content, temporary=temporary, mode=0o444)
            folders.add(path.parent)
        for folder in folders:
            sync(folder)


class _Pack:
    """A pack file being written, and its index (version 2). See gitformat-pack."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._path = folder / f"tmp_pack_{secrets.token_hex(8)}"
        self._file = self._path.open("x+b")
        self._file.write(struct.pack(">4sII", b"PACK", 2, 0))
        self._offset = 12
        self._entries: dict[str, tuple[int, int]] = {}

    def add(self, oid: str, kind: str, data: bytes) -> None:
        if oid in self._entries:
            return
        packed = _entry_header(PACK_TYPES[kind], len(data)) + zlib.compress(data, 1)
        self._entries[oid] = (self._offset, zlib.crc32(packed))
        self._file.write(packed)
        self._offset += len(packed)

    def publish(self) -> None:
        self._file.seek(8)
        self._file.write(struct.pack(">I", len(self._entries)))
        self._file.seek(0)
        checksum = hashlib.file_digest(self._file, "sha1").digest()
        self._file.seek(0, os.SEEK_END)
        self._file.write(checksum)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        name = self._folder / f"pack-{checksum.hex()}"
        self._path.chmod(0o444)
        self._path.replace(name.with_suffix(".pack"))
        temporary = self._folder / f"tmp_idx_{secrets.token_hex(8)}"
        write_file(name.with_suffix(".idx"), self._index(checksum), temporary=temporary, mode=0o444)
        sync(self._folder)

    def discard(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _index(self, checksum: bytes) -> bytes:
        oids = sorted(self._entries)
        counts = [0] * 256
        for oid in oids:
            counts[int(oid[:2], 16)] += 1
        total, fanout = 0, []
        for count in counts:
            total += count
            fanout.append(total)
        parts = [
            b"\xfftOc",
            struct.pack(">I256I", 2, *fanout),
            b"".join(bytes.fromhex(oid) for oid in oids),
            struct.pack(f">{len(oids)}I", *(self._entries[oid][1] for oid in oids)),
            # Offsets of 2 GB and more would need another table; bodies are bounded far below that.
            struct.pack(f">{len(oids)}i", *(self._entries[oid][0] for oid in oids)),
            checksum,
        ]
        body = b"".join(parts)
        return body + hashlib.sha1(body, usedforsecurity=False).digest()


def _entry_header(kind: int, size: int) -> bytes:
    """Type and size: four bits of size in the first byte, seven in each following one."""
    byte = (kind << 4) | (size & 15)
    size >>= 4
    header = bytearray()
    while size:
        header.append(byte | 0x80)
        byte = size & 0x7F
        size >>= 7
    header.append(byte)
    return bytes(header)
