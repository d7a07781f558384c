"""Notice that branches moved, and owe their mirror.

Hooks are only wake-ups: what is owed follows from where the branches are and where they were when they were last
looked at, so a hook that was missed, skipped or called twice changes nothing.

    <git common dir>/hfver/branches.json    branch -> commit that was last owed
    <git common dir>/hfver/wake             there since a hook called; removed before the branches are looked at
    <git common dir>/hfver/wake.lock        held by the one process that looks
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from hfver.atomic import write_atomic
from hfver.globs import matches
from hfver.hooks.repo import HookRepo
from hfver.hooks.settings import HookSettings, work_tree_settings
from hfver.locks import FileLock
from hfver.outbox import Outbox, Owed
from hfver.small_json import read_json

HEADS = "refs/heads/"
_LARGEST = 16 << 20  # bytes: a hundred thousand branches
_REBASE_POLL_SECONDS = 0.1
_REBASE_PATIENCE_SECONDS = 30.0


def watch(repo: HookRepo, work: Callable[[], None]) -> None:
    """Run ``work`` for this wake-up and for those that come meanwhile. Returns at once if another process does."""
    flag = repo.home / "wake"
    if flag.is_dir():  # not ours: it could never be taken down
        flag.rename(flag.with_name("wake.aside"))
    flag.touch()
    lock = FileLock(repo.home / "wake.lock")
    # Asked again after each release of the lock: a hook that found it taken has set the flag before that.
    while flag.exists() and lock.try_acquire():
        try:
            flag.unlink(missing_ok=True)
            work()
        finally:
            lock.release()


def await_rebase(
    repo: HookRepo, *, sleep: Callable[[float], None] = time.sleep, patience: float = _REBASE_PATIENCE_SECONDS
) -> bool:
    """Wait until no rebase or `git am` is under way here. False when it takes long: its end wakes us again."""
    waited = 0.0
    while any((repo.git_dir / name).is_dir() for name in ("rebase-merge", "rebase-apply")):
        if waited >= patience:
            return False
        sleep(_REBASE_POLL_SECONDS)
        waited += _REBASE_POLL_SECONDS
    return True


def owe_mirror(repo: HookRepo, now: datetime) -> list[Owed]:
    """Owe the mirror everything since each mirrored branch was last owed; what is owed for it already is replaced."""
    settings = work_tree_settings(repo)
    if not settings.publishes:
        return []
    last = _read_last(repo.home)
    outbox = Outbox(repo.common_dir)
    waiting = {entry.ref: entry for entry in outbox.entries().owed if entry.kind == "mirror"}
    owed = []
    for ref, oid in _branches(repo, settings):
        if last.get(ref) == oid:
            continue
        before = waiting.get(ref)
        entry = Owed(
            kind="mirror",
            ref=ref,
            oid=oid,
            old=before.old if before is not None else last.get(ref, ""),
            worktree=str(repo.top),
            evidence="the branch moved",
            noticed=now.isoformat(timespec="microseconds"),
        )
        # Added before the older one goes: a crash in between leaves both, and doing both is harmless.
        outbox.add(entry)
        if before is not None and before.oid != oid:
            outbox.done(before)
        owed.append(entry)
    if owed:
        _write_last(repo.home, {**last, **{entry.ref: entry.oid for entry in owed}})
    return owed


def _branches(repo: HookRepo, settings: HookSettings) -> Iterator[tuple[str, str]]:
    listing = repo.ask("for-each-ref", "--format=%(objectname) %(refname)", HEADS.rstrip("/")) or ""
    for line in listing.split("\n"):
        oid, _, ref = line.partition(" ")
        branch = ref.removeprefix(HEADS)
        if ref and matches(branch, settings.mirror_branches):
            yield ref, oid


def _read_last(home: Path) -> dict[str, str]:
    """Where the branches were; nothing when that is unknown: then everything is owed, which is harmless."""
    try:
        value = read_json(home / "branches.json", largest=_LARGEST)
    except (OSError, ValueError):
        return {}
    return {str(ref): str(oid) for ref, oid in value.items()} if isinstance(value, dict) else {}


def _write_last(home: Path, last: dict[str, str]) -> None:
    write_atomic(home / "branches.json", json.dumps(last, indent=1, sort_keys=True).encode("ascii"))
