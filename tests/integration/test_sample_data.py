"""The project's own DVC setup: its sample model comes out of a fresh clone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")
def test_the_sample_model_is_pulled_in_a_fresh_clone(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    listed = subprocess.run(
        ["git", "ls-files", "-z", ".dvc", ".dvcignore", "examples"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, clone / name)
    subprocess.run(["git", "init", "--quiet"], cwd=clone, check=True)
    pulled = subprocess.run([sys.executable, "-m", "dvc", "pull"], cwd=clone, capture_output=True, text=True)
    assert pulled.returncode == 0, pulled.stdout + pulled.stderr
    assert sorted(path.name for path in (clone / "examples" / "tiny_model").iterdir()) == [
        "config.json",
        "model.safetensors",
    ]
    status = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--quiet"], cwd=clone, capture_output=True, text=True
    )
    assert status.returncode == 0
