"""From a git tag to a release on the Hub: the shell around plan and publish.

It gathers what the plan is made of (git objects, DVC's list of files, the Hub's state, the configuration at the tag's
commit), shows the plan or executes it, and plans again when somebody else was faster.
"""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hfver.adapters.git_tree import CommitTree
from hfver.errors import ConflictError, IntegrityError, StateError
from hfver.experiments.run_facts import RunFacts
from hfver.hub_state import HubState, PublishedRelease
from hfver.hub_view import read_hub_state, read_receipt
from hfver.mirror.owed import configs_revision
from hfver.mirror.secret_scan import without_secrets
from hfver.model import Output, OutputFile, OutputPointer
from hfver.outputs.at_commit import output_at
from hfver.outputs.checks import check_content
from hfver.outputs.resolve import DirSource
from hfver.paths import CARD_PATH, name_problems
from hfver.plan import (
    ForeignChanges,
    KnownContent,
    PublishPlan,
    ReleaseRequest,
    existing_release,
    plan_publish,
)
from hfver.publish import CardTexts, Checkpoint, Outcome, StaleParentError, execute
from hfver.receipt import Receipt
from hfver.release_content import ReleaseContent
from hfver.release_facts import release_facts
from hfver.release_secrets import again_hints, baseline_of, inspector, refuse_release, without_secrets_in
from hfver.reporting import Reporter
from hfver.retries import patiently
from hfver.sources import dir_object_of
from hfver.state import Content
from hfver.target import Target
from hfver.topology import Line, choose_line, nearest_releases
from hfver.versions import Scheme, parse, release_branch
from hfver.visibility import mention_private, require_private

if TYPE_CHECKING:
    from hfver.adapters.hub_client import HubClient
    from hfver.config.settings import Config
    from hfver.workspace import Workspace

log = logging.getLogger(__name__)

# Every time somebody else commits first we plan again; so many others in a row are no race but a loop.
MOST_RACES = 25


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with what executing it needs besides."""

    plan: PublishPlan
    content: ReleaseContent | None  # None when the release is there already
    base: Receipt | None
    warnings: tuple[str, ...]


def prepare(
    workspace: Workspace, hub: HubClient, target: Target, tree: CommitTree, reporter: Reporter, *, allow_same: bool
) -> Prepared:
    """Plan the release of one model; everything that can be wrong with its content is said here."""
    repo = target.model.repo
    state = read_hub_state(hub, repo, workspace.state)
    existing = existing_release(target.tag, repo, state)
    if state.exists and (existing is None or not existing.tagged):
        check_visibility(workspace, hub, repo, target.config, reporter)
    if existing is not None:
        # Nothing of the model is needed any more, and nobody has to have its bytes.
        request = _request(workspace, target, _NOTHING, RunFacts(), allow_same=allow_same)
        line = Line(existing.branch, existing.revision)
        plan = PublishPlan(request, line, published=existing.tagged, existing_revision=existing.revision)
        return Prepared(plan, None, None, ())
    require_repo(state, target.config)
    line = _line(workspace, target, state)
    base = _base_receipt(workspace, hub, repo, line)
    output, content = _content_of(workspace, hub, state, target, tree, reporter)
    warnings = check_output(output, content)
    refuse_release(tree, target, output, line.branch, workspace.state)
    built_on = (line.base.revision, base) if line.base is not None and base is not None else None
    found = release_facts(tree, target.config, output, content, hub=hub, repo=repo, base=built_on)
    facts, hidden = without_secrets_in(found)
    # A release candidate becomes the final version unchanged: that is what it is for.
    same = allow_same or (line.base is not None and _is_prerelease(target, line.base))
    request = _request(workspace, target, output, facts, allow_same=same)
    plan = plan_publish(
        request,
        state,
        line,
        base,
        foreign=_foreign_changes(hub, repo, line, base),
        known=_content_on_hub(workspace, hub, state, content, output.files),
        doubtful=content.contradicted(base.files) if base is not None else (),
    )
    return Prepared(plan, content, base, (*warnings, *facts.problems, *hidden))


def require_repo(state: HubState, config: Config) -> None:
    """StateError when the repository is missing and may not be created."""
    if not state.exists and not config.auto_create:
        raise StateError(
            f"{state.repo} does not exist on the Hub, and repository.auto_create is false",
            hints=[f"hf repos create {state.repo}"],
        )


def check_visibility(workspace: Workspace, hub: HubClient, repo: str, config: Config, reporter: Reporter) -> None:
    """Before work is done for a repository that is there: RefusedError when it is to be private and is not."""
    if config.private:
        require_private(hub, repo)
    else:
        mention_private(hub, repo, workspace.state, reporter)


_NOTHING = Output(OutputPointer("", None, ""), ())


def _request(
    workspace: Workspace, target: Target, output: Output, facts: RunFacts, *, allow_same: bool
) -> ReleaseRequest:
    return ReleaseRequest(
        tag=target.tag,
        version=str(target.version),
        repo=target.model.repo,
        name=target.model.name,
        private=target.config.private,
        output=output,
        remote=without_secrets(workspace.repo.remote_url() or "") or None,
        params=facts.params,
        metrics=facts.metrics,
        configs=configs_revision(target.config, target.model, target.tag.name),
        tools=tool_versions(),
        allow_same=allow_same,
    )


def _base_receipt(workspace: Workspace, hub: HubClient, repo: str, line: Line) -> Receipt | None:
    """What the release builds on; the digests it knows are remembered."""
    if line.base is None:
        return None
    base = read_receipt(hub, repo, line.base.revision, workspace.state, tree=line.base.trailers.tree)
    if base is not None:
        workspace.state.learn_content(
            Content(file.md5, file.size, file.sha256) for file in base.files if file.size is not None and file.sha256
        )
    return base


def _content_of(
    workspace: Workspace, hub: HubClient, state: HubState, target: Target, tree: CommitTree, reporter: Reporter
) -> tuple[Output, ReleaseContent]:
    output = output_at(workspace, tree, target.model.path, lost_dir_object(workspace, hub, state))
    dvc, block_size = workspace.dvc(output.pointer.dvc_root), target.config.settings.upload.chunk_size
    content = ReleaseContent(
        output,
        dvc,
        tree,
        workspace.state,
        reporter,
        block_size,
        elsewhere=lambda: workspace.other_dvc(output.pointer.dvc_root),
    )
    return replace(output, files=content.sized(output.files)), content


def lost_dir_object(workspace: Workspace, hub: HubClient, state: HubState) -> DirSource:
    """The list of files of a directory that DVC's cache and remotes lost, made again from a release of it."""

    def rebuild(pointer: OutputPointer) -> bytes | None:
        for release in state.releases():
            receipt = _receipt_of(workspace, hub, state.repo, release)
            if receipt is not None and receipt.md5 == pointer.md5:
                return dir_object_of(receipt, pointer)
        return None

    return rebuild


