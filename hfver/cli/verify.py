"""``hfver verify`` and ``hfver repair``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from hfver.cli.completion import complete_tags
from hfver.cli.options import common, dry_run, yes
from hfver.cli.output import Printer, Table, human_bytes
from hfver.cli.status import STYLES
from hfver.errors import EXIT_DONE, EXIT_DRIFT, UsageError

if TYPE_CHECKING:
    from hfver.repair import RepairPlan
    from hfver.verify import Proof


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
@common
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
    from hfver.verify import shard as part_of
    from hfver.verify import verify_model
    from hfver.workspace import open_workspace

    proofs: list[Proof] = []
    with open_workspace() as workspace, open_hub(workspace.config.endpoint, workspace.environ) as hub:
        found = survey(workspace, hub)
        known = [item.tag for model in found for item in model.versions]
        if unknown := set(versions) - set(known):
            raise UsageError(f"no such version: {', '.join(sorted(unknown))}", hints=["hfver status"])
        chosen = list(versions) or known
        if shard is not None:
            chosen = part_of(chosen, *shard)
        with printer.progress("Verifying", len(chosen), unit="versions") as bar:
            for model, surveyed in zip(workspace.config.models, found, strict=True):
                for proof in verify_model(workspace, hub, model, surveyed, only=chosen, deep=deep) if chosen else ():
                    proofs.append(proof)
                    bar.advance(1)
    printer.data({"versions": proofs, "drift": any(proof.problems for proof in proofs)}, _table(proofs))
    if not printer.as_json:
        for proof in proofs:
            for problem in proof.problems:
                printer.warn(f"{proof.tag}: {problem}")
    return EXIT_DRIFT if any(proof.problems for proof in proofs) else EXIT_DONE


def _table(proofs: list[Proof]) -> Table:
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
    return Table(["VERSION", "STATE", "GIT", "HUB", "FILES", "SIZE"], rows, STYLES, empty="no versions to verify")


@click.command()
@yes
@dry_run
@common
def repair(printer: Printer, yes: bool, dry_run: bool) -> int:
    """Mend what can be mended: finish what is owed, put lost Hub tags back.

    Prints its plan first and asks. Never overwrites anything that is published.

    \b
    Example:
      hfver repair --dry-run
      hfver repair --yes
    """
    from hfver.cli.owed import release_now
    from hfver.cli.question import confirm
    from hfver.hub_session import open_hub
    from hfver.repair import plan_repair
    from hfver.survey import survey
    from hfver.workspace import open_workspace

    with open_workspace() as workspace:
        with open_hub(workspace.config.endpoint, workspace.environ) as hub:
            found = survey(workspace, hub)
        plan = plan_repair([item for model in found for item in model.versions])
        printer.data(plan, _plan_text(plan))
        if not plan.mend or dry_run:
            return EXIT_DRIFT if plan.beyond else EXIT_DONE
        confirm(f"Mend {len(plan.mend)} versions?", yes=yes)
        code = release_now(workspace, printer, [item.tag for item in plan.mend])
    return code or (EXIT_DRIFT if plan.beyond else EXIT_DONE)


def _plan_text(plan: RepairPlan) -> str:
    lines = [f"{item.tag} ({item.state}): {item.action}" for item in plan.mend]
    lines += [f"{item.tag} ({item.state}): not mended; {item.action}" for item in plan.beyond]
    return "\n".join(lines) or "Nothing to mend."
