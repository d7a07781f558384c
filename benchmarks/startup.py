"""How long it takes until ``hfver`` has said something.

python -m benchmarks.startup
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.budgets import Budget, table
from benchmarks.measuring import own_environment, timed


def run() -> list[Budget]:
    with tempfile.TemporaryDirectory(prefix="hfver-bench-") as name:
        root = Path(name)
        environ = own_environment(root)
        budgets = []
        for argument in ("--help", "--version"):
            best = min(timed(["hfver", argument], root, environ, runs=5).cpu for _ in range(2))
            budgets.append(Budget(f"hfver {argument}", best, 0.15, "s CPU"))
        return budgets


if __name__ == "__main__":
    print(table(run()))
