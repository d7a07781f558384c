"""How fast the embedded hub takes and gives files, beside plain `cp`, and how much memory its server needs for that.

    python -m benchmarks.hub [--scale 0.1] [--directory DIR]

Every transfer is the real `hf` command in a process of its own against a server in another one. Each set is sent to a
fresh store; "again" sends the same folder to a second repository, "down" fetches it into an empty cache. Wall times,
so a busy machine shows; compare the rows of one run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

_SERVE = """
import json, sys
from pathlib import Path
from hfver.local_hub.serve import serve
serve(Path(sys.argv[1]), 0, lambda hub: print(json.dumps([hub.endpoint, hub.token, hub.user]), flush=True))
"""
_MB = 1e6


@dataclass(frozen=True, slots=True)
class FileSet:
    name: str
    count: int
    size: int
    seed: int

    def write(self, folder: Path) -> None:
        """Half-precision noise: what trained weights look like to a compressor."""
        noise = np.random.default_rng(self.seed)
        for number in range(self.count):
            path = folder / f"{number // 1000:03}" / f"{number:06}.bin"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                left = self.size
                while left:
                    block = noise.standard_normal(min(left, 16 << 20) // 2, dtype=np.float32).astype(np.float16)
                    file.write(block.tobytes())
                    left -= block.nbytes

    @property
    def total(self) -> int:
        return self.count * self.size


@dataclass(slots=True)
class Server:
    """A running hub and where a client finds it."""

    process: subprocess.Popen[str]
    endpoint: str
    token: str
    user: str

    def environment(self, home: Path, *, xet: bool) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        return kept | {
            "HF_ENDPOINT": self.endpoint,
            "HF_TOKEN": self.token,
            "HF_HOME": str(home),
            "HF_XET_LOG_DEST": os.devnull,
            "HF_HUB_DISABLE_XET": "0" if xet else "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "NO_PROXY": "127.0.0.1",
        }

    def peak_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024

    def cpu_seconds(self) -> float:
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system


@contextmanager
def running_server(store: Path) -> Iterator[Server]:
    command = [sys.executable, "-c", _SERVE, str(store)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Server(process, *json.loads(process.stdout.readline()))
        finally:
            process.terminate()


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def hf(server: Server, home: Path, *arguments: str | Path, xet: bool = True) -> None:
    command = [str(Path(sys.executable).with_name("hf")), *map(str, arguments)]
    done = subprocess.run(command, env=server.environment(home, xet=xet), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")


def same(left: Path, right: Path) -> bool:
    ours = ("--exclude=.cache", "--exclude=.gitattributes")
    done = subprocess.run(["diff", "-rq", *ours, str(left), str(right)], capture_output=True)
    return done.returncode == 0


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    copy: float
    up: float
    again: float
    down: float
    cpu: float
    peak: int

    def text(self, total: int) -> str:
        rates = [f"{s:7.2f} s {total / s / _MB:6.0f} MB/s" for s in (self.copy, self.up, self.down)]
        server = f"{self.cpu:.1f} s | {self.peak / _MB:.0f} MB"
        return f"| {self.name} | {' | '.join(rates)} | {self.again:.2f} s | {server} |"


def measure(files: FileSet, work: Path, *, xet: bool) -> Row:
    source, out = work / "source", work / "out"
    if not source.exists():
        files.write(source)
    copy = seconds(lambda: shutil.copytree(source, work / "copy"))
    shutil.rmtree(work / "copy")
    with running_server(work / "store") as server:
        up = seconds(lambda: hf(server, work / "sender", "upload", f"{server.user}/model", source, xet=xet))
        again = seconds(lambda: hf(server, work / "sender", "upload", f"{server.user}/other", source, xet=xet))
        download = ("download", f"{server.user}/model", "--local-dir", out)
        down = seconds(lambda: hf(server, work / "receiver", *download, xet=xet))
        if not same(source, out):
            raise RuntimeError(f"{files.name}: what came back differs from what was sent")
        name = f"{files.name}, {'Xet' if xet else 'LFS'}"
        row = Row(name, copy, up, again, down, server.cpu_seconds(), server.peak_bytes())
    for leftover in (out, work / "store", work / "sender", work / "receiver"):
        shutil.rmtree(leftover, ignore_errors=True)
    return row


def four_at_once(files: FileSet, work: Path) -> str:
    """Four clients send different files, then four fetch them: what the server needs then."""
    sources = [work / f"source{number}" for number in range(4)]
    for number, source in enumerate(sources):
        FileSet(files.name, files.count, files.size, files.seed + number).write(source)
    with running_server(work / "store") as server:
        clients = [(number, source, f"{server.user}/model{number}") for number, source in enumerate(sources)]

        def together(arguments: Callable[[int, Path, str], list[str | Path]]) -> float:
            started = time.perf_counter()
            command = str(Path(sys.executable).with_name("hf"))
            running = [
                subprocess.Popen(
                    [command, *map(str, arguments(*client))],
                    env=server.environment(work / f"home{client[0]}", xet=True),
                    stdout=subprocess.DEVNULL,
                )
                for client in clients
            ]
            if sum(process.wait() for process in running):
                raise RuntimeError("one of four parallel clients failed")
            return time.perf_counter() - started

        up = together(lambda _, source, repo: ["upload", repo, source])
        down = together(lambda number, _, repo: ["download", repo, "--local-dir", work / f"out{number}"])
        peak = server.peak_bytes()
        if not all(same(source, work / f"out{number}") for number, source, _ in clients):
            raise RuntimeError("what came back differs from what was sent")
    total = 4 * files.total
    return (
        f"Four clients at once, {total / _MB:.0f} MB in all: up {up:.2f} s ({total / up / _MB:.0f} MB/s), "
        f"down {down:.2f} s ({total / down / _MB:.0f} MB/s), server peak {peak / _MB:.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the large file and number of small ones")
    parser.add_argument("--directory", type=Path, help="where to work; needs six times the largest set")
    parser.add_argument("--only", help="part of the name of a set")
    options = parser.parse_args()
    sets = [
        FileSet(f"1 x {1000 * options.scale:.0f} MB", 1, int(1e9 * options.scale) // 2 * 2, 1),
        FileSet(f"{int(1000 * options.scale)} x 1 MB", int(1000 * options.scale), 1_100_000, 2),
        FileSet(f"{int(20000 * options.scale)} x 4 KB", int(20000 * options.scale), 4096, 3),
    ]
    print("| files | cp | up | down | up again | server CPU | server peak |")
    print("|---|---|---|---|---|---|---|")
    for number, files in enumerate(sets):
        with tempfile.TemporaryDirectory(prefix="hub-bench-", dir=options.directory) as work:
            for xet in (True, False) if number < 2 else (True,):
                if options.only is None or options.only in files.name:
                    print(measure(files, Path(work), xet=xet).text(files.total), flush=True)
    if options.only is None:
        with tempfile.TemporaryDirectory(prefix="hub-bench-", dir=options.directory) as work:
            print(f"\n{four_at_once(FileSet('four', 1, int(3e8 * options.scale) // 2 * 2, 4), Path(work))}")


if __name__ == "__main__":
    main()
