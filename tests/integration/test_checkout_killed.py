"""Killed at any moment: the next run ends right, and nothing that only the workspace had is lost."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from dvc.repo import Repo

from tests.support.dvcing import new_dvc_repo, train, write_files
from tests.support.gitting import git
from tests.support.project import CONFIG, DETAILS

TRIALS = 60
COMMAND = [sys.executable, "-I", "-m", "hfver", "checkout"]


def _files(seed: int) -> dict[str, bytes | str]:
    """400 files, of which half differ between seeds, some are in one only, and some names change their kind."""
    dice = random.Random(seed)
    files: dict[str, bytes | str] = {f"d{at % 20}/same{at}": b"%d" % at for at in range(200)}
    files |= {f"d{at % 20}/f{at}": dice.randbytes(20_000) for at in range(150)}
    files |= {f"only{seed}/{at}": dice.randbytes(500) for at in range(50)}
    return files | ({"kind": "a file"} if seed == 1 else {"kind/of": "directory"})


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = new_dvc_repo(tmp_path_factory.mktemp("killed") / "repo")
    write_files(root, {"config.yaml": CONFIG.format(repo="me/model"), "configs/huggingface_config.yaml": DETAILS})
    train(root, _files(1), "v1.0.0")
    train(root, _files(2), "v2.0.0")
    return root


def content(root: Path) -> dict[str, bytes]:
    model = root / "model"
    return {str(path.relative_to(model)): path.read_bytes() for path in model.rglob("*") if path.is_file()}


def _kill_after(root: Path, seconds: float, *arguments: str) -> bool:
    """Whether the command was killed; it may have been quicker."""
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("link_type", ["copy", "hardlink"])
def test_the_next_run_ends_right_wherever_the_last_was_killed(template: Path, tmp_path: Path, link_type: str) -> None:
    root = tmp_path / "repo"
    shutil.copytree(template, root, symlinks=True)
    (root / ".dvc" / "config.local").write_text(f"[cache]\n    type = {link_type}\n")
    expected = {f"v{seed}.0.0": {name: _bytes(value) for name, value in _files(seed).items()} for seed in (1, 2)}
    started = time.monotonic()
    subprocess.run([*COMMAND, "v1.0.0", "--force"], cwd=root, check=True, capture_output=True)
    usual = time.monotonic() - started
    dice, killed = random.Random(link_type), 0
    for trial in range(TRIALS // 2):
        version = "v2.0.0" if trial % 2 else "v1.0.0"
        mine = f"my work {trial}".encode()
        (root / "model" / "d1" / "f1").unlink()  # written in place, a hard link would damage the cache
        write_files(root / "model", {"d0/mine": mine, "d1/f1": mine})
        killed += _kill_after(root, dice.uniform(0.1, 1.0) * usual, version, "--force")
        (root / ".git" / "index.lock").unlink(missing_ok=True)  # git's own, when it was git that was killed
        started = time.monotonic()
        subprocess.run([*COMMAND, version, "--force"], cwd=root, check=True, capture_output=True)
        usual = min(usual, time.monotonic() - started)  # the first one starts cold
        assert content(root) == expected[version]
        assert _object(root, mine).read_bytes() == mine
        assert git(root, "describe", "--tags", "--exact-match") == version
    with Repo(str(root)) as repo:
        assert repo.status() == {}
    assert killed > TRIALS // 8, "too few were killed at work for this to mean anything"


def _bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _object(root: Path, value: bytes) -> Path:
    md5 = hashlib.md5(value).hexdigest()
    return root / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
