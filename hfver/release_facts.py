"""Parameters and metrics of a release: from git at the tag's commit, and from result files the model itself brings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from hfver.errors import IntegrityError
from hfver.experiments.run_facts import RunFacts, read_facts, result_files
from hfver.model import Output, OutputFile
from hfver.receipt import Receipt
from hfver.small_files import UnreadError

if TYPE_CHECKING:
    from hfver.config.settings import Config
    from hfver.outputs.resolve import Tree


class VerifiedReader(Protocol):
    """Reads a file of an output whole; IntegrityError when its bytes are nowhere or not what DVC recorded."""

    def read(self, file: OutputFile) -> bytes: ...


class RevisionReader(Protocol):
    """Reads small files of a Hub revision."""

    def read(self, repo: str, revision: str, path: str, *, limit: int) -> bytes | None: ...


def release_facts(
    tree: Tree,
    config: Config,
    output: Output,
    content: VerifiedReader,
    *,
    hub: RevisionReader,
    repo: str,
    base: tuple[str, Receipt] | None,
) -> RunFacts:
    """``base`` is the revision the release builds on, with its receipt: it may be all that still has a file's bytes."""
    found, unread = {}, []
    for file in result_files(output.files):
        try:
            found[file.path] = _bytes_of(file, content, hub, repo, base)
        except UnreadError as error:
            unread.append(f"{error.message}: its metrics are left out")
    facts = read_facts(tree, model_files=found, main_config=config.data)
    facts = replace(facts, problems=(*facts.problems, *unread))
    return facts if config.tracking.include_metrics else replace(facts, metrics={})


def _bytes_of(
    file: OutputFile, content: VerifiedReader, hub: RevisionReader, repo: str, base: tuple[str, Receipt] | None
) -> bytes:
    try:
        return content.read(file)
    except IntegrityError:
        raw = _from_base(file, hub, repo, base)
        if raw is None:
            raise
        return raw


def _from_base(file: OutputFile, hub: RevisionReader, repo: str, base: tuple[str, Receipt] | None) -> bytes | None:
    if base is None:
        return None
    revision, receipt = base
    known = next((other for other in receipt.files if other.md5 == file.md5 and other.size is not None), None)
    return hub.read(repo, revision, known.path, limit=known.size or 0) if known is not None else None
