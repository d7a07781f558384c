"""Releasing with hfver beside ``hf upload`` of the same folder to the same kind of hub, in one run.

    python -m benchmarks.release [--scale 0.1]

Each side has a hub process, a store and client caches of its own, so that neither profits from the other's bytes. The
quickest of four rounds counts, of two with a line of 1 Gbit/s between client and hub.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.budgets import Budget, table
from benchmarks.line import limited
from benchmarks.measuring import ServedHub, Timing, once, own_environment, served_hub

GIGABYTE = 1_000_000_000
GIGABIT = 125_000_000  # bytes a second of a line to a hub that is not on this machine
ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two ways to bring a folder to a hub."""

    folder: Path
    hub: ServedHub
    environ: dict[str, str]


def write_random(path: Path, size: int, seed: int) -> None:
    generator = random.Random(seed)
    with path.open("wb") as file:
        while size > 0:
            file.write(generator.randbytes(min(size, 16_000_000)))
            size -= 16_000_000


@contextmanager
def own_hub(store: Path, environ: dict[str, str], rate: float | None) -> Iterator[ServedHub]:
    """A hub on this machine, ``rate`` bytes a second away."""
    with served_hub(store, environ) as hub:
        if rate is None:
            yield hub
            return
        with limited(hub.endpoint, rate) as endpoint:
            yield replace(hub, endpoint=endpoint)


@contextmanager
def sides(root: Path, rate: float | None = None) -> Iterator[tuple[Side, Side]]:
    """hfver's side, a git and DVC project, and the plain folder of ``hf upload``."""
    for name in ("ours", "theirs"):
        (root / name / "work").mkdir(parents=True)
    first, second = own_environment(root / "ours"), own_environment(root / "theirs")
    hubs = own_hub(root / "ours" / "hub", first, rate), own_hub(root / "theirs" / "hub", second, rate)
    with hubs[0] as one, hubs[1] as two:
        project = root / "ours" / "work"
        for command in (
            ["git", "init", "--quiet"],
            ["hfver", "init", "--yes", "--quiet", "--model-name", f"bench/m{root.name.lower()}"],
        ):
            subprocess.run(command, cwd=project, env=first | one.environ, check=True)
        (project / "model").mkdir()
        (root / "theirs" / "work" / "model").mkdir()
        yield (
            Side(project / "model", one, first | one.environ | {"HFVER_SKIP": "1"}),
            Side(root / "theirs" / "work" / "model", two, second | two.environ),
        )


def release(side: Side, tag: str) -> Timing:
    """What is measured is publishing; tracking with DVC is the same work in any case.

    The hook of the commit has its configs mirrored in the background, long before anybody tags it.
    """
    top = side.folder.parent
    hooked = {name: value for name, value in side.environ.items() if name != "HFVER_SKIP"}
    for command, environ in (
        (["hfver", "track", "--quiet", "model"], hooked),
        (["git", "add", "--all"], hooked),
        (["git", "commit", "--quiet", "--message", tag], hooked),
        (["hfver", "push", "--quiet"], hooked),  # waits for it
        (["git", "tag", tag], side.environ),
    ):
        subprocess.run(command, cwd=top, env=environ, check=True, stdout=subprocess.DEVNULL)
    os.sync()  # what was written before is not to be measured
    return once(["hfver", "push", "--allow-same", "--quiet", tag], top, side.environ)


def upload(side: Side, tag: str) -> Uploaded:
    os.sync()
    top = side.folder.parent

    def hf(*command: str) -> Timing:
        return once(["hf", *command], top, side.environ)

    model = hf("upload", "bench/m", str(side.folder), "--quiet")
    rest = (
        hf("repos", "tag", "create", "bench/m", tag),
        hf("upload", "bench/m-configs", str(top / "configs"), "--quiet"),
        hf("repos", "tag", "create", "bench/m-configs", tag),
    )
    return Uploaded(model, model.wall + sum(timing.wall for timing in rest))


@dataclass(frozen=True, slots=True)
class Uploaded:
    """``model`` is what the bounds name. A release also tags it, and its configs: ``whole`` is that in seconds."""

    model: Timing
    whole: float


def shown(timing: Timing) -> str:
    return f"{timing.wall:.1f} s, {timing.cpu:.1f} s CPU, {timing.memory / 1e6:.0f} MB"


