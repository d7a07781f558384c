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
        "/your-username/mcp-finetuned-model/tree/v1.0.0",
        "optimized: http",
        "not good enough, nothing was sent",
        "v2.0.0: aligned",
        "best: final with 0.93",
    ):
        assert line in done.stdout
