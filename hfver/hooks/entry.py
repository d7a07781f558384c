"""What the scripts in hooks/ start: ``hfver hook <name> [arguments]``.

    reference-transaction committed   tags made: sort out who made them, owe the release of ours, release them
    reference-transaction prepared    a tag is about to be made: exit code 8 refuses it
    pre-push <remote> <url>           a push is about to happen: exit code 8 refuses it
    wake                              a branch moved: owe its mirror, and do what is owed
    selftest                          leave a sign of life for `hfver doctor`
    worker                            do what is owed, in the background

Nothing here fails git: whatever goes wrong ends in a sentence on stderr and exit code 0. Standard library only at
import; what publishes is imported when there is something to publish.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from hfver.errors import EXIT_DONE, EXIT_REFUSED, HfverError
from hfver.hooks.git_caller import calling_subcommand, system_table
from hfver.hooks.intent import DELIBERATE, Origin, RefChange, judge, last_reflog_message, parse_changes
from hfver.hooks.launcher import refresh
from hfver.hooks.pushed_refs import parse_pushed
from hfver.hooks.repo import HookRepo, find_repo, leave_git
from hfver.hooks.seen import SeenRefs
from hfver.hooks.settings import settings_at, work_tree_settings
from hfver.outbox import Outbox, Owed
from hfver.redact import redact
from hfver.secret_values import KNOWN

Hook = Callable[[Sequence[str]], int]


def main(arguments: Sequence[str]) -> int:
    """Run one hook and return its exit code."""
    KNOWN.add_named(os.environ)
    hook = _HOOKS.get(arguments[0]) if arguments else None
    if hook is None:
        _say(f"there is no hook {' '.join(arguments)!r}; the scripts in the hooks directory are of another version")
        return EXIT_DONE
    try:
        return hook(arguments[1:])
    except KeyboardInterrupt:
        _say("interrupted; what is owed is kept: hfver push")
        return EXIT_DONE
    except HfverError as error:
        _say(error.message)
        for hint in error.hints:
            _say(f"hint: {hint}")
        return EXIT_DONE
    except Exception as error:
        from hfver.cli.crash import unforeseen

        _say(unforeseen(error, ["hook", *arguments]).message)
        _say("git is not affected; `hfver push` does what is owed")
        return EXIT_DONE


def reference_transaction(arguments: Sequence[str]) -> int:
    changes = parse_changes(os.fsdecode(sys.stdin.buffer.read()))
    repo = find_repo()
    leave_git()
    if not changes or not repo.home.is_dir():
        return EXIT_DONE
    caller = calling_subcommand(system_table(), os.getppid())
    if list(arguments) == ["prepared"]:
        return _guard(repo, changes, caller)
    if list(arguments) == ["committed"]:
        _committed(repo, changes, caller)
    return EXIT_DONE


# -- a tag is about to be made ----------------------------------------------------------------------------------------


def _guard(repo: HookRepo, changes: Sequence[RefChange], caller: str | None) -> int:
    if caller not in DELIBERATE:
        return EXIT_DONE
    from hfver.hooks.guard import refusal
    from hfver.mirror.secret_scan import without_secrets

    for change in changes:
        refused = refusal(repo, change)
        if refused is not None:
            name = without_secrets(change.tag)
            _say(f"{name} is refused: {refused.message}")
            for hint in refused.hints:
                _say(f"hint: {hint}")
            _say(f"hint: to tag without releasing: HFVER_SKIP=1 git tag {name}")
            return EXIT_REFUSED
    return EXIT_DONE


# -- tags were made ---------------------------------------------------------------------------------------------------


def _committed(repo: HookRepo, changes: Sequence[RefChange], caller: str | None) -> None:
    local = _sort_out(repo, changes, caller)
    if not local or _made_for_somebody_else(repo, local):
        return
    owed = [_owe(repo, change, evidence) for change, evidence in local if _to_release(repo, change)]
    if owed:
        refresh(repo.home)
        _release(repo, owed)


def _sort_out(repo: HookRepo, changes: Sequence[RefChange], caller: str | None) -> list[tuple[RefChange, str]]:
    """The tags made here on purpose, with the evidence; the others are noted, or hinted at when nobody can say."""
    seen = SeenRefs(repo.common_dir)
    known = seen.pairs()
    # asked only where the caller is unreadable: the answer costs a process
    reflog_kept = caller is None and (repo.config("core.logAllRefUpdates") or "").lower() == "always"
    local: list[tuple[RefChange, str]] = []
    arrived: list[tuple[str, str]] = []
    for change in changes:
        verdict = judge(
            caller,
            known=(change.ref, change.new) in known,
            reflog=last_reflog_message(repo.common_dir, change.ref),
            reflog_kept=reflog_kept,
        )
        if verdict.origin is Origin.LOCAL:
            local.append((change, verdict.evidence))
        elif verdict.origin is Origin.ARRIVED:
            arrived.append((change.ref, change.new))
        elif work_tree_settings(repo).version(change.tag) is not None:
            _say(f"noticed {change.tag} ({verdict.evidence}); to release it: hfver push {change.tag}")
    seen.add([pair for pair in arrived if pair not in known], "arrived")
    return local


def _made_for_somebody_else(repo: HookRepo, local: Sequence[tuple[RefChange, str]]) -> bool:
    """`sudo git tag` in a user's repository: files root writes there would lock the user out."""
    if sys.platform == "win32" or os.geteuid() != 0 or os.environ.get("SUDO_UID", "0") == "0":
        return False
    if repo.home.stat().st_uid == 0:
        return False
    names = " ".join(change.tag for change, _ in local)
    _say(f"{names}: made by root in a repository of somebody else; to release it, run without sudo: hfver push {names}")
    return True


