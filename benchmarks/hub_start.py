"""What the embedded hub adds to a command: CPU seconds of importing, starting, asking and stopping it.

    python -m benchmarks.hub_start [RUNS]

Each run is a new interpreter that has imported the Hub client already, on a store that exists. "asked" is two requests
(a repository's info and its refs) by that client, both ends counted.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile

STEPS = ("import", "start", "asked", "stop")
PROGRAM = """
import json, sys, time
from huggingface_hub import HfApi
HfApi(endpoint="http://127.0.0.1:1")
marks = [time.process_time()]
from hfver.local_hub.serve import EmbeddedHub
marks.append(time.process_time())
with EmbeddedHub() as hub:
    marks.append(time.process_time())
    api = HfApi(endpoint=hub.endpoint, token=hub.token)
    if sys.argv[1] == "prepare":
        api.create_repo("me/model")
    if sys.argv[1] == "ask":
        api.model_info("me/model")
        api.list_repo_refs("me/model")
    marks.append(time.process_time())
marks.append(time.process_time())
print(json.dumps([after - before for before, after in zip(marks, marks[1:])]))
"""


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory() as store:
        environment = {**os.environ, "HFVER_HUB_DIR": store, "HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "127.0.0.1"}
        measure("prepare", environment)
        for mode in ("idle", "ask"):
            rows = [measure(mode, environment) for _ in range(runs)]
            for step, seconds in zip(
                (*STEPS, "all"), (*zip(*rows, strict=True), [sum(row) for row in rows]), strict=True
            ):
                print(f"{mode:5} {step:7} min {min(seconds):.3f} s  median {statistics.median(seconds):.3f} s")


def measure(mode: str, environment: dict[str, str]) -> list[float]:
    command = [sys.executable, "-c", PROGRAM, mode]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    seconds: list[float] = json.loads(done.stdout)
    return seconds


if __name__ == "__main__":
    main()