def _receipt_of(workspace: Workspace, hub: HubClient, repo: str, release: PublishedRelease) -> Receipt | None:
    """None as well for a release whose receipt is not the one its commit names: others may do."""
    try:
        return read_receipt(hub, repo, release.revision, workspace.state, tree=release.trailers.tree)
    except IntegrityError as error:
        log.warning("%s", error.message)
        return None


def _content_on_hub(
    workspace: Workspace, hub: HubClient, state: HubState, content: ReleaseContent, files: Sequence[OutputFile]
) -> dict[str, KnownContent]:
    """Where on the Hub the content of files is that no place here has; releases are asked newest first."""
    wanted = {file.md5 for file in content.not_at_hand(files)}
    found: dict[str, KnownContent] = {}
    for release in state.releases() if wanted else ():
        receipt = _receipt_of(workspace, hub, state.repo, release)
        offered = [file for file in receipt.files if file.md5 in wanted] if receipt is not None else []
        doubtful = content.contradicted(offered)
        for file in offered:
            if file.path not in doubtful and file.size is not None and file.sha256 is not None:
                found.setdefault(file.md5, KnownContent(file.path, release.revision, file.size, file.sha256))
                workspace.state.learn_content([Content(file.md5, file.size, file.sha256)])
        if len(found) == len(wanted):
            break
    return found


def check_output(output: Output, content: ReleaseContent) -> tuple[str, ...]:
    """Warnings about what is to be published; IntegrityError for what cannot or must not be."""
    problems = name_problems(file.path for file in output.files)
    findings = check_content(output.files, content.read_small)
    errors = [f"{problem.path!r} {problem.reason}" for problem in problems if problem.fatal] + list(findings.errors)
    if errors:
        raise IntegrityError(f"{output.path} cannot be published:\n  " + "\n  ".join(errors))
    return (*(f"{problem.path!r} {problem.reason}" for problem in problems), *findings.warnings)


