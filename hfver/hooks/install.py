"""Install the git hooks, bring them up to date, take them away.

For each hook, by what is at its place:

    nothing      our script is written there
    our script   it is brought up to date
    another one  it becomes <name>.hfver-orig, and ours runs it first, with the same input, and keeps its verdict
    another one that calls ours under the name <name>.legacy (the pre-commit framework)   ours is brought up to date

There is no moment at which neither runs. Uninstalling gives back the bytes that were there; what somebody changed after
us is left alone and said so.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hfver.atomic import write_atomic
from hfver.errors import StateError
from hfver.hooks.file import LEGACY, is_called_by_pre_commit, is_ours, read_hook, sibling
from hfver.hooks.git_config import configure, unconfigure
from hfver.hooks.launcher import remember
from hfver.hooks.place import HookPlace, Method, choose_place, hooks_directory
from hfver.hooks.record import Installed, Record, read_record, write_record
from hfver.hooks.repo import HookRepo, find_repo
from hfver.hooks.scripts import HOOKS, digest, hook_name, script
from hfver.hooks.seen import SeenRefs
from hfver.hooks.state import ORIGINAL, SHELVED, HookState, hook_state
from hfver.leftovers import sweep_once
from hfver.locks import FileLock, Patience

_MODE = 0o755
_PATIENCE = Patience(30.0, 10.0)  # it takes no second
_REFLOGS = "core.logAllRefUpdates"


@dataclass(frozen=True, slots=True)
class InstallReport:
    directory: Path
    hooks: tuple[HookState, ...]
    notes: tuple[str, ...] = ()


def install(top: Path, names: Sequence[str] = HOOKS) -> InstallReport:
    """Install the hooks in the repository of ``top``. Running it again changes nothing but what is out of date."""
    repo = find_repo(top)
    place = choose_place(repo)
    repo.home.mkdir(exist_ok=True)
    sweep_once(str(hooks_directory(repo)))
    notes = [place.warning] if place.warning else []
    with _lock(repo):
        record = read_record(repo.home)
        if not record.hooks:
            _learn_existing_tags(repo)
        remember(repo.home)
        record = _keep_reflogs_of_tags(repo, record)
        for name in names:
            installed = _install_one(repo, place, name, record, notes)
            record = replace(record, hooks={**record.hooks, name: installed})
            write_record(repo.home, record)
    return _report(repo, names, notes)


def _lock(repo: HookRepo) -> FileLock:
    return FileLock(repo.home / "hooks.lock", patience=_PATIENCE, doing="installs or removes the hooks of this clone")


def uninstall(top: Path, names: Sequence[str] = HOOKS) -> InstallReport:
    """Take the hooks away and put back what was there before."""
    repo = find_repo(top)
    notes: list[str] = []
    if repo.home.is_dir():
        with _lock(repo):
            record = read_record(repo.home)
            for name in names:
                _uninstall_one(repo, hooks_directory(repo) / name, record.hooks.get(name), notes)
                record = replace(record, hooks={key: entry for key, entry in record.hooks.items() if key != name})
                write_record(repo.home, record)
            if not record.hooks:
                write_record(repo.home, _restore_reflogs_of_tags(repo, record))
    return _report(repo, names, notes)


def status(top: Path, names: Sequence[str] = HOOKS) -> InstallReport:
    return _report(find_repo(top), names, [])


def _report(repo: HookRepo, names: Sequence[str], notes: Sequence[str]) -> InstallReport:
    return InstallReport(hooks_directory(repo), tuple(hook_state(repo, name) for name in names), tuple(notes))


# -- installing -------------------------------------------------------------------------------------------------------


def _install_one(repo: HookRepo, place: HookPlace, name: str, record: Record, notes: list[str]) -> Installed:
    if place.method is Method.CONFIG:
        path = configure(repo, name)
        return Installed(str(path), digest(script(name)), place.method.value)
    path = place.directory / name
    known = record.hooks.get(name)
    original = known.original if known is not None else None
    if is_called_by_pre_commit(path, name):
        path = sibling(path, LEGACY)
    content = read_hook(path)
    if content is not None and hook_name(content) != name:
        original = _move_aside(path, notes)
    elif content is not None and content != script(name) and (known is None or digest(content) != known.sha256):
        kept = repo.home / f"{name}.changed-{digest(content)[:8]}"
        write_atomic(kept, content)
        notes.append(f"{path} had been changed; its text is kept as {kept}")
    if content != script(name) or not os.access(path, os.X_OK):
        write_atomic(path, script(name), _MODE)
    shelved = sibling(path, SHELVED)
    if is_ours(shelved, name):
        shelved.unlink()
    return Installed(str(path), digest(script(name)), place.method.value, original)


def _move_aside(path: Path, notes: list[str]) -> str:
    """Give another program's hook the name under which ours calls it, and return its digest. It stays in place too."""
    if path.is_dir():
        raise StateError(f"{path} is a directory; git fails whenever it looks for that hook", hints=[f"rmdir {path}"])
    original = sibling(path, ORIGINAL)
    content = read_hook(path) or b""
    before = read_hook(original)
    if before is not None and before != content:
        kept = sibling(original, f".{digest(before)[:8]}")
        original.replace(kept)
        notes.append(f"{path.name} was replaced by another program; the hook it once was is {kept} and runs no more")
    elif before is not None:
        original.unlink()
    try:
        os.link(path, original, follow_symlinks=False)
    except OSError:  # a file system without hard links
        shutil.copy2(path, original, follow_symlinks=False)
    notes.append(f"{path.name} was there already: it now is {original.name}, and hfver's hook runs it first")
    return digest(content)


