"""Getting a version with hfver beside ``dvc checkout``, ``dvc pull`` and ``hf download``, in one run.

    python -m benchmarks.checkout [--scale 0.1] [--dir DIR]

Every side works on a clone of its own with a cache of its own. Runs of both sides alternate; the quickest of each
counts. ``--scale`` shrinks the data (1 is 20,000 small files, a tenth of them where a Hub sends them, and 5 files of
200 MB).
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.budgets import Budget
from benchmarks.line import limited
from benchmarks.measuring import Timing, once, own_environment, served_hub

SMALL_FILES = 20_000
SMALL_BYTES = 3_100
LARGE_FILES = 5
LARGE_BYTES = 200_000_000
LINE = 125_000_000  # bytes a second: 1 Gbit/s
RUNS = 3
REPO = "bench/model"
CONFIG = f"huggingface:\n  endpoint: embedded\n  repository:\n    model_name: {REPO}\n    model_path: model\n"

Command = Sequence[str]


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. ``bound`` is the most that ours may take of theirs; None where there is no budget."""

    what: str
    ours: Timing
    theirs: Timing
    bound: float | None = None

    @property
    def ratio(self) -> float:
        return self.ours.wall / self.theirs.wall

    def __str__(self) -> str:
        verdict = (
            "" if self.bound is None else ("  met" if self.ratio <= self.bound else "  MISSED") + f" (≤ {self.bound})"
        )
        return (
            f"{self.what:52} {self.ours.wall:7.2f} s  {self.theirs.wall:7.2f} s  {self.ratio:5.2f}"
            f"   CPU {self.ours.cpu:6.2f} / {self.theirs.cpu:6.2f} = {self.ours.cpu / self.theirs.cpu:4.2f}{verdict}"
        )


