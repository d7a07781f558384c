"""What a release must not tell: secrets in its title, in names, in its card, in the model's text files, and in the
configs that are mirrored under its tag. All of it is looked at before anything is sent.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hfver.config.values import as_data
from hfver.errors import HfverError
from hfver.experiments.run_facts import RunFacts
from hfver.mirror.plan import LARGEST_MIRRORED, GitFile, all_mirrored, mirrored_files, mirrors_releases
from hfver.mirror.secret_scan import (
    BASELINE,
    NO_BASELINE,
    Baseline,
    Finding,
    SearchMemory,
    baseline_at,
    clean_key,
    find,
    hide_values,
    in_files,
    in_names,
    in_texts,
    in_title,
    may_be_text,
    refuse_secrets,
    scan,
    without_secrets,
)
from hfver.model import Output, OutputFile, Tag
from hfver.outputs.at_commit import pointer_at
from hfver.outputs.resolve import resolve_output
from hfver.publish import Inspect, Located

if TYPE_CHECKING:
    from hfver.adapters.git_tree import CommitTree
    from hfver.config.schema import ModelCard
    from hfver.config.settings import Config
    from hfver.target import Target
    from hfver.workspace import Workspace

LARGEST_TEXT = 4 * 1024 * 1024  # bytes; a larger text file of a model is data
MOST_TEXT = 64 * 1024 * 1024  # bytes of text looked at in one model


def refuse_release(tree: CommitTree, target: Target, output: Output, branch: str, memory: SearchMemory) -> None:
    """RefusedError, naming every place, when a release would tell a secret. The model's own text files are left to
    ``inspector``: they may have to be fetched first.
    """
    tag, config = target.tag, target.config
    titles = in_title(tag)
    branches = in_texts({"the name of the git branch": branch})
    others = [*name_findings(output), *told_findings(tree, config, memory)]
    hints = title_hints(tag) if titles else []
    hints += ["git branch --move NAME gives the branch another name"] if branches else []
    hints += again_hints(tag.name) if others else []
    refuse_secrets([*titles, *branches, *others], target.model.repo, hints=hints)


def told_findings(tree: CommitTree, config: Config, memory: SearchMemory) -> list[Finding]:
    """Findings in what a release tells of its commit, besides the model: the card, and the configs under its tag."""
    configs = config_findings(tree, config, memory) if mirrors_releases(config) else []
    return [*card_findings(config.model_card), *template_findings(tree, config.model_card), *configs]


def cached_findings(workspace: Workspace, tree: CommitTree, path: str | None) -> list[Finding]:
    """Findings in the text files of a model that are in DVC's cache and on no Hub yet: what can be told before a tag
    is made. A model that cannot be read has errors of its own, and its release tells them.
    """
    try:
        pointer = pointer_at(workspace, tree, path)
        cache, hash_name = workspace.dvc(pointer.dvc_root).cache, pointer.hash_name
        output = resolve_output(tree, path or pointer.path, [cache.read_dir_object])
    except HfverError:
        return []
    found = name_findings(output)
    texts: dict[str, Path | bytes] = {}
    for file in output.files if output.pointer.cached else ():
        if may_be_text(file.path) and not workspace.state.is_shared(file.md5):
            size = cache.size_of(file.md5, hash_name)
            if size is not None and size <= LARGEST_TEXT:
                texts[_place(output, file)] = cache.object_path(file.md5, hash_name)
    return [*found, *in_files(_contents(texts), baseline_of(tree))]


def title_hints(tag: Tag) -> list[str]:
    if find(tag.name) is not None:
        return ["git tag --delete the tag, and give the version another name"]
    return [f"git tag --force --annotate --message 'another message' {tag.name} {tag.commit[:12]}"]


def again_hints(tag: str) -> list[str]:
    return [f"then commit what changed, and tag that: git tag --force {without_secrets(tag)}"]


def name_findings(output: Output) -> list[Finding]:
    return in_names("the name of", (_place(output, file) for file in output.files))


def card_findings(settings: ModelCard) -> list[Finding]:
    """Findings in what the configuration says for the card."""
    return hide_values(as_data(settings), "model_card.")[1]


def template_findings(tree: CommitTree, settings: ModelCard) -> list[Finding]:
    raw = tree.read(settings.template) if settings.template else None
    return in_files([(settings.template, raw)], baseline_of(tree)) if settings.template and raw is not None else []


def config_findings(tree: CommitTree, config: Config, memory: SearchMemory) -> list[Finding]:
    """Findings in what the configs repository gets of a commit."""
    return file_findings(tree, mirrored_files(tree.entries, config).values(), memory)


def file_findings(tree: CommitTree, files: Iterable[GitFile], memory: SearchMemory) -> list[Finding]:
    """Findings in some of them; a file that was found clean before is not read."""
    baseline = baseline_of(tree)
    keys = {file.path: clean_key(file.path, file.oid, baseline) for file in files}
    known = memory.known_clean(list(keys.values()))
    paths = [path for path, key in keys.items() if key not in known]
    contents = all_mirrored(paths, tree.read_many(paths, LARGEST_MIRRORED))
    return [*in_names("the name of", keys), *scan(contents, baseline, memory)]


def baseline_of(tree: CommitTree) -> Baseline:
    return baseline_at(tree.top, tree.read(BASELINE))


def without_secrets_in(facts: RunFacts) -> tuple[RunFacts, tuple[str, ...]]:
    """Parameters and metrics without secrets, and a warning for each one: their files need not be published at all."""
    params, hidden = hide_values(facts.params)
    metrics, more = hide_values(facts.metrics)
    said = (f"what looks like a secret is left out of the receipt and the card: {one}" for one in (*hidden, *more))
    return replace(facts, params=params, metrics=metrics), tuple(said)


# -- text files of the model ------------------------------------------------------------------------------------------


def inspector(output: Output, repo: str, baseline: Baseline = NO_BASELINE, hints: Sequence[str] = ()) -> Inspect:
    """Looks at those text files of a model that are about to be sent."""

    def inspect(files: Sequence[OutputFile], located: Mapping[str, Located]) -> tuple[str, ...]:
        texts = [file for file in files if may_be_text(file.path) and located[file.md5].size <= LARGEST_TEXT]
        sources = {_place(output, file): located[file.md5].source for file in texts}
        refuse_secrets(in_files(_contents(sources), baseline), repo, hints=hints)
        if sum(located[file.md5].size for file in texts) <= MOST_TEXT:
            return ()
        return (f"secrets were looked for in the first {MOST_TEXT:,} bytes of the model's text files only",)

    return inspect


def work_tree_findings(top: Path, path: str) -> list[Finding]:
    """Findings in the text files of a model as it stands in the work tree."""
    place = top / path
    listed = [(str(place.parent), [], [place.name])] if place.is_file() else os.walk(place)
    candidates = (Path(base) / name for base, _, names in listed for name in sorted(names) if may_be_text(name))
    texts = {
        file.relative_to(top).as_posix(): file
        for file in candidates
        if file.is_file() and file.stat().st_size <= LARGEST_TEXT
    }
    return in_files(_contents(texts), baseline_at(top))


def _place(output: Output, file: OutputFile) -> str:
    return f"{output.path}/{file.path}" if output.pointer.is_dir else output.path


def _contents(sources: Mapping[str, Path | bytes]) -> Iterator[tuple[str, bytes]]:
    left = MOST_TEXT
    for path, source in sources.items():
        raw = source if isinstance(source, bytes) else source.read_bytes()
        yield path, raw
        left -= len(raw)
        if left <= 0:
            return
