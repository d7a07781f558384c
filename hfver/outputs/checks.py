"""What can be wrong with a model before it is published, seen from its list of files and its small ones.

Pure: bytes of small files come in through a callable. An error stops the release, a warning is told.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hfver.model import OutputFile
from hfver.small_json import parse_json

WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".onnx", ".h5", ".msgpack", ".tflite")
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")
INDEX = (".safetensors.index.json", ".bin.index.json")
LFS_POINTER = b"version https://git-lfs.github.com/spec/"

SMALL = 1024  # bytes; a git-lfs pointer has about 130
LARGEST_INDEX = 64_000_000
# https://huggingface.co/docs/hub/storage-limits: recommended and hard limit of one file, and of one commit.
RECOMMENDED_SIZE = 50_000_000_000
LARGEST_SIZE = 200_000_000_000
MOST_LARGE_FILES = 25_000
LARGE = 10_000_000  # bytes; above this every file is a large file on the Hub, whatever it holds
MOST_FILES = 100_000

Read = Callable[[OutputFile], bytes | None]  # None: the bytes are not at hand, so nothing can be said


@dataclass(frozen=True, slots=True)
class Findings:
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def check_content(files: Sequence[OutputFile], read: Read) -> Findings:
    """Everything wrong with these files; sizes that are not known yet are not judged."""
    errors = [*_placeholders(files, read), *_missing_shards(files, read)]
    warnings: list[str] = []
    for file in files:
        if file.size is not None and file.size > LARGEST_SIZE:
            errors.append(f"{file.path} has {file.size} bytes; the Hub takes files of up to {LARGEST_SIZE}")
        elif file.size is not None and file.size > RECOMMENDED_SIZE:
            warnings.append(f"{file.path} has {file.size} bytes; clients without Xet cannot download it, so split it")
    large = sum(1 for file in files if file.size is not None and file.size > LARGE)
    if large > MOST_LARGE_FILES:
        errors.append(f"{large} large files; one commit on the Hub takes up to {MOST_LARGE_FILES}, so pack them")
    if len(files) > MOST_FILES:
        warnings.append(f"{len(files)} files; the Hub advises at most {MOST_FILES} in one repository")
    pickles = sorted(file.path for file in files if file.path.endswith(PICKLES))
    if pickles:
        names = ", ".join(pickles[:3]) + (f" and {len(pickles) - 3} more" if len(pickles) > 3 else "")
        warnings.append(f"{names}: pickled weights can run code when they are loaded; safetensors cannot")
    return Findings(tuple(errors), tuple(warnings))


def _placeholders(files: Sequence[OutputFile], read: Read) -> list[str]:
    """Empty files and git-lfs pointers where weights should be."""
    found = []
    for file in files:
        if not file.path.endswith(WEIGHTS) or file.size is None or file.size > SMALL:
            continue
        if file.size == 0:
            found.append(f"{file.path} is empty")
        elif (read(file) or b"").startswith(LFS_POINTER):
            found.append(f"{file.path} is a git-lfs pointer, not the weights it points at (git lfs pull)")
    return found


def _missing_shards(files: Sequence[OutputFile], read: Read) -> list[str]:
    """Shards an index names that are not there."""
    here = {file.path for file in files}
    found = []
    for file in files:
        if not file.path.endswith(INDEX) or file.size is None or file.size > LARGEST_INDEX:
            continue
        content = read(file)
        if content is None:
            continue
        directory = posixpath.dirname(file.path)
        missing = sorted(
            shard
            for shard in _named_shards(content)
            if posixpath.normpath(posixpath.join(directory, shard)) not in here
        )
        if missing:
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            found.append(f"{file.path} names shards that are not there: {', '.join(missing[:3])}{more}")
    return found


def _named_shards(content: bytes) -> set[str]:
    try:
        index = parse_json(content)
    except ValueError:
        return set()
    shards = index.get("weight_map") if isinstance(index, dict) else None
    return {name for name in shards.values() if isinstance(name, str)} if isinstance(shards, dict) else set()
