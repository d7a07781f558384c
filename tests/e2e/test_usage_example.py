"""examples/huggingface_usage.py runs from start to end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "huggingface_usage.py"


def test_the_usage_example_runs(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(EXAMPLE)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for line in (
        "model_url: http",
        "/demo/usage/tree/v1.0.0",
        "small http",
        "accuracy > 0.8 does not hold: nothing was sent",
        "v2.0.0: aligned",
        "large: accuracy 0.9",
        "v1.0.0 exists already, with another model",
    ):
        assert line in done.stdout