def _line(workspace: Workspace, target: Target, state: HubState) -> Line:
    releases = [release for release in state.releases() if _is_of(target, release)]
    commits = {release.trailers.commit for release in releases if release.trailers.commit}
    graph: Mapping[str, tuple[str, ...]] = {}
    if commits and target.tag.commit not in commits:
        graph = workspace.repo.commit_graph([target.tag.commit])
    nearest = nearest_releases(target.tag.commit, releases, graph)
    if not nearest and releases and workspace.repo.is_shallow:
        raise StateError(
            f"this clone is shallow: which release {target.tag.name} follows cannot be told",
            hints=["git fetch --unshallow --tags"],
        )
    if target.version.scheme is Scheme.SEMANTIC:
        branch = release_branch(target.version)
    else:
        branch = f"release/{workspace.repo.branch() or 'detached'}"
    return choose_line(state, nearest, branch, fallback=f"release/{target.tag.name}")


def _is_prerelease(target: Target, release: PublishedRelease) -> bool:
    version = parse(release.tag, target.config.formats, target.model.tag_prefix)
    return version is not None and version.is_prerelease


def _is_of(target: Target, release: PublishedRelease) -> bool:
    return parse(release.tag, target.config.formats, target.model.tag_prefix) is not None


def _foreign_changes(hub: HubClient, repo: str, line: Line, base: Receipt | None) -> ForeignChanges:
    """What people's commits on top of the base release changed; two listings, only when there are such commits."""
    if line.head is None or (line.base is not None and line.head == line.base.revision):
        return ForeignChanges()
    now = {path: entry.blob for path, entry in hub.tree(repo, line.head).items()}
    if line.base is None or base is None:
        return ForeignChanges(touched=frozenset(now))
    then = {path: entry.blob for path, entry in hub.tree(repo, line.base.revision).items()}
    touched = frozenset(path for path, blob in now.items() if then.get(path) != blob)
    return ForeignChanges(touched, gone=frozenset(then.keys() - now.keys()))


def tool_versions() -> dict[str, str]:
    names = ("hfver", "dvc", "huggingface_hub")
    return {name: ".".join(importlib.metadata.version(name).split(".")[:2]) for name in names}


def release(
    workspace: Workspace,
    hub: HubClient,
    target: Target,
    reporter: Reporter,
    *,
    allow_same: bool = False,
    checkpoint: Checkpoint = lambda _step: None,
) -> Outcome:
    """Publish one model of a tag, or find that it is published. Safe to run again at any point."""
    upload = target.config.settings.upload
    with workspace.repo.reader() as reader:
        tree = CommitTree(workspace.repo, reader, target.tag.commit, target.tag.name)

        def attempt() -> Outcome:
            return _race(workspace, hub, target, tree, reporter, allow_same=allow_same, checkpoint=checkpoint)

        return patiently(attempt, retries=upload.max_retries, delay=upload.retry_delay, notify=reporter.warn)


def _race(
    workspace: Workspace,
    hub: HubClient,
    target: Target,
    tree: CommitTree,
    reporter: Reporter,
    *,
    allow_same: bool,
    checkpoint: Checkpoint,
) -> Outcome:
    for _ in range(MOST_RACES):
        prepared = prepare(workspace, hub, target, tree, reporter, allow_same=allow_same)
        log.debug("%s: %s", target.tag.name, "; ".join(prepared.plan.steps) or "released already, nothing to do")
        try:
            outcome = execute(
                prepared.plan,
                hub,
                prepared.content,
                lambda hashed, prepared=prepared: make_card(hub, target, tree, prepared, hashed),  # type: ignore[misc]
                inspect=inspector(
                    prepared.plan.request.output, target.model.repo, baseline_of(tree), again_hints(target.tag.name)
                ),
                checkpoint=checkpoint,
            )
        except StaleParentError:
            log.info("%s: somebody else committed first, planning again", target.model.repo)
            continue
        log.debug("%s is revision %s of %s", outcome.tag, outcome.revision, outcome.repo)
        return replace(outcome, warnings=(*prepared.warnings, *outcome.warnings))
    raise ConflictError(
        f"{target.model.repo}: the branch moved {MOST_RACES} times while {target.tag.name} was being released",
        hints=[f"hfver push {target.tag.name}"],
    )


def make_card(
    hub: HubClient, target: Target, tree: CommitTree, prepared: Prepared, hashed: Mapping[str, Content]
) -> CardTexts:
    """The card of a release whose output brings none."""
    from hfver.cards.release import LARGEST_CARD, LARGEST_TEMPLATE, card_input, card_texts

    repo, name = target.model.repo, target.config.model_card.template
    template = tree.read(name, LARGEST_TEMPLATE) if name else None
    if name and template is None:
        raise StateError(f"model_card.template names {name}, which is not in git at {tree.label}")
    text = template.decode("utf-8", "replace") if template is not None else None
    card = card_input(prepared.plan, target.model, target.config, hashed, text)
    return card_texts(
        card, prepared.plan, prepared.base, lambda revision: hub.read(repo, revision, CARD_PATH, limit=LARGEST_CARD)
    )
