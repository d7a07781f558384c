"""The commit message of a release on the Hub.

Its title is ``<tag>: <subject>``; its description ends in trailers, so that the alignment of a version can be read
from a commit listing without downloading anything::

    v1.2.3: Better tokenizer

    Git-Commit: 2c5e…
    Git-Tag: v1.2.3
    Hfver-Tree: 9f86…
    Configs-Revision: 77aa…
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_TITLE = 200  # characters; longer subjects are cut, the whole text is in git
_TRAILER = re.compile(r"^(Git-Commit|Git-Tag|Hfver-Tree|Configs-Revision): (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Trailers:
    """What a release commit says about itself. ``commit`` is None for a release made outside git."""

    tag: str
    tree: str
    commit: str | None = None
    configs_revision: str | None = None


def title_of(tag: str, subject: str) -> str:
    """One line; control characters in a git subject do not reach the Hub."""
    clean = " ".join("".join(char if char.isprintable() else " " for char in subject).split())
    title = f"{tag}: {clean}" if clean else tag
    return title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1] + "…"


def render_trailers(trailers: Trailers) -> str:
    lines = []
    if trailers.commit is not None:
        lines.append(f"Git-Commit: {trailers.commit}")
    lines += [f"Git-Tag: {trailers.tag}", f"Hfver-Tree: {trailers.tree}"]
    if trailers.configs_revision is not None:
        lines.append(f"Configs-Revision: {trailers.configs_revision}")
    return "\n".join(lines)


def parse_trailers(description: str) -> Trailers | None:
    """The trailers of a commit's description, or None when it is not a release of hfver's."""
    found = dict(_TRAILER.findall(description))
    if "Git-Tag" not in found or "Hfver-Tree" not in found:
        return None
    return Trailers(
        tag=found["Git-Tag"],
        tree=found["Hfver-Tree"],
        commit=found.get("Git-Commit"),
        configs_revision=found.get("Configs-Revision"),
    )
