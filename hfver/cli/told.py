"""What a sync cost, in a sentence and for ``--json``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfver.cli.answers import workflow as answers
from hfver.cli.output import human_bytes

if TYPE_CHECKING:
    from hfver.training.operations import Cost
    from hfver.training.workflow import Told


def cost_text(told: Told) -> str:
    cost = told.cost
    rate = f" ({human_bytes(round(cost.bytes_per_second))}/s)" if cost.sent_bytes else ""
    memory = f", peak memory {human_bytes(cost.peak_memory)}" if cost.peak_memory else ""
    what = told.synced.version or told.synced.experiment
    return f"{what}: {cost.seconds:.1f} s, {human_bytes(cost.sent_bytes)} of new files{rate}{memory}"


def cost_answer(cost: Cost) -> answers.Cost:
    return answers.Cost(
        cost.operation, round(cost.seconds, 3), cost.sent_bytes, round(cost.bytes_per_second), cost.peak_memory
    )