@dataclass(frozen=True, slots=True)
class Bench:
    root: Path
    environ: dict[str, str]

    def run(self, command: Command, cwd: Path) -> None:
        done = subprocess.run(command, cwd=cwd, env=self.environ, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")

    def compare(
        self,
        what: str,
        ours: tuple[Path, Command],
        theirs: tuple[Path, Command],
        *,
        before: Callable[[Path], None] = lambda _clone: None,
        bound: float | None = None,
    ) -> Row:
        best: list[Timing] = []
        for _ in range(RUNS):
            for at, (place, command) in enumerate((ours, theirs)):
                before(place)
                timing = once(list(command), place, self.environ)
                if len(best) <= at:
                    best.append(timing)
                else:
                    best[at] = min(best[at], timing, key=lambda timing: timing.wall)
        row = Row(what, best[0], best[1], bound)
        print(row, flush=True)
        return row


def project(bench: Bench, versions: Sequence[dict[str, bytes]]) -> Path:
    """A repository with one tagged version per set of files, and a DVC remote beside it.

    Its path is absolute: `dvc push --all-tags` takes a relative one for one below the root of the file system.
    """
    top = bench.root / "origin"
    (top / "model").mkdir(parents=True)
    for command in (
        ["git", "init", "-q"],
        ["dvc", "init", "-q"],
        ["dvc", "remote", "add", "-dq", "store", str(bench.root / "store")],
    ):
        bench.run(command, top)
    (top / "config.yaml").write_text(CONFIG)
    (top / "configs").mkdir()
    (top / "configs" / "huggingface_config.yaml").write_text("settings: {}\n")
    for number, files in enumerate(versions, 1):
        for name, content in files.items():
            path = top / "model" / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        for command in (
            ["dvc", "add", "-q", "model"],
            ["git", "add", "-A"],
            ["git", "commit", "-qm", f"Version {number}"],
            ["git", "tag", f"v{number}.0.0"],
        ):
            bench.run(command, top)
    bench.run(["dvc", "push", "-q", "--all-tags"], top)
    return top


def small_versions(count: int) -> Iterator[dict[str, bytes]]:
    """The first version, one with one file changed, one with all of them changed."""
    dice = random.Random(1)
    yield {f"d{at % 200}/f{at}.bin": dice.randbytes(SMALL_BYTES) for at in range(count)}
    yield {"d0/f0.bin": dice.randbytes(SMALL_BYTES)}
    yield {f"d{at % 200}/f{at}.bin": dice.randbytes(SMALL_BYTES) for at in range(count)}


def large_versions(size: int) -> Iterator[dict[str, bytes]]:
    dice = random.Random(2)
    yield {f"part-{at}.bin": dice.randbytes(size) for at in range(LARGE_FILES)}
    yield {"part-0.bin": dice.randbytes(size)}
    yield {f"part-{at}.bin": dice.randbytes(size) for at in range(LARGE_FILES)}


def clones(bench: Bench, origin: Path, link_type: str) -> tuple[Path, Path]:
    """Two copies of the repository with a cache each, checked out at the first version."""
    made = []
    for name in ("hfver", "dvc"):
        place = bench.root / name
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(origin, place, symlinks=True)
        (place / ".dvc" / "config.local").write_text(f"[cache]\n    type = {link_type}\n")
        made.append(place)
    ours, theirs = made
    bench.run(["hfver", "checkout", "v1.0.0", "-q", "--force"], ours)
    bench.run(["git", "checkout", "-q", "v1.0.0"], theirs)
    bench.run(["dvc", "checkout", "-q", "--force", "--relink"], theirs)
    return ours, theirs


def checkouts(bench: Bench, origin: Path, size: str, *, bound: float | None) -> list[Row]:
    rows = []
    for link_type in ("copy", "hardlink"):
        ours, theirs = clones(bench, origin, link_type)
        for what, away, limit in (
            ("nothing changed", "v1.0.0", bound),
            ("one file changed", "v2.0.0", bound),
            ("all files changed", "v3.0.0", None),
        ):

            def there(place: Path, away: str = away, ours: Path = ours) -> None:
                """Each side leaves for the other version in its own way."""
                if place == ours:
                    bench.run(["hfver", "checkout", away, "-q"], place)
                else:
                    bench.run(["git", "checkout", "-q", away], place)
                    bench.run(["dvc", "checkout", "-q"], place)

            rows.append(
                bench.compare(
                    f"{size}, {what}, {link_type}",
                    (ours, ["hfver", "checkout", "v1.0.0", "-q"]),
                    (theirs, ["sh", "-c", "git checkout -q v1.0.0 && exec dvc checkout -q"]),
                    before=there,
                    bound=limit,
                )
            )
    return rows


def downloads(bench: Bench, origin: Path, size: str) -> list[Row]:
    """From an empty cache: the DVC remote against ``dvc pull``, the Hub against ``hf download``."""
    ours, theirs = clones(bench, origin, "copy")

    def empty(place: Path) -> None:
        shutil.rmtree(place / ".dvc" / "cache", ignore_errors=True)
        shutil.rmtree(place / "model", ignore_errors=True)
        shutil.rmtree(place / "hf", ignore_errors=True)
        shutil.rmtree(Path(bench.environ["HF_HOME"]), ignore_errors=True)

    row = bench.compare(
        f"{size}, cold, from the DVC remote",
        (ours, ["hfver", "checkout", "v1.0.0", "-q"]),
        (theirs, ["dvc", "pull", "-q"]),
        before=empty,
    )
    with served_hub(bench.root / "hub", bench.environ) as hub:
        online = Bench(bench.root, bench.environ | hub.environ)
        bench.run(["git", "checkout", "-q", "v1.0.0"], ours)
        online.run(["hfver", "push", "v1.0.0", "-q"], ours)
        for config in ours.glob(".dvc/config"):
            config.write_text("")
        bench.run(["git", "update-index", "--assume-unchanged", ".dvc/config"], ours)
        rows = [row, *from_hub(online, (ours, theirs), f"{size}, cold, from the Hub", empty)]
        if size.startswith(f"{LARGE_FILES} files"):
            with limited(hub.endpoint, LINE) as address:
                far = Bench(bench.root, online.environ | {"HF_ENDPOINT": address})
                rows += from_hub(far, (ours, theirs), f"{size}, from the Hub at 1 Gbit/s", empty)
        return rows


def from_hub(bench: Bench, places: tuple[Path, Path], what: str, empty: Callable[[Path], None]) -> list[Row]:
    ours, theirs = places
    download = ["hf", "download", REPO, "--revision", "v1.0.0", "--local-dir", "hf"]
    return [
        bench.compare(f"{what} {how}", (ours, command), (theirs, download), before=empty, bound=1.1)
        for how, command in (
            ("into the workspace", ["hfver", "checkout", "v1.0.0", "-q"]),
            ("with --to", ["hfver", "checkout", "v1.0.0", "-q", "--to", "hf", "--repo", REPO]),
        )
    ]


def budgets(scale: float) -> list[Budget]:
    return [
        Budget(row.what, row.ratio, row.bound, "x", f"hfver {row.ours.wall:.2f} s, beside it {row.theirs.wall:.2f} s")
        for row in main(["--scale", str(scale)])
        if row.bound is not None
    ]


def main(argv: Sequence[str] | None = None) -> list[Row]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the data, 1 by default")
    parser.add_argument("--dir", type=Path, help="where to work; a temporary directory by default")
    parser.add_argument("--only", choices=("small", "large"), help="one of the two data sets")
    parser.add_argument("--part", choices=("checkout", "download"), help="one of the two kinds of comparison")
    arguments = parser.parse_args(argv)
    print(f"{'':52} {'hfver':>9}  {'theirs':>9}  ratio")
    rows: list[Row] = []
    count, size = int(SMALL_FILES * arguments.scale), int(LARGE_BYTES * arguments.scale)
    fewer = max(count // 10, 1)  # `hf download` of 20,000 files takes minutes
    large = f"{LARGE_FILES} files, {LARGE_FILES * size / 1e9:g} GB"
    for name, part, versions, label in (
        ("small", "checkout", small_versions(count), f"{count} small files"),
        ("small", "download", small_versions(fewer), f"{fewer} small files"),
        ("large", "checkout", large_versions(size), large),
        ("large", "download", large_versions(size), large),
    ):
        if arguments.only in {None, name} and arguments.part in {None, part}:
            with tempfile.TemporaryDirectory(dir=arguments.dir, prefix="hfver-bench-") as directory:
                bench = Bench(Path(directory), own_environment(Path(directory)))
                origin = project(bench, list(versions))
                if part == "checkout":
                    rows += checkouts(bench, origin, label, bound=0.3 if name == "small" else None)
                else:
                    rows += downloads(bench, origin, label)
    return rows


if __name__ == "__main__":
    main()
