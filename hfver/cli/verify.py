"""``hfver verify`` and ``hfver repair``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from hfver.cli.answers import releases as answers
from hfver.cli.answers.releases import Repaired, Verified
from hfver.cli.options import common, dry_run, yes
from hfver.cli.output import Printer, Table, counted, human_bytes
from hfver.cli.project import warn_of_unseen
from hfver.cli.status import STYLES
from hfver.cli.tag_completion import complete_tags
from hfver.errors import EXIT_DONE, EXIT_DRIFT, UsageError

if TYPE_CHECKING:
    from hfver.adapters.hub_client import HubClient
    from hfver.repair import Repair, RepairPlan
    from hfver.survey import ModelSurvey
    from hfver.verify import Proof
    from hfver.workspace import Workspace


class ShardType(click.ParamType[tuple[int, int]]):
    """``2/5``: the second of five parts."""

    name = "i/n"

    def convert(
        self, value: str | tuple[int, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(\d+)/(\d+)", value)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            self.fail(f"{value!r} is not i/n with 1 <= i <= n", param, ctx)
        return int(found[1]), int(found[2])


shard_option = click.option("--shard", type=ShardType(), help="Do part i of n of the versions, for a CI matrix.")


@click.command()
@click.argument("versions", nargs=-1, metavar="[VERSION]...", shell_complete=complete_tags)
@click.option("--deep", is_flag=True, help="Download every file and hash it.")
@shard_option
@common(Verified)
def verify(printer: Printer, versions: tuple[str, ...], deep: bool, shard: tuple[int, int] | None) -> int:
    """Prove that git, DVC and the Hub agree, or say exactly where not.

    Without VERSION every version is proved. No weights are downloaded unless --deep is given: large files are compared
    by the sha256 in the Hub's listing, small ones by their git blob ids. Exit code 3 when anything has drifted.

    \b
    Example:
      hfver verify                  every version
      hfver verify v1.2.0 --deep    one, byte by byte
      hfver verify --shard 1/4      a quarter of them, for one of four CI jobs
    """
    from hfver.hub_session import open_hub
    from hfver.survey import survey
    from hfver.workspace import open_workspace

    with open_workspace() as workspace, open_hub(workspace.config.endpoint, workspace.environ) as hub:
        found = survey(workspace, hub)
        known = [item.tag for model in found for item in model.versions]
        if unknown := set(versions) - set(known):
            raise UsageError(f"no such version: {', '.join(sorted(unknown))}", hints=["hfver status"])
        warn_of_unseen(printer, workspace, [model.repo for model in found if not model.hub.exists])
        chosen = _part(versions or known, shard)
        proofs = _prove(printer, workspace, hub, found, chosen, deep=deep) if chosen else []
    drift = any(proof.problems for proof in proofs)
    empty = f"part {shard[0]} of {shard[1]} has no versions" if shard and known else "no versions to verify"
    printer.data(Verified(list(map(_answer, proofs)), drift), _table(proofs, empty))
    for proof in proofs if not printer.as_json else ():
        for problem in proof.problems:
            printer.warn(f"{proof.tag}: {problem}")
    return EXIT_DRIFT if drift else EXIT_DONE


def _part(versions: Sequence[str], shard: tuple[int, int] | None) -> Sequence[str]:
    from hfver.verify import shard as part_of

    return versions if shard is None else part_of(versions, *shard)


def _prove(
    printer: Printer,
    workspace: Workspace,
    hub: HubClient,
    found: Sequence[ModelSurvey],
    chosen: Sequence[str],
    *,
    deep: bool,
) -> list[Proof]:
    from hfver.verify import verify_model

    proofs = []
    with printer.progress("Verifying", len(chosen), unit="versions") as bar:
        for model, surveyed in zip(workspace.config.models, found, strict=True):
            for proof in verify_model(workspace, hub, model, surveyed, only=chosen, deep=deep):
                proofs.append(proof)
                bar.advance(1)
    return proofs


def _answer(proof: Proof) -> answers.Proof:
    return answers.Proof(proof.tag, proof.state, proof.commit, proof.revision, proof.files, proof.size, proof.problems)


def _table(proofs: list[Proof], empty: str) -> Table:
    rows = [
        [
            proof.tag,
            str(proof.state),
            (proof.commit or "-")[:8],
            (proof.revision or "-")[:8],
            str(proof.files) if proof.files else "-",
            human_bytes(proof.size) if proof.size else "-",
        ]
        for proof in proofs
    ]
    return Table(["VERSION", "STATE", "GIT", "HUB", "FILES", "SIZE"], rows, STYLES, empty=empty)


@click.command()
@yes
@dry_run
@common(Repaired)
def repair(printer: Printer, yes: bool, dry_run: bool) -> int:
    """Mend what can be mended: finish what is owed, put lost Hub tags back.

    Prints its plan first and asks. Never overwrites anything that is published.

    \b
    Example:
      hfver repair --dry-run
      hfver repair --yes
    """
    from hfver.cli.owed import explain, pushed, release_now
    from hfver.cli.question import confirm
    from hfver.hub_session import open_hub
    from hfver.owed import Work
    from hfver.repair import plan_repair
    from hfver.survey import survey
    from hfver.workspace import open_workspace

    with open_workspace() as workspace:
        with open_hub(workspace.config.endpoint, workspace.environ) as hub:
            found = survey(workspace, hub)
        plan = plan_repair([item for model in found for item in model.versions])
        printer.show(_plan_text(plan))
        work = Work()
        if plan.mend and not dry_run:
            confirm(f"Mend {counted(len(plan.mend), 'version')}?", yes=yes)
            work = release_now(workspace, printer, [item.tag for item in plan.mend])
    done = pushed(work)
    printer.data(Repaired(_repairs(plan.mend), _repairs(plan.beyond), done.released, done.failed))
    return explain(printer, work) or (EXIT_DRIFT if plan.beyond else EXIT_DONE)


def _repairs(items: Sequence[Repair]) -> list[answers.Repair]:
    return [answers.Repair(item.tag, item.state, item.action) for item in items]


def _plan_text(plan: RepairPlan) -> str:
    lines = [f"{item.tag} ({item.state}): {item.action}" for item in plan.mend]
    lines += [f"{item.tag} ({item.state}): not mended; {item.action}" for item in plan.beyond]
    return "\n".join(lines) or "Nothing to mend."
