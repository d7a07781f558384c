"""What stands in the place of an output now."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from hfver.errors import RefusedError
from hfver.paths import escape_reason, have_escapes

# Never part of an output, as DVC sees it.
_SKIPPED_DIRECTORIES = frozenset({".git", ".hg", ".dvc"})
TEMPORARY_PREFIX = ".hfver-tmp-"
_DIRECTORY_LINK = "a link to a directory"
_LEFT_OUT = frozenset({_DIRECTORY_LINK})  # by DVC, without a word


class Found(NamedTuple):
    """One file or symbolic link. ``info`` describes the content: of the link's target, None when that is gone."""

    own: os.stat_result
    info: os.stat_result | None


@dataclass(slots=True)
class Scan:
    """By path relative to the output, ``/`` between parts; a single file or link has the path ``""``."""

    root: str
    files: dict[str, Found] = field(default_factory=dict)
    odd: dict[str, str] = field(default_factory=dict)  # what is neither file nor directory: path -> what it is
    directories: list[str] = field(default_factory=list)  # parents before children
    leftovers: list[str] = field(default_factory=list)  # of a checkout that was killed


def scan(root: str) -> Scan:
    """Everything below ``root``, or ``root`` itself when it is a file. Nothing there: an empty scan."""
    result = Scan(root)
    try:
        own = os.lstat(root)
    except (FileNotFoundError, NotADirectoryError):
        return result
    if stat.S_ISDIR(own.st_mode):
        _scan_directory(root, "", result)
    elif stat.S_ISREG(own.st_mode):
        result.files[""] = Found(own, own)
    elif stat.S_ISLNK(own.st_mode):
        _note_link(root, "", own, result)
    else:
        result.odd[""] = "not a regular file"
    return result


def _scan_directory(path: str, prefix: str, result: Scan) -> None:
    below = []
    with os.scandir(path) as entries:
        for entry in entries:
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _SKIPPED_DIRECTORIES:
                    below.append((entry.path, name))
            elif entry.name.startswith(TEMPORARY_PREFIX):
                result.leftovers.append(name)
            elif entry.is_file(follow_symlinks=False):
                own = entry.stat(follow_symlinks=False)
                result.files[name] = Found(own, own)
            elif entry.is_symlink():
                _note_link(entry.path, name, entry.stat(follow_symlinks=False), result)
            else:
                result.odd[name] = "not a regular file"
    for child, name in below:
        result.directories.append(name)
        _scan_directory(child, name + "/", result)


def _note_link(path: str, name: str, own: os.stat_result, result: Scan) -> None:
    """A link to a file counts as one, a dangling one too; of anything else (/dev/zero has no end) nothing is read."""
    try:
        target = os.stat(path)
    except OSError:  # a dangling link, or a loop
        result.files[name] = Found(own, None)
        return
    if stat.S_ISREG(target.st_mode):
        result.files[name] = Found(own, target)
    else:
        is_directory = stat.S_ISDIR(target.st_mode)
        result.odd[name] = _DIRECTORY_LINK if is_directory else "a link to what is no regular file"


def refuse_links_out(
    found: Scan, own: Sequence[Path] = (), ignored: Callable[[Collection[str]], Collection[str]] = lambda _paths: ()
) -> None:
    """RefusedError when a link in a model leads out of it: whoever reads it would publish what stands elsewhere.

    ``own`` are places whose files a link may stand for, DVC's cache above all; ``ignored`` picks paths nobody reads.
    """
    leading_out = dict(_links_out(found, own))
    if not leading_out:
        return
    for name in ignored(leading_out.keys()):
        del leading_out[name]
    for name, target in leading_out.items():
        place = shlex.quote(f"{found.root}/{name}" if name else found.root)
        raise RefusedError(
            f"{name or found.root} is a link that leads out of {found.root} (to {target}): what stands there would be "
            "published with it",
            hints=[
                f"if it belongs to the model, put it there: rm {place} && cp -r {shlex.quote(target)} {place}",
                f"else: rm {place}",
            ],
        )


def refuse_odd_files(found: Scan, ignored: Callable[[Collection[str]], Collection[str]]) -> None:
    """RefusedError for what no version can hold, and DVC would read for ever or fail at in words of its own."""
    odd = {name: f"is {what}" for name, what in found.odd.items() if what not in _LEFT_OUT}
    odd |= {name: "is a link that leads nowhere" for name, item in found.files.items() if item.info is None}
    if have_escapes([name for name in found.files if name]):
        odd |= {name: reason for name in found.files if name and (reason := escape_reason(name))}
    for name in ignored(odd.keys()) if odd else ():
        del odd[name]
    for name, reason in sorted(odd.items()):
        place = f"{found.root}/{name}" if name else found.root
        raise RefusedError(f"{place} {reason}: no version can hold it", hints=[f"rm {shlex.quote(place)}"])


def _links_out(found: Scan, own: Sequence[Path]) -> Iterator[tuple[str, str]]:
    inside = [os.path.realpath(found.root), *(os.path.realpath(place) for place in own)]
    links = [name for name, item in found.files.items() if stat.S_ISLNK(item.own.st_mode) and item.info is not None]
    links += [name for name, what in found.odd.items() if what.startswith("a link")]
    for name in sorted(links):
        target = os.path.realpath(f"{found.root}/{name}" if name else found.root)
        if name and not any(target == place or target.startswith(place + os.sep) for place in inside):
            yield name, target


def files_of_model(place: Path, own: Sequence[Path] = ()) -> dict[str, Path]:
    """The files of a model as it stands here, by their paths in it; ``own`` as in ``refuse_links_out``."""
    found = scan(str(place))
    refuse_links_out(found, own)
    if "" in found.files:
        return {place.name: place}
    return {name: place / name for name, item in sorted(found.files.items()) if item.info is not None}


def is_same(now: os.stat_result | None, found: Found) -> bool:
    """Whether what stands there now is still the file that was scanned."""
    if now is None:
        return False
    then = found.own
    return (now.st_ino, now.st_size, now.st_mtime_ns) == (then.st_ino, then.st_size, then.st_mtime_ns)
