"""Was this tag made here on purpose, or did it arrive?

Only intent on this machine publishes. The rule, strongest evidence first:

    nearest git above us is `git tag`                            local
    ... is fetch, clone, pack-refs, gc, receive-pack, ...        arrived
    unreadable, and this very (ref, object) is known here        arrived (git replays old tags when it packs them)
    unreadable, and the tag's reflog says `tag: tagging`         local
    unreadable, and the reflog says fetched, pushed or nothing   arrived
    anything else, such as update-ref                            unknown: a hint, never a release
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

DELIBERATE = frozenset({"tag"})
TRANSPORTS = frozenset({
    "fetch", "clone", "pull", "remote", "submodule", "receive-pack", "pack-refs", "gc", "maintenance", "fast-import",
    "filter-branch", "bundle", "http-backend", "upload-pack", "index-pack", "repack", "remote-http", "remote-https",
})  # fmt: skip

_ZERO = re.compile(r"0+")


class Origin(Enum):
    LOCAL = "local"
    ARRIVED = "arrived"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    origin: Origin
    evidence: str  # in words, for the outbox and for people


@dataclass(frozen=True, slots=True)
class RefChange:
    """One line git gives to reference-transaction."""

    old: str
    new: str
    ref: str

    @property
    def tag(self) -> str:
        return self.ref.removeprefix("refs/tags/")


def parse_changes(text: str) -> list[RefChange]:
    """The tags that get a value: deletions, symbolic refs and other refs are left out."""
    changes = []
    for line in text.split("\n"):
        match line.split(" ", 2):
            case [old, new, ref] if ref.startswith("refs/tags/") and not is_zero(new) and ":" not in new:
                changes.append(RefChange(old, new, ref))
    return changes


def is_zero(oid: str) -> bool:
    """Whether this stands for "no object", in SHA-1 and SHA-256 repositories alike."""
    return _ZERO.fullmatch(oid) is not None


def judge(subcommand: str | None, *, known: bool, reflog: str | None, reflog_kept: bool) -> Verdict:
    """``known``: the ledger has this (ref, object). ``reflog``: message of the tag's last reflog entry, None without
    one. ``reflog_kept``: git is set to keep reflogs of tags, so that a missing one says something."""
    if subcommand in DELIBERATE:
        return Verdict(Origin.LOCAL, f"git {subcommand}")
    if subcommand in TRANSPORTS:
        return Verdict(Origin.ARRIVED, f"git {subcommand}")
    if subcommand is not None:
        return Verdict(Origin.ARRIVED if known else Origin.UNKNOWN, f"git {subcommand}")
    if known:
        return Verdict(Origin.ARRIVED, "this value of the tag is known here")
    return _judge_by_reflog(reflog, reflog_kept=reflog_kept)


def _judge_by_reflog(message: str | None, *, reflog_kept: bool) -> Verdict:
    if message is None:
        if reflog_kept:
            return Verdict(Origin.ARRIVED, "no reflog entry, as after a clone")
        return Verdict(Origin.UNKNOWN, "no evidence")
    evidence = f"reflog: {message}"
    if message.startswith("tag: tagging "):
        return Verdict(Origin.LOCAL, evidence)
    if message == "push" or message.endswith(("storing tag", "updating tag")):
        return Verdict(Origin.ARRIVED, evidence)
    return Verdict(Origin.UNKNOWN, evidence)


def last_reflog_message(common_dir: Path, ref: str) -> str | None:
    """The message of the last entry, read from the file: `git reflog` shows none for annotated tags.

    None without a file: reflogs of tags are off, or the repository keeps its refs in tables.
    """
    try:
        data = (common_dir / "logs" / ref).read_bytes()
    except OSError:
        return None
    lines = data.rstrip(b"\n").split(b"\n")
    _, tab, message = lines[-1].partition(b"\t")
    return message.decode("utf-8", "replace") if tab else None
