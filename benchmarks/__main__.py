"""Every budget of the design in one table: hfver beside ``hf``, ``dvc`` and ``gto``, in one run on this machine.

python -m benchmarks [--scale 0.1]
"""

from __future__ import annotations

import argparse
import os
import platform
import sys

from benchmarks import checkout, hooks, many_versions, release, startup
from benchmarks.budgets import Budget, table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the data; 1 is what the bounds are for")
    scale: float = parser.parse_args().scale
    budgets: list[Budget] = []
    for measure in (
        startup.run,
        lambda: many_versions.budgets(int(1500 * scale)),
        lambda: hooks.budgets(commits=31, tags=int(1000 * scale)),
        lambda: release.run(scale),
        lambda: checkout.budgets(scale),
    ):
        found = measure()
        budgets += found
        for budget in found:
            print(budget, file=sys.stderr, flush=True)
    load = os.getloadavg()[0]
    print(f"\n{platform.platform()}, {os.cpu_count()} cores, load {load:.1f}, data scaled by {scale:g}\n")
    print(table(budgets))
    return int(not all(budget.kept for budget in budgets))


if __name__ == "__main__":
    sys.exit(main())
