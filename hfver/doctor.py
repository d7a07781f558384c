"""Is everything in place here? Each check says what it found and, if it is wrong, the command that mends it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from hfver.adapters.git_process import decode, execute_git
from hfver.errors import HfverError
from hfver.hooks import launcher
from hfver.hooks.file import is_ours, sibling
from hfver.hooks.git_config import is_configured
from hfver.hooks.install import install
from hfver.hooks.place import choose_place, git_version, hooks_directory, hooks_path
from hfver.hooks.repo import HookRepo, find_repo
from hfver.hooks.scripts import HOOKS
from hfver.hooks.seen import SeenRefs
from hfver.hooks.settings import work_tree_settings
from hfver.hooks.state import ORIGINAL, SHELVED, State, hook_state
from hfver.outbox import Outbox
from hfver.small_json import read_small
from hfver.visibility import Visibility, settings_command

if TYPE_CHECKING:
    from hfver.adapters.hub_client import HubClient

SELFTEST_REF = "refs/hfver/selftest"
_SHOWN = 5
_LONGEST_PATH = 4096  # bytes


class Verdict(Enum):
    FINE = "fine"
    NOTE = "note"  # worth knowing, nothing is broken
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    verdict: Verdict
    message: str
    mend: str | None = None  # the command that puts it right
    fixable: bool = False  # whether `--fix` does


Check = Callable[[HookRepo], Iterator[Finding]]


def examine(top: Path, environ: Mapping[str, str], *, online: bool = True) -> list[Finding]:
    """Run every check. One that fails itself is a finding too."""
    repo = find_repo(top)
    checks: list[tuple[str, Check]] = [
        ("git", _git),
        ("hooks directory", _directory),
        ("hooks", _hooks),
        ("program", _program),
        ("self-test", _self_test),
        ("configuration", lambda repo: _configuration(repo, environ)),
        ("DVC", _dvc),
        ("outbox", _outbox),
        ("tags", _unnoticed_tags),
    ]
    if online:
        checks.append(("Hub", lambda repo: _hub(repo, environ)))
    found: list[Finding] = []
    for name, check in checks:
        try:
            found += check(repo)
        except HfverError as error:
            found.append(Finding(name, Verdict.PROBLEM, error.message, error.hints[0] if error.hints else None))
        except OSError as error:
            if error.filename is None:
                raise
            found.append(Finding(name, Verdict.PROBLEM, f"{error.filename}: {error.strerror}"))
    return found


def fix(top: Path, findings: Sequence[Finding]) -> tuple[str, ...]:
    """Mend what is safe to mend: the hooks and the note of where the program is. Says what was done."""
    if not any(finding.fixable for finding in findings):
        return ()
    report = install(top)
    return ("installed the hooks anew", *report.notes)


def _git(repo: HookRepo) -> Iterator[Finding]:
    version = ".".join(map(str, git_version(repo)))
    choose_place(repo)  # raises for a git that is too old, and for a hooks directory that is not ours to write to
    yield Finding("git", Verdict.FINE, f"version {version}")


def _directory(repo: HookRepo) -> Iterator[Finding]:
    path = hooks_path(repo)
    where = str(hooks_directory(repo))
    if path is None:
        yield Finding("hooks directory", Verdict.FINE, where)
        return
    yield Finding("hooks directory", Verdict.NOTE, f"{where}, by core.hooksPath ({path.scope} configuration)")


def _hooks(repo: HookRepo) -> Iterator[Finding]:
    for name in HOOKS:
        hook = hook_state(repo, name)
        current = hook.state not in (State.OUTDATED, State.CHANGED)
        good = hook.works and current
        mend = None if good else "hfver hooks install"
        yield Finding(name, Verdict.FINE if good else Verdict.PROBLEM, hook.state.value, mend, fixable=not good)
        in_directory = hooks_directory(repo) / name
        if is_configured(repo, name) and is_ours(in_directory, name):
            message = f"runs twice: from the git configuration and as {in_directory}"
            yield Finding(name, Verdict.PROBLEM, message, f"rm {in_directory}")
        if is_ours(sibling(in_directory, SHELVED), name):
            message = f"lefthook moved hfver's hook to {name}{SHELVED}, where nothing calls it"
            yield Finding(name, Verdict.PROBLEM, message, "hfver hooks install", fixable=True)


def _program(repo: HookRepo) -> Iterator[Finding]:
    noted = repo.home / launcher.NAME
    here = launcher.this_program()
    if not noted.is_file():
        where = shutil.which("hfver")
        message = f"hooks look hfver up on PATH ({where or 'it is not there'})"
        yield Finding("program", Verdict.PROBLEM, message, "hfver hooks install", fixable=True)
        return
    try:
        program = Path(decode(read_small(noted, largest=_LONGEST_PATH)).removesuffix("\n"))
        there = program.is_file()
    except (OSError, ValueError):  # no path at all
        program, there = noted, False
    if not there:
        gone = f"{program} is gone" if program != noted else f"{noted} names no program"
        yield Finding("program", Verdict.PROBLEM, gone, "hfver hooks install", fixable=True)
    elif here is not None and program != here:
        yield Finding("program", Verdict.NOTE, f"hooks start {program}; this is {here}")
    else:
        yield Finding("program", Verdict.FINE, str(program))


def _self_test(repo: HookRepo) -> Iterator[Finding]:
    """Change a ref of our own through git as people run it, and look for what the hook leaves behind."""
    heartbeat = repo.home / "heartbeat"
    heartbeat.unlink(missing_ok=True)
    tree = decode(execute_git(repo.top, ["hash-object", "-t", "tree", "-w", "--stdin"], stdin=b"").stdout).strip()
    made = execute_git(repo.top, ["update-ref", SELFTEST_REF, tree])
    execute_git(repo.top, ["update-ref", "-d", SELFTEST_REF])
    alive = heartbeat.is_file()
    heartbeat.unlink(missing_ok=True)
    if made.code != 0:
        message = f"git cannot change a ref here: {decode(made.stderr).strip()}"
        original = sibling(hooks_directory(repo) / HOOKS[0], ORIGINAL)
        if original.exists():  # not ours to mend: ours only runs it, as git did
            yield Finding("self-test", Verdict.PROBLEM, message, f"look at {original}")
        else:
            yield Finding("self-test", Verdict.PROBLEM, message, "hfver hooks install", fixable=True)
    elif alive:
        yield Finding("self-test", Verdict.FINE, "a changed ref reached hfver")
    else:
        said = decode(made.stderr).strip()
        message = "a changed ref did not reach hfver" + (f": {said}" if said else "")
        yield Finding("self-test", Verdict.PROBLEM, message, "hfver hooks install", fixable=True)


def _configuration(repo: HookRepo, environ: Mapping[str, str]) -> Iterator[Finding]:
    if repo.bare:
        return
    from hfver.config.load import load_workspace

    config = load_workspace(repo.top, environ=environ)
    models = ", ".join(model.repo for model in config.models) or "no model"
    yield Finding("configuration", Verdict.FINE, f"valid; releases go to {models} ({config.endpoint})")
    if not config.enabled or not config.auto_sync:
        key = "enabled" if not config.enabled else "auto_sync"
        yield Finding("configuration", Verdict.NOTE, f"huggingface.{key} is false, so hooks release nothing")


def _dvc(repo: HookRepo) -> Iterator[Finding]:
    if repo.bare:
        return
    from hfver.adapters.dvc_outputs import DvcProject

    settings = DvcProject.find(repo.top).settings
    if settings.default_remote is None:
        yield Finding(
            "DVC", Verdict.NOTE, "no default remote: releases on the Hub are the only shared copy of the bytes"
        )
    else:
        yield Finding("DVC", Verdict.FINE, f"remote {settings.default_remote}")


def _outbox(repo: HookRepo) -> Iterator[Finding]:
    entries = Outbox(repo.common_dir).entries()
    for problem in entries.problems:
        yield Finding("outbox", Verdict.PROBLEM, problem, "hfver status")
    for owed in entries.owed[:_SHOWN]:
        tried = f", {owed.attempts} attempts, last: {owed.last_error}" if owed.attempts else ""
        verdict = Verdict.PROBLEM if owed.attempts else Verdict.NOTE
        yield Finding("outbox", verdict, f"owed: {owed.kind} of {owed.name}{tried}", "hfver push")
    if len(entries.owed) > _SHOWN:
        yield Finding("outbox", Verdict.NOTE, f"and {len(entries.owed) - _SHOWN} more are owed", "hfver push")
    if not entries.owed:
        yield Finding("outbox", Verdict.FINE, "nothing is owed")
    holder = Outbox(repo.common_dir).lock().holder()
    if holder is not None and holder.is_stopped:
        said = f"{holder} works on this clone and stands still, so nobody else can: it was stopped, as Ctrl-Z does"
        yield Finding("outbox", Verdict.PROBLEM, said, f"kill -CONT {holder.pid}")
    elif holder is not None:
        yield Finding("outbox", Verdict.NOTE, f"{holder} works on this clone")


def _unnoticed_tags(repo: HookRepo) -> Iterator[Finding]:
    """Version tags no hook has seen: made by a program that runs none (gto, pygit2, dulwich), or with HFVER_SKIP."""
    settings = work_tree_settings(repo)
    listing = repo.ask("for-each-ref", "--format=%(objectname) %(refname)", "refs/tags") or ""
    pairs = [tuple(reversed(line.split(" ", 1))) for line in listing.split("\n") if line]
    known = SeenRefs(repo.common_dir).pairs()
    known |= {(entry.ref, entry.oid) for entry in Outbox(repo.common_dir).entries().owed}
    names = [ref.removeprefix("refs/tags/") for ref, oid in pairs if (ref, oid) not in known]
    versions = [name for name in names if settings.version(name) is not None]
    if not versions:
        yield Finding("tags", Verdict.FINE, "no version was made behind the hooks")
        return
    shown = " ".join(versions[:_SHOWN]) + (" ..." if len(versions) > _SHOWN else "")
    yield Finding("tags", Verdict.NOTE, f"made without a hook, so never released from here: {shown}", "hfver status")


def _hub(repo: HookRepo, environ: Mapping[str, str]) -> Iterator[Finding]:
    if repo.bare:
        return
    from hfver.config.load import load_workspace
    from hfver.hub_session import open_hub

    config = load_workspace(repo.top, environ=environ)
    with open_hub(config.endpoint, environ) as hub:
        for model in config.models:
            refs = hub.refs(model.repo)
            state = "is not there yet" if refs is None else f"has {len(refs.tags)} tags"
            yield Finding("Hub", Verdict.FINE, f"{config.endpoint} answers; {model.repo} {state}")
            if config.private:
                yield from _private(hub, model.repo, "model")
                yield from _private(hub, model.config_repo, config.config_repo_type)


def _private(hub: HubClient, repo: str, repo_type: str) -> Iterator[Finding]:
    seen = hub.visibility(repo, repo_type=repo_type)
    if seen is Visibility.PUBLIC:
        mend = settings_command(hub, repo, repo_type, Visibility.PRIVATE)
        yield Finding("Hub", Verdict.PROBLEM, f"{repo} is public and is to be private: nothing is sent to it", mend)
    elif seen is Visibility.UNSAID:
        message = f"does not say whether {repo} is private, which it is to be: nothing is sent to it"
        yield Finding("Hub", Verdict.PROBLEM, message)
