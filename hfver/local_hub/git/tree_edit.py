"""Changing a tree by path. Only folders that are touched are read, and only changed ones are written again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hfver.local_hub.errors import HubError

FILE_MODE = 0o100644
FOLDER_MODE = 0o40000

ReadTree = Callable[[str], bytes]
WriteObject = Callable[[str, bytes], str]


@dataclass(frozen=True, slots=True)
class Blob:
    oid: str
    mode: int = FILE_MODE


@dataclass(slots=True)
class Folder:
    """A folder whose entries are read when first needed. `oid` is None once it differs from what is stored."""

    oid: str | None = None
    entries: dict[str, Blob | Folder] | None = None


@dataclass(slots=True)
class TreeEditor:
    """Edits start from the tree `root` (None: nothing yet)."""

    read: ReadTree
    root: Folder = field(default_factory=Folder)

    def find(self, path: str) -> Blob | Folder | None:
        node: Blob | Folder | None = self.root
        for name in path.split("/"):
            if not isinstance(node, Folder):
                return None
            node = self._entries(node).get(name)
        return node

    def put(self, path: str, blob: Blob) -> None:
        *parents, name = path.split("/")
        folder = self.root
        trail = [folder]
        for parent in parents:
            entry = self._entries(folder).get(parent)
            if isinstance(entry, Blob):
                raise HubError(422, None, f"{path} cannot be written: one of its parent folders is a file.")
            if entry is None:
                entry = Folder(entries={})
                self._entries(folder)[parent] = entry
            folder = entry
            trail.append(folder)
        old = self._entries(folder).get(name)
        if isinstance(old, Folder):
            raise HubError(422, None, f"{path} cannot be written: it is a folder.")
        if old != blob:
            self._entries(folder)[name] = blob
            for touched in trail:
                touched.oid = None

    def remove(self, path: str) -> bool:
        """Remove a file or a folder; False when there is none."""
        *parents, name = path.split("/")
        folder = self.root
        trail = [folder]
        for parent in parents:
            entry = self._entries(folder).get(parent)
            if not isinstance(entry, Folder):
                return False
            folder = entry
            trail.append(folder)
        if self._entries(folder).pop(name, None) is None:
            return False
        for touched in trail:
            touched.oid = None
        for parent_folder, child, child_name in reversed(list(zip(trail, trail[1:], parents, strict=False))):
            if self._entries(child):
                break
            del self._entries(parent_folder)[child_name]
        return True

    def write(self, write: WriteObject) -> str:
        """Write what changed, deepest folders first, and return the id of the root tree."""
        return self._write(self.root, write)

    def _write(self, folder: Folder, write: WriteObject) -> str:
        if folder.oid is None:
            rows = []
            for name, entry in self._entries(folder).items():
                if isinstance(entry, Folder):
                    raw = name.encode("utf-8", "surrogateescape")
                    rows.append((raw + b"/", FOLDER_MODE, raw, self._write(entry, write)))
                else:
                    raw = name.encode("utf-8", "surrogateescape")
                    rows.append((raw, entry.mode, raw, entry.oid))
            rows.sort()
            folder.oid = write(
                "tree", b"".join(b"%o %s\0" % (mode, raw) + bytes.fromhex(o) for _, mode, raw, o in rows)
            )
        return folder.oid

    def _entries(self, folder: Folder) -> dict[str, Blob | Folder]:
        if folder.entries is None:
            folder.entries = parse_tree(self.read(folder.oid)) if folder.oid else {}
        return folder.entries


def parse_tree(data: bytes) -> dict[str, Blob | Folder]:
    """The entries of a raw tree object: ``<mode> <name>\\0<20 bytes>`` one after the other."""
    entries: dict[str, Blob | Folder] = {}
    position = 0
    while position < len(data):
        end = data.index(b"\0", position)
        mode, _, name = data[position:end].partition(b" ")
        oid = data[end + 1 : end + 21].hex()
        number = int(mode, 8)
        text = name.decode("utf-8", "surrogateescape")
        entries[text] = Folder(oid=oid) if number == FOLDER_MODE else Blob(oid, number)
        position = end + 21
    return entries
