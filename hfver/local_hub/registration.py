"""Entering a repository into the table, changing its row and striking it out.

The git data comes first and goes last. Beside it stands a record of what the row says, so that the table can be made
anew (see repair). Where the two disagree after a crash the table is right; but the record never says "public" before
the table does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hfver.local_hub.git.marks import SUFFIX, listed_ids
from hfver.local_hub.records import Record, read_record, write_record

if TYPE_CHECKING:
    from pathlib import Path

    from hfver.local_hub.accounts import Accounts
    from hfver.local_hub.hub import Hub
    from hfver.local_hub.kinds import RepoKind
    from hfver.local_hub.repos import Repo


def register(hub: Hub, repo: Repo) -> None:
    """Its git data is complete: a repo that can be found is whole."""
    try:
        write_record(hub.git.path(repo.id), record_of(hub.accounts, repo))
        hub.repos.add(repo)
    except BaseException:
        hub.git.remove(repo.id)
        raise
    hub.git.set_listed(repo.id)


def rename(hub: Hub, repo: Repo, namespace: str, name: str) -> None:
    with hub.git.locked(repo.id):
        before = hub.repos.by_id(repo.id) or repo
        hub.repos.move(before, namespace, name)
        _keep_record(hub, replace(before, namespace=namespace, name=name), before=before.full_name)


def set_visibility(hub: Hub, repo: Repo, visibility: str) -> None:
    with hub.git.locked(repo.id):
        changed = replace(hub.repos.by_id(repo.id) or repo, visibility=visibility)
        if changed.private:
            _keep_record(hub, changed)
        hub.repos.set_visibility(repo, visibility)
        _keep_record(hub, changed)


def set_gated(hub: Hub, repo: Repo, gated: str | None) -> None:
    with hub.git.locked(repo.id):
        hub.repos.set_gated(repo, gated)
        _keep_record(hub, replace(hub.repos.by_id(repo.id) or repo, gated=gated))


def mend_marks(hub: Hub) -> None:
    """A crash right after a row was entered or changed, or right before it was struck out, leaves marks behind."""
    for repo in hub.repos.all():
        if not hub.git.is_listed(repo.id):
            with hub.git.locked(repo.id):
                if hub.repos.by_id(repo.id):
                    hub.git.set_listed(repo.id)
        with hub.git.locked(repo.id):
            current = hub.repos.by_id(repo.id)
            if current is not None and hub.git.path(repo.id).is_dir():
                _keep_record(hub, current)


def unregister(hub: Hub, repo: Repo) -> None:
    """Not while somebody commits to it."""
    with hub.git.locked(repo.id):
        there = hub.git.path(repo.id).exists()
        if there:
            hub.git.set_unlisted(repo.id)
        hub.repos.remove(repo)  # nothing if somebody else was quicker
        if there:
            hub.git.remove(repo.id)


def refuse_lost(hub: Hub, kind: RepoKind, namespace: str, name: str) -> None:
    """Raise when a repository of this name lies on the disk and the table, which has been asked, does not know it.

    To whoever asks it would look as if it had never been there, and the next release would begin it anew.
    """
    wanted = (kind.value, namespace.lower(), name.lower())
    folder = hub.root / "repos"
    for repo_id in listed_ids(folder):
        git_dir = folder / f"{repo_id}{SUFFIX}"
        record = read_record(git_dir)
        if record is None or (record.kind, record.namespace.lower(), record.name.lower()) != wanted:
            continue
        if hub.repos.find(kind, namespace, name) is None:  # else it was made meanwhile
            raise hub.database.damaged(f"it does not know {namespace}/{name} any more, whose data is in {git_dir}")


def _keep_record(hub: Hub, repo: Repo, *, before: str | None = None) -> None:
    keep_record(hub.git.path(repo.id), record_of(hub.accounts, repo), before=before)


def keep_record(git_dir: Path, record: Record, *, before: str | None = None) -> bool:
    """Write it if what is there says something else. ``before`` is the name it had until now."""
    kept = read_record(git_dir)
    earlier = kept.earlier if kept is not None else ()
    if before is not None:
        earlier = (*(name for name in earlier if name != before), before)
    now = f"{record.namespace}/{record.name}"
    record = replace(record, earlier=tuple(name for name in earlier if name != now))
    if record == kept:
        return False
    write_record(git_dir, record)
    return True


def record_of(accounts: Accounts, repo: Repo) -> Record:
    owner = accounts.by_id(repo.owner).name
    return Record(
        repo.kind.value, repo.namespace, repo.name, owner, repo.visibility, repo.gated, repo.sdk, repo.created
    )