def _to_release(repo: HookRepo, change: RefChange) -> bool:
    result = repo.git("rev-parse", "--verify", "--quiet", f"{change.new}^{{commit}}")
    commit = result.stdout.decode("ascii", "replace").strip() if result.code == 0 else None
    settings = settings_at(repo, commit) if commit else work_tree_settings(repo)
    if not settings.publishes or settings.version(change.tag) is None:
        return False
    if commit is None:
        _say(f"{change.tag} does not point at a commit, so there is nothing to release")
    return commit is not None


def _owe(repo: HookRepo, change: RefChange, evidence: str) -> Owed:
    owed = Owed(
        kind="release",
        ref=change.ref,
        oid=change.new,
        old=change.old,
        worktree=str(repo.top),
        evidence=evidence,
        noticed=datetime.now(UTC).isoformat(timespec="microseconds"),
    )
    Outbox(repo.common_dir).add(owed)
    return owed


def _release(repo: HookRepo, owed: Sequence[Owed]) -> None:
    names = " ".join(entry.name for entry in owed)
    if work_tree_settings(repo).publish == "background" and not in_ci():
        from hfver.worker import start_worker

        start_worker(repo)
        _say(f"{names} is being released in the background; `hfver status` shows how it goes")
        return
    try:
        # It says itself what could not be done, and what finishes it.
        _publish_owed(repo.top, progress=True, tags=[entry.name for entry in owed])
    except KeyboardInterrupt:
        _say(f"interrupted; {names} stays tagged and its release is owed: hfver push {names}")
        return
    except HfverError as error:
        _say(error.message)
        for hint in error.hints:
            _say(f"hint: {hint}")
        _say(f"{names} is tagged and its release is owed: hfver push {names}")


# -- before a push ----------------------------------------------------------------------------------------------------


def pre_push(arguments: Sequence[str]) -> int:
    for address in arguments[:2]:  # the remote's name and its address, or twice the address
        KNOWN.add_address(address)
    refs = parse_pushed(os.fsdecode(sys.stdin.buffer.read()))
    repo = find_repo()
    leave_git()
    if not refs:
        return EXIT_DONE
    from hfver.hooks.pre_push import problems_of_push

    problems = problems_of_push(repo, arguments[0] if arguments else "", refs, _say)
    for problem in problems:
        _say(problem.message)
        for hint in problem.hints:
            _say(f"hint: {hint}")
    if problems:
        _say("so nothing was pushed; to push all the same: git push --no-verify")
    return EXIT_REFUSED if problems else EXIT_DONE


# -- in the background ------------------------------------------------------------------------------------------------


def wake(_arguments: Sequence[str]) -> int:
    """A branch moved: owe its mirror, then do what is owed. In CI in the foreground, else behind everybody's back."""
    from hfver.mirror.wake import await_rebase, owe_mirror, watch
    from hfver.worker import detach
    from hfver.worker_log import log_to_file

    repo = find_repo()
    leave_git()
    foreground = in_ci()
    if not foreground:
        detach()
        log_to_file(repo.home)

    def work() -> None:
        if not foreground and not await_rebase(repo):  # in the foreground the rebase would be waiting for us
            return
        if owe_mirror(repo, datetime.now(UTC)) or Outbox(repo.common_dir).entries().owed:
            # A tag made right after the commit is released where it was made, with somebody looking on.
            _publish_owed(repo.top, progress=False, fresh_releases=False)

    watch(repo, work)
    return EXIT_DONE


def worker(_arguments: Sequence[str]) -> int:
    """Do what is owed, with what would have been printed in the worker's log."""
    from hfver.worker import detach
    from hfver.worker_log import log_to_file

    detach()
    repo = find_repo()
    leave_git()
    log_to_file(repo.home)
    return _publish_owed(repo.top, progress=False)


def selftest(_arguments: Sequence[str]) -> int:
    """Leave a sign of life for `hfver doctor`."""
    repo = find_repo()
    (repo.home / "heartbeat").write_text(f"{os.getpid()}\n", encoding="ascii")
    return EXIT_DONE


def _publish_owed(top: Path, *, progress: bool, tags: Sequence[str] = (), fresh_releases: bool = True) -> int:
    from hfver.cli.owed import publish_owed

    return publish_owed(top, progress=progress, tags=tags, fresh_releases=fresh_releases)


def in_ci() -> bool:
    """Whether a CI job runs this: then nothing is left to a process in the background, which would end with the job."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def _say(text: str) -> None:
    sys.stderr.write(f"hfver: {redact(text)}\n")
    sys.stderr.flush()


_HOOKS: dict[str, Hook] = {
    "reference-transaction": reference_transaction,
    "pre-push": pre_push,
    "selftest": selftest,
    "wake": wake,
    "worker": worker,
}