def _learn_existing_tags(repo: HookRepo) -> None:
    """Tags from before hfver are nobody's news, however git replays them."""
    listing = repo.ask("for-each-ref", "--format=%(objectname) %(refname)", "refs/tags") or ""
    pairs = (line.split(" ", 1) for line in listing.split("\n") if line)
    SeenRefs(repo.common_dir).add([(ref, oid) for oid, ref in pairs], "existing")


def _keep_reflogs_of_tags(repo: HookRepo, record: Record) -> Record:
    """Where processes are hard to look at, a tag's reflog is what tells a made tag from one that arrived."""
    if sys.platform != "win32" or record.log_all_ref_updates is not None:
        return record
    before = repo.ask("config", "--local", "--get", _REFLOGS) or ""
    repo.git("config", "--local", _REFLOGS, "always")
    return replace(record, log_all_ref_updates=before)


# -- uninstalling -----------------------------------------------------------------------------------------------------


def _uninstall_one(repo: HookRepo, path: Path, known: Installed | None, notes: list[str]) -> None:
    name = path.name
    unconfigure(repo, name)
    content = read_hook(path)
    if content is None:
        _put_back(path, path)
    elif hook_name(content) == name:
        if digest(content) not in {digest(script(name)), known.sha256 if known else ""}:
            notes.append(f"{path} was changed by somebody and is left as it is; remove it if it is not needed")
            return
        if not _put_back(path, path):
            path.unlink()
    else:
        for place in (sibling(path, LEGACY), sibling(path, SHELVED)):
            if is_ours(place, name) and not _put_back(path, place):
                place.unlink()


def _put_back(path: Path, place: Path) -> bool:
    """Move the hook that was there before us to ``place``; False when there was none."""
    original = sibling(path, ORIGINAL)
    if not original.is_symlink() and not original.exists():
        return False
    original.replace(place)
    return True


def _restore_reflogs_of_tags(repo: HookRepo, record: Record) -> Record:
    match record.log_all_ref_updates:
        case None:
            return record
        case "":
            repo.git("config", "--local", "--unset", _REFLOGS)
        case before:
            repo.git("config", "--local", _REFLOGS, before)
    return replace(record, log_all_ref_updates=None)
