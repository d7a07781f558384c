"""What `git push` is about to do, as it tells pre-push in lines of ``local-ref local-oid remote-ref remote-oid``.

The local ref may be anything that names a commit (``HEAD~1``, an object name, ``(delete)``); the remote ref is what
counts. Deletions caused by ``--mirror`` are not listed at all, and nothing tells a dry run.
"""

from __future__ import annotations

from dataclasses import dataclass

from hfver.hooks.intent import is_zero

TAGS = "refs/tags/"
HEADS = "refs/heads/"


@dataclass(frozen=True, slots=True)
class PushedRef:
    ref: str  # as it will be called there
    oid: str
    remote_oid: str | None  # what it is there now, None for a new one

    @property
    def tag(self) -> str | None:
        return self.ref.removeprefix(TAGS) if self.ref.startswith(TAGS) else None

    @property
    def branch(self) -> str | None:
        return self.ref.removeprefix(HEADS) if self.ref.startswith(HEADS) else None


def parse_pushed(text: str) -> list[PushedRef]:
    """Branches and tags that get a value; deletions and other refs need no check."""
    pushed = []
    for line in text.split("\n"):
        # The local ref is the user's text and may hold spaces; the other three are at the end.
        match line.rsplit(" ", 3):
            case [_, oid, ref, remote] if ref.startswith((TAGS, HEADS)) and not is_zero(oid):
                pushed.append(PushedRef(ref, oid, None if is_zero(remote) else remote))
    return pushed
