"""``hfver gc``: free the DVC cache of what releases on the Hub hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hfver.cli.answers.content import Collected, Droppable
from hfver.cli.options import common, dry_run, yes
from hfver.cli.output import Printer, human_bytes

if TYPE_CHECKING:
    from hfver.collect import CollectPlan

_SHOWN = 20


@click.command()
@dry_run
@yes
@common(Collected)
def gc(printer: Printer, dry_run: bool, yes: bool) -> None:
    """Remove objects from DVC's cache that a verified release on the Hub has too.

    Every release is proved first, as `hfver verify` does. What the workspace uses stays, and so does everything that
    is in no release. `hfver checkout` and `hfver pull` bring removed content back.

    \b
    Example:
      hfver gc --dry-run
    """
    from hfver.cli.question import confirm
    from hfver.collect import collect, prepare_collect
    from hfver.hub_session import open_hub
    from hfver.workspace import open_workspace

    with open_workspace() as workspace, open_hub(workspace.config.endpoint, workspace.environ) as hub:
        cache, plan, failed = prepare_collect(workspace, hub)
        for proof in failed:
            printer.warn(f"{proof.tag}: {proof.state}: its content stays")
        printer.show(_text(plan))
        removes = not dry_run and bool(plan.drop or plan.leftovers)
        if removes:
            confirm(f"Remove {len(plan.drop)} objects ({human_bytes(plan.size)}) from {cache.directory}?", yes=yes)
            collect(cache, plan)
            printer.note(f"Freed {human_bytes(plan.size)}.")
        drop = [Droppable(item.md5, item.size, item.release, item.path) for item in plan.drop]
        printer.data(Collected(drop, plan.kept_in_use, plan.leftovers, plan.size, removes))


def _text(plan: CollectPlan) -> str:
    if not plan.drop and not plan.leftovers:
        return f"Nothing to remove: no object of the cache is both in a release and unused ({plan.kept_in_use} in use)."
    lines = [f"{item.md5}  {human_bytes(item.size):>9}  {item.path} in {item.release}" for item in plan.drop[:_SHOWN]]
    if len(plan.drop) > _SHOWN:
        lines.append(f"… and {len(plan.drop) - _SHOWN} more")
    lines.append(
        f"{len(plan.drop)} objects, {human_bytes(plan.size)}, can be had again from the Hub;"
        f" {plan.kept_in_use} more are in use and stay"
    )
    return "\n".join(lines)
