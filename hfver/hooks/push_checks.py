"""What pre-push looks at before anything leaves this machine. Each check answers with errors to show, or nothing.

    configuration   both files, at every pushed commit
    secrets         in what the mirror would send of them
    released        every pushed version tag is a release, of the very commit
    bytes           the outputs that pushed commits bring are on the DVC remote, or are a release

Nothing is published from here: git runs pre-push for dry runs and for pushes that are refused afterwards, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from hfver.errors import ConfigError, HfverError, IntegrityError, RefusedError
from hfver.hooks.pushed_refs import TAGS, PushedRef
from hfver.hooks.repo import HookRepo
from hfver.hooks.seen import SeenRefs
from hfver.hooks.settings import HookSettings
from hfver.outbox import Outbox

if TYPE_CHECKING:
    from hfver.adapters.dvc_outputs import DvcProject
    from hfver.adapters.git_tree import CommitTree
    from hfver.config.memory import ConfigMemory
    from hfver.config.settings import Config
    from hfver.mirror.plan import GitFile
    from hfver.mirror.secret_scan import SearchMemory
    from hfver.model import Output, OutputPointer

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Pushed:
    """A pushed ref with the commit it leads to, and the one it leads to on the other side, if that is known here."""

    ref: PushedRef
    commit: str
    remote_commit: str | None
    settings: HookSettings

    @property
    def name(self) -> str:
        return self.ref.tag or self.ref.branch or self.ref.ref

    @property
    def is_version(self) -> bool:
        return self.ref.tag is not None and self.settings.version(self.ref.tag) is not None

    @property
    def is_mirrored(self) -> bool:
        patterns = self.settings.mirror_branches
        return self.is_version or any(fnmatchcase(self.ref.branch or "", pattern) for pattern in patterns)


# -- configuration and secrets ----------------------------------------------------------------------------------------


def check_configuration(tree: CommitTree, environ: dict[str, str], memory: ConfigMemory) -> Config | HfverError | None:
    """The configuration at a pushed commit, the error that names everything wrong with it, or None without one."""
    from hfver.config.load import load_revision
    from hfver.config.problems import MissingConfigError

    try:
        return load_revision(tree.read, environ=environ, label=tree.label, memory=memory)
    except MissingConfigError:
        return None
    except ConfigError as error:
        return ConfigError(error.message, hints=[*error.hints, "hfver validate-config"])


def check_secrets(tree: CommitTree, files: Collection[GitFile], memory: SearchMemory) -> HfverError | None:
    """Secrets in these files of a commit."""
    from hfver.mirror.secret_scan import refusal_of
    from hfver.release_secrets import file_findings

    found = file_findings(tree, files, memory)
    return refusal_of(found, "not sent to the configs repository, which would get it next: ")


# -- released ---------------------------------------------------------------------------------------------------------

AskHub = Callable[[Sequence[Pushed]], Mapping[str, str] | None]
"""The commits of these versions' releases, by tag, as the Hub has them; None when it cannot be asked."""


def check_released(
    repo: HookRepo, pushed: Sequence[Pushed], ask_hub: AskHub
) -> tuple[list[HfverError], Sequence[Pushed]]:
    """Errors for version tags that are no release yet, or the release of another commit; and the tags nobody knows of.

    What this clone released or owes is known here; only for other tags is the Hub asked. A Hub that is down keeps
    nobody from pushing what may well be released.
    """
    released = SeenRefs(repo.common_dir).pairs("released")
    owed = {(entry.ref, entry.oid): entry.last_error for entry in Outbox(repo.common_dir).entries().owed}
    waiting = [item for item in pushed if _key(item) in owed]
    unknown = [item for item in pushed if _key(item) not in owed and _key(item) not in released]
    commits = ask_hub(unknown) if unknown else {}
    errors: list[HfverError] = []
    missing = [(item, owed[_key(item)]) for item in waiting]
    for item in unknown if commits is not None else ():
        commit = (commits or {}).get(item.name)
        if commit is None:
            missing.append((item, None))
        elif commit != item.commit:
            errors.append(
                RefusedError(
                    f"{item.name} is commit {item.commit[:12]} here, but it was released from {commit[:12]}",
                    hints=[f"hfver verify {item.name}", "hfver bump patch makes a new version"],
                )
            )
    return [*_unreleased(missing), *errors], unknown if commits is None else ()


def _key(item: Pushed) -> tuple[str, str]:
    return TAGS + item.name, item.ref.oid


def _unreleased(missing: Sequence[tuple[Pushed, str | None]]) -> Iterator[RefusedError]:
    if len(missing) > _SHOWN:
        names = _listed([item.name for item, _ in missing])
        yield RefusedError(f"{len(missing)} versions are not released yet: {names}", hints=["hfver push --all-missing"])
        return
    for item, last_error in missing:
        why = f" (last attempt: {last_error})" if last_error else ""
        yield RefusedError(f"{item.name} is not released yet{why}", hints=[f"hfver push {item.name}"])


# -- bytes ------------------------------------------------------------------------------------------------------------


def check_bytes(
    tree: CommitTree,
    before: Sequence[CommitTree],
    project_of: Callable[[str], DvcProject],
    is_released: Callable[[Output], bool],
) -> Iterator[HfverError]:
    """Outputs that are new in this push and neither on the DVC remote nor a release: the forgotten `dvc push`.

    A project without a DVC remote has nothing to forget; its models travel as releases.
    """
    from hfver.outputs.resolve import list_outputs

    known = {_identity(pointer) for known_tree in before for pointer in list_outputs(known_tree).pointers}
    for pointer in list_outputs(tree).pointers:
        if pointer.md5 is None or not (pointer.cached and pointer.pushed) or _identity(pointer) in known:
            continue
        project = project_of(pointer.dvc_root)
        if pointer.remote is None and project.settings.default_remote is None:
            continue
        missing = _missing(project, tree, pointer, is_released)
        if missing:
            place = pointer.remote or project.settings.default_remote
            verb = "is" if len(missing) == 1 else "are"
            yield RefusedError(
                f"{pointer.path} at {tree.label}: {_listed(missing)} {verb} not on the DVC remote {place!r}",
                hints=[f"dvc push {pointer.stage or pointer.pointer_file}"],
            )


def _missing(
    project: DvcProject, tree: CommitTree, pointer: OutputPointer, is_released: Callable[[Output], bool]
) -> Collection[str]:
    """Paths of what others could not get; the output itself when that is all of it."""
    from hfver.outputs.resolve import load_output

    assert pointer.md5 is not None
    absent = project.absent([pointer.md5], hash_name=pointer.hash_name, remote=pointer.remote)
    if absent and not project.cache.has(pointer.md5, pointer.hash_name):
        return [pointer.path]
    sources = [project.cache.read_dir_object, project.read_remote_dir_object]
    try:
        output = load_output(tree, pointer, sources)
    except IntegrityError:
        return [pointer.path]
    # DVC sends the object that lists a directory last; a remote that was collected can have it and lack files.
    names = {file.md5: file.path for file in output.files}
    lost = absent if not pointer.is_dir else project.absent(names, hash_name=pointer.hash_name, remote=pointer.remote)
    if not (absent or lost) or is_released(output):
        return []
    return [pointer.path] if absent else [names[md5] for md5 in lost]


def _identity(pointer: OutputPointer) -> tuple[str, str | None]:
    return pointer.path, pointer.md5


def _listed(names: Collection[str]) -> str:
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(sorted(names)[:_SHOWN]) + rest