@dataclass(frozen=True, slots=True)
class Pair:
    """The same job by both."""

    ours: Timing
    theirs: Uploaded

    @property
    def ratio(self) -> float:
        return self.ours.wall / self.theirs.model.wall

    @property
    def whole_ratio(self) -> float:
        return self.ours.wall / self.theirs.whole

    def __str__(self) -> str:
        return (
            f"hfver {shown(self.ours)}; hf {shown(self.theirs.model)}; with tags and configs {self.theirs.whole:.1f} s"
        )


def best(pairs: Iterable[Pair]) -> Pair:
    """The quickest of each."""
    found = list(pairs)
    return Pair(
        min((pair.ours for pair in found), key=lambda timing: timing.wall),
        Uploaded(
            min((pair.theirs.model for pair in found), key=lambda timing: timing.wall),
            min(pair.theirs.whole for pair in found),
        ),
    )


def taking_turns(ours: Side, theirs: Side, tag: str, *, first: bool) -> Pair:
    """Whoever comes second finds less memory free and takes up to a quarter longer: each is ``first`` in turn."""
    if first:
        we = release(ours, tag)
        return Pair(we, upload(theirs, tag))
    they = upload(theirs, tag)
    return Pair(release(ours, tag), they)


def first_and_next(root: Path, scale: float, *, first: bool, rate: float | None = None) -> tuple[Pair, Pair]:
    """Twenty files of a gigabyte together, then one of them changed."""
    with sides(root, rate) as (ours, theirs):
        size = int(GIGABYTE * scale / 20)
        for number in range(20):
            write_random(ours.folder / f"model-{number:05}.safetensors", size, number)
        shutil.copytree(ours.folder, theirs.folder, dirs_exist_ok=True)
        shutil.copytree(ours.folder.parent / "configs", theirs.folder.parent / "configs")
        whole = taking_turns(ours, theirs, "v1.0.0", first=first)
        for side in (ours, theirs):
            (side.folder / "model-00003.safetensors").unlink()
            write_random(side.folder / "model-00003.safetensors", size, 1003)
        return whole, taking_turns(ours, theirs, "v1.1.0", first=first)


def quickest(scale: float, rounds: int, rate: float | None = None) -> tuple[Pair, Pair, int]:
    """The best of some rounds, each with new hubs, stores and caches, and the most memory any of ours took."""
    found = []
    for number in range(rounds):
        with tempfile.TemporaryDirectory(prefix="hfver-bench-") as name:
            found.append(first_and_next(Path(name), scale, first=number % 2 == 0, rate=rate))
    peak = max(pair.ours.memory for pair, _ in found)
    return best(pair for pair, _ in found), best(pair for _, pair in found), peak


def releases(scale: float) -> list[Budget]:
    whole, following, peak = quickest(scale, ROUNDS)
    far, far_following, _ = quickest(scale, 2, GIGABIT)
    rows = (
        ("first release, 1 GB", whole, 1.0),
        ("release, 1 of 20 files changed", following, 0.15),
        ("first release, 1 GB, hub at 1 Gbit/s", far, 1.0),
        ("release, 1 of 20 files changed, at 1 Gbit/s", far_following, 0.15),
    )
    return [
        *(Budget(what, pair.ratio, bound, "x hf upload", str(pair)) for what, pair, bound in rows),
        *(Budget(what, pair.whole_ratio, 1.0, "x hf, tags and configs too") for what, pair, _ in rows),
        Budget("peak memory of the first release", peak / 1e6, 400, "MB"),
    ]


def fine_tune(root: Path, scale: float) -> list[Budget]:
    """One percent of a 500 MB file changed: what the hub stores for it."""
    with sides(root) as (ours, _theirs):
        size = int(GIGABYTE * scale / 2)
        weights = ours.folder / "model.safetensors"
        write_random(weights, size, 7)
        release(ours, "v1.0.0")
        before = ours.hub.stored()
        weights.unlink()
        write_random(weights, size, 7)
        with weights.open("r+b") as file:
            file.seek(size // 3)
            file.write(random.Random(8).randbytes(size // 100))
        timing = release(ours, "v1.1.0")
        grown = ours.hub.stored() - before
        detail = f"{grown / 1e6:.1f} MB stored, {shown(timing)}"
        return [Budget("release, 1 % of a 500 MB file changed", 100 * grown / size, 3, "% of its bytes", detail)]


def run(scale: float) -> list[Budget]:
    with tempfile.TemporaryDirectory(prefix="hfver-bench-") as name:
        return releases(scale) + fine_tune(Path(name), scale)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the data, 1.0 is the gigabyte of the bounds")
    print(table(run(parser.parse_args().scale)))


if __name__ == "__main__":
    main()
