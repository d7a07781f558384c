"""A release of a directory that is in no git repository: the same plan and the same steps, its receipt says no commit.

There is no history to follow, so it goes behind the newest release on main.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hfver.cards.release import LARGEST_CARD, card_input, card_texts
from hfver.checkout.scan import files_of_model
from hfver.errors import ConflictError, IntegrityError, UsageError
from hfver.experiments.run_facts import RunFacts
from hfver.hashing import hash_file
from hfver.hub_state import MAIN
from hfver.hub_view import read_hub_state, read_receipt
from hfver.mirror.owed import configs_revision
from hfver.mirror.secret_scan import baseline_at, in_texts, refuse_secrets
from hfver.model import Output, OutputFile, OutputPointer, Tag
from hfver.outputs.dir_object import directory_id
from hfver.paths import CARD_PATH, name_problems
from hfver.plan import PublishPlan, ReleaseRequest, plan_publish
from hfver.publish import CardTexts, Located, Outcome, StaleParentError, execute
from hfver.receipt import Receipt
from hfver.release import MOST_RACES, check_visibility, require_repo, tool_versions
from hfver.release_secrets import card_findings, inspector, name_findings, without_secrets_in
from hfver.retries import patiently
from hfver.state import Content
from hfver.topology import choose_line

if TYPE_CHECKING:
    from hfver.adapters.hub_client import HubClient
    from hfver.config.settings import Config, ModelConfig
    from hfver.reporting import Reporter
    from hfver.workspace import Workspace


class DirectoryContent:
    """The files of a directory, hashed once, as a source of content."""

    def __init__(self, place: Path, chunk: int) -> None:
        self.place = place
        listed = files_of_model(place)
        if not listed:
            raise UsageError(f"{place} holds no files")
        self._located: dict[str, Located] = {}
        self._hashed: dict[str, Content] = {}
        files = []
        for path, file in listed.items():
            found = hash_file(file, chunk=chunk)
            self._located[found.md5] = Located(file, found.size, found.sha256)
            self._hashed[found.md5] = Content(found.md5, found.size, found.sha256)
            files.append(OutputFile(path, found.md5, found.size, found.sha256))
        self.files = tuple(sorted(files, key=lambda file: file.path))

    def locate(self, files: Sequence[OutputFile]) -> Mapping[str, Located]:
        return {file.md5: self._located[file.md5] for file in files}

    @contextmanager
    def checking(
        self, files: Sequence[OutputFile], located: Mapping[str, Located]
    ) -> Iterator[Callable[[Mapping[str, str]], Mapping[str, Content]]]:
        def contents(sent: Mapping[str, str]) -> Mapping[str, Content]:
            for file in files:
                if sent.get(file.path, file.sha256) != file.sha256:
                    raise IntegrityError(
                        f"{self.place / file.path} changed while it was sent; nothing was published",
                        hints=["the same again, once nothing writes to it"],
                    )
            return self.digests(files)

        yield contents

    def digests(self, files: Sequence[OutputFile]) -> Mapping[str, Content]:
        return {file.md5: self._hashed[file.md5] for file in files}

    @property
    def md5(self) -> str:
        return directory_id(self.files)


def release_directory(
    workspace: Workspace,
    hub: HubClient,
    content: DirectoryContent,
    model: ModelConfig,
    version: str,
    subject: str,
    facts: RunFacts,
    reporter: Reporter,
    *,
    allow_same: bool = False,
) -> Outcome:
    """Publish a directory as a version. Running it again finishes or finds it."""
    config = workspace.config
    fatal = [
        f"{problem.path!r} {problem.reason}"
        for problem in name_problems(f.path for f in content.files)
        if problem.fatal
    ]
    if fatal:
        raise IntegrityError(f"{content.place} cannot be published:\n  " + "\n  ".join(fatal))
    output = Output(OutputPointer(content.place.name, content.md5, ""), content.files)
    title = in_texts({"the name of the version": version, "the message of the version": subject})
    card = card_findings(config.model_card)
    refuse_secrets([*title, *name_findings(output), *card], model.repo)
    facts, hidden = without_secrets_in(facts)
    for warning in hidden:
        reporter.warn(warning)
    request = ReleaseRequest(
        tag=Tag(version, "", None, subject),
        version=version,
        repo=model.repo,
        name=model.name,
        private=config.private,
        output=output,
        params=facts.params,
        metrics=facts.metrics,
        configs=configs_revision(config, model, version),
        tools=tool_versions(),
        allow_same=allow_same,
    )
    upload = config.settings.upload
    return patiently(
        lambda: _race(workspace, hub, request, content, config, model, reporter), retries=upload.max_retries,
        delay=upload.retry_delay, notify=reporter.warn,
    )  # fmt: skip


def _race(
    workspace: Workspace,
    hub: HubClient,
    request: ReleaseRequest,
    content: DirectoryContent,
    config: Config,
    model: ModelConfig,
    reporter: Reporter,
) -> Outcome:
    for _ in range(MOST_RACES):
        plan, base = _plan(workspace, hub, request, config, reporter)
        try:
            return execute(
                plan,
                hub,
                content,
                lambda hashed: _card(hub, plan, base, model, config, hashed),  # noqa: B023
                inspect=inspector(request.output, request.repo, baseline_at(workspace.repo.top)),
            )
        except StaleParentError:
            continue
    raise ConflictError(f"{request.repo}: {MAIN} moved {MOST_RACES} times while {request.version} was being released")


def _plan(
    workspace: Workspace, hub: HubClient, request: ReleaseRequest, config: Config, reporter: Reporter
) -> tuple[PublishPlan, Receipt | None]:
    state = read_hub_state(hub, request.repo, workspace.state)
    require_repo(state, config)
    newest = state.newest_release(MAIN)
    line = choose_line(state, [newest] if newest is not None else [], MAIN, MAIN)
    base = None
    if line.base is not None:
        named = line.base.trailers.tree
        base = read_receipt(hub, request.repo, line.base.revision, workspace.state, tree=named)
    plan = plan_publish(request, state, line, base)
    if state.exists and not plan.published:
        check_visibility(workspace, hub, request.repo, config, reporter)
    if plan.existing_revision is not None:
        released = read_receipt(hub, request.repo, plan.existing_revision, workspace.state)
        refuse_other_content(request.version, request.output.oid, released)
    return plan, base


def refuse_other_content(version: str, md5: str, released: Receipt | None) -> None:
    """No commit tells whether it is the same model; its content does."""
    if released is None or released.md5 != md5:
        raise ConflictError(
            f"{version} is released already, with another model: {(released.md5 if released else '')[:8]} there, "
            f"{md5[:8]} here",
            hints=["versions never change: choose another --version-tag"],
        )


def _card(
    hub: HubClient,
    plan: PublishPlan,
    base: Receipt | None,
    model: ModelConfig,
    config: Config,
    hashed: Mapping[str, Content],
) -> CardTexts:
    card = card_input(plan, model, config, hashed, None)
    repo = plan.request.repo
    return card_texts(card, plan, base, lambda revision: hub.read(repo, revision, CARD_PATH, limit=LARGEST_CARD))
