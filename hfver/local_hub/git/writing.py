"""Commit and tag objects in git's own text."""

from __future__ import annotations

from collections.abc import Sequence

from hfver.local_hub.git.objects import ObjectWriter
from hfver.local_hub.git.repository import Signature


def write_commit(writer: ObjectWriter, tree: str, parents: Sequence[str], author: Signature, message: str) -> str:
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    lines += [f"author {author.text()}", f"committer {author.text()}", "", _message(message)]
    return writer.write("commit", "\n".join(lines).encode("utf-8", "surrogateescape"))


def write_tag(writer: ObjectWriter, commit: str, name: str, tagger: Signature, message: str) -> str:
    lines = [f"object {commit}", "type commit", f"tag {name}", f"tagger {tagger.text()}", "", _message(message)]
    return writer.write("tag", "\n".join(lines).encode("utf-8", "surrogateescape"))


def _message(text: str) -> str:
    return text.replace("\0", "").rstrip("\n") + "\n"
