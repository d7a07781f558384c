"""Refuse a tag that could never be released, while it can still be taken back without a trace.

Asked in `prepared`, when the tag does not exist yet. Local facts only, no network; whatever is in doubt, unknown or
broken allows. Runs only for a deliberate `git tag`: a refused ref in a fetch would take the whole fetch with it.
"""

from __future__ import annotations

import logging

from hfver.errors import RefusedError
from hfver.hook_repo import HookRepo
from hfver.hook_settings import settings_at
from hfver.intent import RefChange
from hfver.seen import SeenRefs

log = logging.getLogger(__name__)


def refusal(repo: HookRepo, change: RefChange) -> RefusedError | None:
    """Why this tag must not be made, or None."""
    try:
        return _refusal(repo, change)
    except Exception:
        log.debug("the tag guard failed, so it allows %s", change.tag, exc_info=True)
        return None


def _refusal(repo: HookRepo, change: RefChange) -> RefusedError | None:
    commit = repo.ask("rev-parse", "--verify", "--quiet", f"{change.new}^{{commit}}")
    settings = settings_at(repo, commit or "HEAD")
    if not (settings.publishes and settings.tag_guard) or settings.version(change.tag) is None:
        return None
    if commit is None:
        kind = repo.ask("cat-file", "-t", f"{change.new}^{{}}") or "object"
        return RefusedError(
            f"it would point at a {kind}, and only a commit can be released",
            hints=[f"git tag {change.tag} <commit>"],
        )
    return _moved(repo, change, commit)


def _moved(repo: HookRepo, change: RefChange, commit: str) -> RefusedError | None:
    """A version that was released from another commit: the Hub has it, and nothing there is overwritten."""
    for oid in SeenRefs(repo.common_dir).released(change.ref) - {change.new}:
        released = repo.ask("rev-parse", "--verify", "--quiet", f"{oid}^{{commit}}")
        if released is not None and released != commit:
            return RefusedError(
                f"it was released from commit {released[:12]} already, and a release does not change",
                hints=["hfver bump patch makes the next version"],
            )
    return None
