"""DVC's local cache: where its objects are, and how new ones get in.

    <cache dir>/files/md5/<2>/<30>[.dir]     objects, mode 0444
    <cache dir>/<2>/<30>[.dir]               objects of DVC before version 3 (md5-dos2unix)
    <cache dir>/hfver-tmp/                   ours: content on its way in, hashed before it gets its final name

DVC trusts every object that is read-only, without hashing it. So nothing may get a final name that was not hashed.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from hfver.adapters.dvc_config import DvcSettings
from hfver.hashing import HashName
from hfver.model import OutputFile, OutputPointer

_TEMPORARY = "hfver-tmp"
_OBJECT_MODE = 0o444


class DvcCache:
    def __init__(self, settings: DvcSettings) -> None:
        self.directory = settings.cache_dir
        self._directory_mode = 0o2775 if settings.shared else None

    def object_path(self, md5: str, hash_name: HashName = "md5") -> Path:
        return Path(self.object_name(md5, hash_name))

    def object_name(self, md5: str, hash_name: HashName = "md5") -> str:
        """The path as a str: for 20,000 of them Path objects would take longer than the work."""
        middle = "/files/md5/" if hash_name == "md5" else "/"
        return f"{self.directory}{middle}{md5[:2]}/{md5[2:]}"

    def has(self, md5: str, hash_name: HashName = "md5") -> bool:
        return os.path.lexists(self.object_name(md5, hash_name))

    def missing(self, files: Iterable[OutputFile], hash_name: HashName = "md5") -> tuple[OutputFile, ...]:
        """Those whose object is not here, or has not the size it should have: a power cut leaves such."""
        return tuple(file for file in files if not self._holds(file, hash_name))

    def _holds(self, file: OutputFile, hash_name: HashName) -> bool:
        size = self.size_of(file.md5, hash_name)
        return size is not None and file.size in {None, size}

    def size_of(self, md5: str, hash_name: HashName = "md5") -> int | None:
        try:
            return os.stat(self.object_name(md5, hash_name)).st_size  # noqa: PTH116 (see object_name)
        except FileNotFoundError:
            return None

    def read_dir_object(self, pointer: OutputPointer) -> bytes | None:
        """The list of files of a directory output; as ``resolve.DirSource``."""
        assert pointer.md5 is not None
        try:
            return self.object_path(pointer.md5, pointer.hash_name).read_bytes()
        except FileNotFoundError:
            return None

    # -- getting content in --------------------------------------------------------------------------------------

    def temporary(self, hint: str = "") -> Path:
        """A new name for content on its way in. The same ``hint`` gives the same name: a download can be resumed."""
        directory = self.directory / _TEMPORARY
        self._make(directory)
        return directory / (hint or secrets.token_hex(12))

    def insert(self, temporary: Path, md5: str, hash_name: HashName = "md5") -> Path:
        """Give verified content its name. Of two processes that insert the same object either may win."""
        final = self.object_path(md5, hash_name)
        self._make(final.parent)
        with suppress(PermissionError):  # some shared file systems do not let us; DVC then rehashes
            temporary.chmod(_OBJECT_MODE)
        temporary.replace(final)
        return final

    def insert_bytes(self, raw: bytes, oid: str, hash_name: HashName = "md5") -> Path:
        temporary = self.temporary()
        temporary.write_bytes(raw)
        return self.insert(temporary, oid, hash_name)

    def discard(self, md5: str, hash_name: HashName = "md5") -> None:
        """Take away an object that was found to be damaged."""
        self.object_path(md5, hash_name).unlink(missing_ok=True)

    def _make(self, directory: Path) -> None:
        if directory.is_dir():
            return
        self._make(directory.parent)
        with suppress(FileExistsError):
            directory.mkdir()
            if self._directory_mode is not None:
                directory.chmod(self._directory_mode)
