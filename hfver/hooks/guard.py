"""Refuse a tag that could never be released, while it can still be taken back without a trace.

Asked in `prepared`, when the tag does not exist yet. Local facts only, no network; whatever is in doubt, unknown or
broken allows. Runs only for a deliberate `git tag`: a refused ref in a fetch would take the whole fetch with it.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from hfver.errors import ConfigError, HfverError, IntegrityError, RefusedError, StateError
from hfver.hooks.intent import RefChange
from hfver.hooks.repo import HookRepo
from hfver.hooks.seen import SeenRefs
from hfver.hooks.settings import HookSettings, settings_at

if TYPE_CHECKING:
    from hfver.adapters.git_tree import CommitTree
    from hfver.config.memory import ConfigMemory
    from hfver.config.settings import Config
    from hfver.mirror.secret_scan import Finding, SearchMemory
    from hfver.model import OutputPointer

Result = TypeVar("Result")

log = logging.getLogger(__name__)
_MOST_SEARCHED = 2 * 1024 * 1024  # bytes of configurations


def refusal(repo: HookRepo, change: RefChange) -> HfverError | None:
    """Why this tag must not be made, or None."""
    try:
        return _refusal(repo, change)
    except Exception:
        log.debug("the tag guard failed, so it allows %s", change.tag, exc_info=True)
        return None


def _refusal(repo: HookRepo, change: RefChange) -> HfverError | None:
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
    title = _secret_in_title(repo, change, commit)
    return title or _moved(repo, change, commit) or _unreleasable(repo, settings, change.tag, commit)


def _secret_in_title(repo: HookRepo, change: RefChange, commit: str) -> RefusedError | None:
    """A release is titled by its tag's message, by the commit's for a lightweight tag; there is no tag to ask yet."""
    from hfver.mirror.secret_scan import find, in_title, refusal_of
    from hfver.model import Tag

    is_annotated = change.new != commit
    said = repo.ask("cat-file", "tag" if is_annotated else "commit", change.new) or ""
    tag = Tag(change.tag, commit, change.new if is_annotated else None, _subject(said))
    another = f"git tag --annotate --message 'another message' {change.tag}"
    if find(change.tag) is not None:
        hints = ["choose another name for the version"]
    elif is_annotated:
        hints = [another]
    else:
        hints = ["git commit --amend gives the commit another, as long as it is not pushed"]
        hints += [f"or let the tag have a message of its own: {another}"]
    return refusal_of(in_title(tag), hints=hints)


def _subject(raw: str) -> str:
    """The first paragraph of a commit's or tag's message, as git stores it."""
    _, _, message = raw.partition("\n\n")
    return re.split(r"\n[ \t]*\n", message.strip())[0]


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


def _unreleasable(repo: HookRepo, settings: HookSettings, tag: str, commit: str) -> HfverError | None:
    """What a release of this commit would stop at, as far as it can be told from here."""
    from hfver.adapters.git_repo import GitRepo
    from hfver.adapters.git_tree import CommitTree
    from hfver.mirror.secret_scan import refusal_of
    from hfver.state import open_state

    git = GitRepo(repo.top, repo.git_dir, repo.common_dir)
    with git.reader() as reader, open_state(repo.common_dir) as state:
        tree = CommitTree(git, reader, commit, commit[:12])
        config = _first_error(lambda: _config(tree, state))
        if config is None or isinstance(config, HfverError):
            return config
        secret = refusal_of(_secrets_in_configs(tree, config, state), hints=[f"then commit, and git tag {tag}"])
        if secret is not None:
            return secret
        found = config.version_of(tag)
        pointer = _first_error(lambda: _pointer(tree, found[0].path if found is not None else None))
        if pointer is None or isinstance(pointer, HfverError):
            return pointer
        return None if _may_be_released(repo, settings) else _bytes_nowhere(repo, tree, pointer)


def _secrets_in_configs(tree: CommitTree, config: Config, memory: SearchMemory) -> list[Finding]:
    """Keys of known form in the files that are mirrored with a release; the full search takes too long for a hook."""
    from hfver.mirror.plan import CONFIGS, mirrored_files, mirrors_releases
    from hfver.mirror.secret_scan import BASELINE, baseline_at, clean_key, in_files

    if not mirrors_releases(config):
        return []
    baseline = baseline_at(tree.top, tree.read(BASELINE))
    files = {name: file for name, file in mirrored_files(tree.entries, config).items() if name.startswith(CONFIGS)}
    keys = {file.path: clean_key(file.path, file.oid, baseline) for file in files.values()}
    known = memory.known_clean(list(keys.values()))
    left = _MOST_SEARCHED
    contents = []
    for path in (path for path, key in keys.items() if key not in known):
        if left > 0:
            raw = tree.read(path) or b""
            contents.append((path, raw))
            left -= len(raw)
    return in_files(contents, baseline)


def _first_error(work: Callable[[], Result]) -> Result | HfverError:
    """The result, or the error a release would end in."""
    try:
        return work()
    except (ConfigError, StateError) as error:
        return error


def _config(tree: CommitTree, memory: ConfigMemory) -> Config | None:
    from hfver.config.load import load_revision
    from hfver.config.problems import MissingConfigError

    try:
        return load_revision(tree.read, environ=os.environ, label=tree.label, memory=memory)
    except MissingConfigError:
        return None  # a commit from before the project used hfver: the work tree's configuration is used


def _pointer(tree: CommitTree, path: str | None) -> OutputPointer | None:
    from hfver.outputs.resolve import list_outputs, resolve_pointer

    outputs = list_outputs(tree)
    if outputs.templated:
        return None  # only DVC itself can tell
    if path is not None:
        return resolve_pointer(tree, path)
    return outputs.pointers[0] if len(outputs.pointers) == 1 else None


def _may_be_released(repo: HookRepo, settings: HookSettings) -> bool:
    """Whether there is any version yet: the Hub may then have the bytes, and asking it is not for here."""
    tags = (repo.ask("for-each-ref", "--format=%(refname:strip=2)", "refs/tags") or "").split("\n")
    return any(settings.version(tag) is not None for tag in tags)


def _bytes_nowhere(repo: HookRepo, tree: CommitTree, pointer: OutputPointer) -> HfverError | None:
    """Bytes that are not in DVC's cache, and there is no DVC remote that could have them."""
    from hfver.adapters.dvc_outputs import DvcProject
    from hfver.outputs.resolve import load_output

    if not pointer.cached or pointer.files is not None or repo.bare:
        return None
    project = DvcProject.find(repo.top, pointer.dvc_root)
    if project.settings.remote_names:
        return None
    try:
        output = load_output(tree, pointer, [project.cache.read_dir_object])
    except IntegrityError as error:
        return error
    missing = project.cache.missing(output.files, pointer.hash_name)
    if not missing:
        return None
    names = ", ".join(file.path for file in missing[:3]) + (", ..." if len(missing) > 3 else "")
    return RefusedError(
        f"{len(missing)} of {len(output.files)} files of {pointer.path} are nowhere to be had ({names}): "
        "not in DVC's cache, and there is no DVC remote",
        hints=[f"dvc commit {pointer.path} if they are in the work tree", "dvc remote add -d NAME URL and dvc pull"],
    )
