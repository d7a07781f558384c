"""The Hub client's own cache, by its layout: asking it must not cost the import of the client.

models--<namespace>--<name>/blobs/<sha256>                   content
models--<namespace>--<name>/refs/<revision>                  the commit a name stood for
models--<namespace>--<name>/snapshots/<commit>/<path>        links to blobs
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from hfver.model import OutputFile


def cached_by_client(repo: str, revision: str, file: OutputFile) -> Iterator[Path]:
    """Where the Hub client's own cache may have a file: by content, else by name at this revision."""
    folder = _client_cache() / f"models--{repo.replace('/', '--')}"
    if file.sha256 is not None:
        yield folder / "blobs" / file.sha256
    with suppress(FileNotFoundError):
        commit = (folder / "refs" / revision).read_text(encoding="utf-8").strip()
        yield folder / "snapshots" / commit / file.path


def _client_cache() -> Path:
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub").expanduser()
