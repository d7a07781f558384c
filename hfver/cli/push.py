"""``hfver push``: do by hand what the hook does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import click

from hfver.cli.answers.releases import Copied, Plan, Pushed, Sent
from hfver.cli.options import allow_same, common, dry_run, private
from hfver.cli.output import Printer, human_bytes
from hfver.cli.tag_completion import complete_tags
from hfver.cli.verify import ShardType
from hfver.errors import EXIT_DONE, UsageError
from hfver.visibility import private_option

if TYPE_CHECKING:
    from hfver.adapters.hub_client import HubClient
    from hfver.model import OutputFile
    from hfver.outbox import Owed
    from hfver.owed import Work
    from hfver.plan import PublishPlan
    from hfver.workspace import Workspace


@click.command()
@click.argument("tags", nargs=-1, metavar="[TAG]...", shell_complete=complete_tags)
@click.option(
    "--all-missing",
    is_flag=True,
    help="Release every version in git that is not on the Hub, waiting for its limits.",
)
@click.option("--shard", type=ShardType(), help="Do every n-th model from the i-th on, for a CI matrix.")
@private
@allow_same
@dry_run
@common(Pushed | Annotated[list[Plan], "with `--dry-run`"])
def push(
    printer: Printer,
    tags: tuple[str, ...],
    all_missing: bool,
    shard: tuple[int, int] | None,
    private: bool | None,
    allow_same: bool,
    dry_run: bool,
) -> int:
    """Release tags, and whatever else is owed.

    Without TAG it does what is in the outbox: tags the hook noticed and that could not be released yet. A tag that is
    released already is left as it is, so this can be run again at any time.

    \b
    Example:
      hfver push                 do what is owed
      hfver push v1.2.0 v1.2.1   release these
      hfver push -n v1.3.0       show what releasing would do
      hfver push --all-missing   release every version that is not on the Hub
    """
    from hfver.cli.owed import hub_to_write
    from hfver.workspace import open_workspace

    if tags and all_missing:
        raise UsageError("name tags or say --all-missing, not both")
    if shard is not None and not all_missing:
        raise UsageError("--shard divides what --all-missing finds; say both")
    with open_workspace(options=private_option(private)) as workspace, hub_to_write(workspace, printer) as hub:
        chosen = _missing(workspace, hub, shard) if all_missing else _existing(workspace, tags)
        if dry_run:
            return _show_plans(workspace, hub, printer, chosen, allow_same=allow_same)
        if all_missing and not chosen:
            printer.data(Pushed([], [], []))
            printer.note("Every version is on the Hub." if shard is None else "No version of this part is missing.")
            return EXIT_DONE
        work = _release(workspace, hub, printer, chosen, allow_same=allow_same, patient=all_missing)
        return _report(printer, work)


def _existing(workspace: Workspace, tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(workspace.repo.tag(tag).name for tag in tags)


def _release(
    workspace: Workspace,
    hub: HubClient,
    printer: Printer,
    tags: Sequence[str],
    *,
    allow_same: bool,
    patient: bool,
) -> Work:
    """These tags, or whatever is owed if there are none."""
    from hfver.cli.owed import announce
    from hfver.owed import do_owed, intend

    intend(workspace, tags, "hfver push")
    names = set(tags)

    def is_meant(owed: Owed) -> bool:
        return not names or owed.name in names

    work = do_owed(workspace, hub, printer, only=is_meant, allow_same=allow_same, patient=patient)
    announce(work.released, hub, printer)
    return work


def _missing(workspace: Workspace, hub: HubClient, shard: tuple[int, int] | None) -> Sequence[str]:
    """Versions that are not on the Hub, those of ``shard`` if it is given.

    A part is made of whole models: a release is committed on top of the one before, so one machine makes all of a line.
    """
    from hfver.alignment import VersionState
    from hfver.survey import survey

    missing = {VersionState.UNPUBLISHED, VersionState.INCOMPLETE, VersionState.PENDING}
    index, count = shard or (1, 1)
    models = survey(workspace, hub)[index - 1 :: count]
    return [item.tag for model in models for item in reversed(model.versions) if item.state in missing]


def _report(printer: Printer, work: Work) -> int:
    from hfver.cli.owed import explain, pushed

    printer.data(pushed(work))
    for step in work.mirrored:
        printer.note(f"{step.repo}: {step.title}")
    if not work.released and not work.mirrored and not work.failed:
        printer.note("Nothing is owed.")
    return explain(printer, work)


def _show_plans(
    workspace: Workspace, hub: HubClient, printer: Printer, tags: Sequence[str], *, allow_same: bool
) -> int:
    from hfver.adapters.git_tree import CommitTree
    from hfver.release import prepare
    from hfver.target import target_of

    names = list(tags) or [owed.name for owed in workspace.outbox.entries().owed if owed.kind == "release"]
    plans = []
    with workspace.repo.reader() as reader:
        for name in names:
            target = target_of(workspace, name)
            tree = CommitTree(workspace.repo, reader, target.tag.commit, name)
            prepared = prepare(workspace, hub, target, tree, printer, allow_same=allow_same)
            plans.append(prepared.plan)
            for warning in prepared.warnings:
                printer.warn(f"{name}: {warning}")
    printer.data(list(map(_answer, plans)), "\n\n".join(map(_plan_text, plans)) or "Nothing is owed.")
    return EXIT_DONE


def _answer(plan: PublishPlan) -> Plan:
    return Plan(
        tag=plan.request.tag.name,
        commit=plan.request.tag.commit,
        repo=plan.request.repo,
        branch=plan.line.branch,
        parent=plan.line.head,
        published=plan.published,
        steps=plan.steps,
        send=[Sent(file.path, file.size, file.md5) for file in plan.add],
        copy=[Copied(file.path, f"{known.revision}:{known.path}") for file, known in plan.copy],
        delete=plan.delete,
        new_bytes=plan.add_bytes,
        known_bytes=plan.known_bytes,
        api_calls=plan.api_calls,
        commits=0 if plan.published or plan.existing_revision else 1,
    )


def _size(file: OutputFile) -> str:
    return "size not known before it is fetched" if file.size is None else human_bytes(file.size)


def _plan_text(plan: PublishPlan) -> str:
    request = plan.request
    head = f"{request.tag.name} ({request.tag.commit[:8]}) to {request.repo}"
    if plan.published:
        return f"{head}: released already, nothing to do"
    lines = [head, *(f"  {number}. {step}" for number, step in enumerate(plan.steps, 1))]
    lines += [f"  + {file.path}  {_size(file)}" for file in plan.add]
    lines += [f"  = {file.path}  {_size(file)}, copied from {known.path}" for file, known in plan.copy]
    lines += [f"  - {path}" for path in plan.delete]
    sure = "" if all(file.size is not None for file in plan.add) else "at least "
    lines.append(f"  {sure}{human_bytes(plan.add_bytes)} to send, {human_bytes(plan.known_bytes)} on the Hub already")
    return "\n".join(lines)
