"""``hfver status`` and ``hfver log`` with 1,500 versions, beside ``gto show``.

    python -m benchmarks.many_versions [--versions N]

The Hub's side is written straight into the bare repository behind the embedded hub: 1,500 releases would take half an
hour, and what is measured is reading them.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

from benchmarks.budgets import Budget
from benchmarks.measuring import Timing, own_environment, timed
from hfver.trailers import Trailers, render_trailers


def fast_import(git_dir: Path, lines: list[str]) -> None:
    subprocess.run(["git", "fast-import", "--quiet", "--force"], cwd=git_dir, input="".join(lines).encode(), check=True)


def make_history(top: Path, count: int, prefix: str) -> list[str]:
    """Commits and annotated tags in a git repository; returns the commits."""
    lines = []
    for number in range(count):
        lines += [
            f"commit refs/heads/main\nmark :{number + 1}\ncommitter A <a@example.org> {1_700_000_000 + number} +0000\n",
            f"data 7\nchange\n\nM 100644 inline file.txt\ndata {len(str(number))}\n{number}\n",
        ]
        name = f"{prefix}{number // 100}.{number % 100}.0"
        lines.append(f"tag {name}\nfrom :{number + 1}\ntagger A <a@example.org> 1700000000 +0000\ndata 4\ntext\n")
    fast_import(top, lines)
    listed = subprocess.run(
        ["git", "rev-list", "--reverse", "main"], cwd=top, capture_output=True, text=True, check=True
    )
    return listed.stdout.split()


def make_releases(git_dir: Path, commits: list[str]) -> None:
    lines = []
    for number, commit in enumerate(commits):
        tag = f"v{number // 100}.{number % 100}.0"
        message = f"{tag}: change\n\n" + render_trailers(Trailers(tag, "0" * 64, commit)) + "\n"
        start = "from refs/heads/main^0\n" if number == 0 else ""
        lines.append(
            f"commit refs/heads/main\ncommitter A <a@example.org> {1_700_000_000 + number} +0000\n"
            f"data {len(message.encode())}\n{message}{start}\n"
        )
        lines.append(f"reset refs/tags/{tag}\nfrom refs/heads/main\n\n")
    fast_import(git_dir, lines)


def run(count: int) -> list[tuple[str, Timing]]:
    from hfver.local_hub.serve import EmbeddedHub

    with tempfile.TemporaryDirectory(prefix="hfver-bench-") as name:
        root = Path(name)
        environ = own_environment(root) | {"HFVER_HUB_DIR": str(root / "hub")}
        top = root / "project"
        top.mkdir()
        subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=top, env=environ, check=True)
        commits = make_history(top, count, "v")
        subprocess.run(["git", "reset", "--quiet", "--hard"], cwd=top, env=environ, check=True)
        subprocess.run(
            ["hfver", "init", "--yes", "--quiet", "--model-name", "bench/m"], cwd=top, env=environ, check=True
        )
        with EmbeddedHub(root / "hub") as hub:
            from huggingface_hub import HfApi

            from hfver.local_hub.kinds import RepoKind

            HfApi(endpoint=hub.endpoint, token=hub.token).create_repo("bench/m")
            found = hub.hub.repos.find(RepoKind("model"), "bench", "m")
            assert found is not None
            make_releases(hub.hub.git.path(found.id), commits)
        first = timed(["hfver", "status", "--json"], top, environ, runs=1)
        results = [("hfver status, first time", first)]
        results += [
            (f"hfver {' '.join(command)}, warm", timed(["hfver", *command, "--json"], top, environ))
            for command in (["status"], ["log"], ["status", "--cached"], ["log", "--graph"])
        ]
        gto = root / "gto"
        gto.mkdir()
        subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=gto, env=environ, check=True)
        make_history(gto, count, "model@v")
        subprocess.run(["git", "reset", "--quiet", "--hard"], cwd=gto, env=environ, check=True)
        results.append(("gto show", timed(["gto", "show"], gto, environ, runs=1)))
        return results


def budgets(count: int) -> list[Budget]:
    found = dict(run(count))
    gto = f"gto show: {found['gto show'].wall:.1f} s"
    return [
        Budget(f"{label.split(',')[0]}, {count} versions, warm", timing.wall, 0.5, "s", gto)
        for label, timing in found.items()
        if label.endswith("warm")
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", type=int, default=1500)
    for label, timing in run(parser.parse_args().versions):
        print(f"{label:32} {timing.wall:7.2f} s wall {timing.cpu:7.2f} s CPU")


if __name__ == "__main__":
    main()
