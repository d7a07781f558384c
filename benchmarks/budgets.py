"""One line of the table of budgets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """``value`` is what was measured in the unit of ``bound``; ``detail`` says what it is made of."""

    what: str
    value: float
    bound: float
    unit: str
    detail: str = ""

    @property
    def kept(self) -> bool:
        return self.value <= self.bound

    def __str__(self) -> str:
        verdict = "kept" if self.kept else "MISSED"
        return (
            f"| {self.what} | {self.value:.2f} {self.unit} | ≤ {self.bound:g} {self.unit} | {verdict} | {self.detail} |"
        )


def table(budgets: Iterable[Budget]) -> str:
    """As Markdown, to be read in a terminal and kept in docs/benchmarks.md alike."""
    return "\n".join(["| what | measured | bound | | |", "|---|---|---|---|---|", *map(str, budgets)])
