"""``kill -9`` of the real command at random moments: running it again ends with one whole release of each version."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hfver.trailers import parse_trailers
from tests.support.hub import HubForTests, running_hub
from tests.support.project import Project, new_project

HFVER = str(Path(sys.executable).with_name("hfver"))
KILLS = 50  # in each of four runs
VERSIONS = 10


def kill_after(seconds: float, command: list[str], cwd: Path, environ: dict[str, str]) -> bool:
    """Start a command and kill it with its children; False when it was done before."""
    process = subprocess.Popen(
        command, cwd=cwd, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


@contextmanager
def project_on(kind: str, tmp_path: Path, shared: HubForTests) -> Iterator[tuple[Project, dict[str, str]]]:
    """A project on a hub that dies with the command (embedded), or on one that lives on."""
    project = new_project(tmp_path / "project", shared)
    environ = dict(os.environ)
    if kind == "served":
        environ |= {"HF_ENDPOINT": shared.endpoint, "HF_TOKEN": shared.token}
        yield project, environ
        return
    environ |= {"HFVER_HUB_DIR": str(tmp_path / "store"), "HFVER_ENDPOINT": "embedded"}
    yield project, environ


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("kind", ["embedded", "served"])
@pytest.mark.parametrize("seed", [1, 2])
def test_fifty_kills_lose_nothing_and_double_nothing(tmp_path: Path, hub: HubForTests, kind: str, seed: int) -> None:
    chance = random.Random(seed)
    with project_on(kind, tmp_path, hub) as (project, environ):
        killed = 0
        undisturbed = 2.0  # seconds a release takes; measured from the first one on
        for number in range(VERSIONS):
            project.train({"model.bin": random.Random(number).randbytes(1_200_000), "config.json": str(number)})
            project.tag(f"v1.{number}.0")
            command = [HFVER, "push", "--quiet", f"v1.{number}.0"]
            for _ in range(KILLS // VERSIONS):
                killed += kill_after(chance.uniform(0.1, 1.0) * undisturbed, command, project.top, environ)
            started = time.monotonic()
            subprocess.run(command, cwd=project.top, env=environ, check=True)
            undisturbed = min(undisturbed, max(time.monotonic() - started, 0.5))
        assert killed >= KILLS // 2, "too few commands lived long enough to be killed: the test proves nothing"
        verified = subprocess.run([HFVER, "verify", "--deep"], cwd=project.top, env=environ, capture_output=True)
        assert verified.returncode == 0, verified.stderr
        if kind == "served":
            assert_whole(project)
            return
        with running_hub(tmp_path / "store") as own:
            assert_whole(Project(project.top, own, project.repo_id))


def assert_whole(project: Project) -> None:
    state = project.hub_state()
    titles = [trailers.tag for commit in state.lines["main"] if (trailers := parse_trailers(commit.description))]
    assert titles == [f"v1.{number}.0" for number in reversed(range(VERSIONS))]
    assert set(state.refs.branches) == {"main"}
    assert set(state.refs.tags) == set(titles)
