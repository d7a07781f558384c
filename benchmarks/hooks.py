"""What git costs with hfver's hooks installed: beside no hooks, and beside the same hooks written in Python.

    python -m benchmarks.hooks [--commits N] [--tags N]

The variants take turns, so that a busy machine is busy for all of them. What works in the background after a command
(bringing the mirror up to date) has ended before the next one is measured.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.budgets import Budget
from benchmarks.measuring import BIN, Timing, once, own_environment
from hfver.hooks.scripts import HOOKS
from hfver.locks import FileLock

BOUND_MS = 10.0  # of a commit with all hooks above one without

# The filter of hooks/reference-transaction in Python: reads the changes, finds no version tag, ends.
PYTHON_HOOK = """\
#!{python} -SE
import os, sys
if sys.argv[1:] not in (["committed"], ["prepared"]):
    sys.exit()
for line in sys.stdin:
    old, new, ref = line.split()
    if ref.startswith("refs/tags/v"):
        os.execvp("true", ["true"])
"""
CONFIG = "huggingface:\n  endpoint: embedded\n  repository: {model_name: bench/model, model_path: model}\n"


@dataclass(frozen=True, slots=True)
class Clone:
    variant: str
    top: Path
    environ: dict[str, str]

    def git(self, *args: str) -> None:
        subprocess.run(["git", *args], cwd=self.top, env=self.environ, check=True, capture_output=True)

    def settle(self) -> None:
        """Wait until nothing of hfver works in the background."""
        home = self.top / ".git" / "hfver"
        if home.is_dir():
            deadline = time.monotonic() + 60
            time.sleep(0.3)  # for a wake-up that has been started and does not hold its lock yet
            with FileLock(home / "wake.lock", timeout=60):
                assert time.monotonic() < deadline


def make_clone(root: Path, variant: str, environ: dict[str, str]) -> Clone:
    top = root / variant
    top.mkdir()
    clone = Clone(variant, top, environ)
    clone.git("init", "--quiet")
    clone.git("config", "gc.auto", "0")
    clone.git("config", "maintenance.auto", "false")
    (top / "config.yaml").write_text(CONFIG)
    clone.git("add", ".")
    clone.git("commit", "--quiet", "-m", "first")
    if variant == "hfver":
        subprocess.run([BIN / "hfver", "hooks", "install", "-q"], cwd=top, env=environ, check=True)
    elif variant == "python":
        for name in HOOKS:
            hook = top / ".git" / "hooks" / name
            hook.parent.mkdir(exist_ok=True)
            hook.write_text(PYTHON_HOOK.format(python=sys.executable))
            hook.chmod(0o755)
    return clone


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    runs: int
    prepare: Callable[[Clone, int], None]
    command: Callable[[int], list[str]]


def operations(commits: int, tags: int, upstream: Path) -> list[Operation]:
    def change(clone: Clone, number: int) -> None:
        (clone.top / "file.txt").write_text(f"{number}\n")
        clone.git("add", "file.txt")

    def diverge(clone: Clone, number: int) -> None:
        """Fifty commits to move on top of one."""
        clone.git("-c", f"core.hooksPath={os.devnull}", "checkout", "--quiet", "-B", "base", "main")
        clone.git("-c", f"core.hooksPath={os.devnull}", "commit", "--quiet", "--allow-empty", "-m", f"base {number}")
        clone.git("-c", f"core.hooksPath={os.devnull}", "checkout", "--quiet", "-B", "topic", "main")
        for step in range(50):
            (clone.top / f"topic{step}.txt").write_text(f"{number}\n")
            clone.git("add", "--all")
            clone.git("-c", f"core.hooksPath={os.devnull}", "commit", "--quiet", "-m", f"{number}.{step}")

    def forget_tags(clone: Clone, _number: int) -> None:
        clone.git("-c", f"core.hooksPath={os.devnull}", "checkout", "--quiet", "main")
        listed = subprocess.run(["git", "tag"], cwd=clone.top, capture_output=True, text=True, check=True).stdout
        deletions = "".join(f"delete refs/tags/{tag}\n" for tag in listed.split())
        command = ["git", "-c", f"core.hooksPath={os.devnull}", "update-ref", "--stdin"]
        subprocess.run(command, cwd=clone.top, input=deletions, text=True, check=True)

    def nothing(_clone: Clone, _number: int) -> None:
        pass

    return [
        Operation("commit", commits, change, lambda number: ["git", "commit", "--quiet", "-m", str(number)]),
        Operation("tag, no version", commits, nothing, lambda number: ["git", "tag", "nightly-" + "x" * (number + 1)]),
        Operation("rebase of 50", 3, diverge, lambda _: ["git", "rebase", "--quiet", "base"]),
        Operation(
            f"fetch of {tags} tags", 3, forget_tags, lambda _: ["git", "fetch", "--quiet", "--tags", str(upstream)]
        ),
    ]


def make_upstream(root: Path, environ: dict[str, str], first: Clone, tags: int) -> Path:
    upstream = root / "upstream.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", str(first.top), str(upstream)], env=environ, check=True)
    lines = "".join(f"create refs/tags/v1.{number}.0 refs/heads/main\n" for number in range(tags))
    subprocess.run(["git", "update-ref", "--stdin"], cwd=upstream, input=lines, text=True, check=True)
    return upstream


def measure(clones: list[Clone], operation: Operation) -> dict[str, Timing]:
    """Medians by variant."""
    found: dict[str, list[Timing]] = {clone.variant: [] for clone in clones}
    for number in range(operation.runs):
        for clone in clones:
            operation.prepare(clone, number)
            found[clone.variant].append(once(operation.command(number), clone.top, clone.environ))
            clone.settle()
    return {
        variant: Timing(
            statistics.median(timing.wall for timing in timings), statistics.median(timing.cpu for timing in timings)
        )
        for variant, timings in found.items()
    }


Medians = dict[str, dict[str, Timing]]  # operation -> variant -> medians


def run(*, commits: int, tags: int, only: str = "") -> Medians:
    """Medians of every operation, or of the one named."""
    with tempfile.TemporaryDirectory(prefix="hfver-bench-") as directory:
        root = Path(directory)
        environ = own_environment(root)
        clones = [make_clone(root, variant, environ) for variant in ("none", "hfver", "python")]
        upstream = make_upstream(root, environ, clones[0], tags)
        chosen = [item for item in operations(commits, tags, upstream) if only in ("", item.name)]
        return {operation.name: measure(clones, operation) for operation in chosen}


def budgets(*, commits: int, tags: int) -> list[Budget]:
    """What a commit costs more with all hooks; a hook in Python stands beside it."""
    medians = run(commits=commits, tags=tags, only="commit")["commit"]
    added, python = (1000 * (medians[name].wall - medians["none"].wall) for name in ("hfver", "python"))
    return [
        Budget("git commit with all hooks, more than without", added, BOUND_MS, "ms", f"in Python: {python:.0f} ms")
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=int, default=31)
    parser.add_argument("--tags", type=int, default=1000)
    options = parser.parse_args()
    version = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"{version}; median milliseconds, wall / CPU")
    print(f"{'':<20}{'no hooks':>16}{'hfver':>16}{'Python hooks':>16}{'hfver adds':>16}")
    for name, medians in run(commits=options.commits, tags=options.tags).items():
        cells = "".join(
            f"{f'{medians[variant].wall * 1000:.1f} / {medians[variant].cpu * 1000:.1f}':>16}"
            for variant in ("none", "hfver", "python")
        )
        added = (medians["hfver"].wall - medians["none"].wall) * 1000
        print(f"{name:<20}{cells}{f'{added:+.1f}':>16}", flush=True)


if __name__ == "__main__":
    main()
