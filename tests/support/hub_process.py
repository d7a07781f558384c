"""A hub in a process of its own, which can be killed, and clients in theirs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SERVE = """
import json, sys
from pathlib import Path
from hfver.local_hub.serve import serve
serve(Path(sys.argv[1]), 0, lambda hub: print(json.dumps([hub.endpoint, hub.token, hub.user]), flush=True))
"""


@dataclass(slots=True)
class HubProcess:
    process: subprocess.Popen[str]
    endpoint: str
    token: str
    user: str

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        return {**os.environ, "HF_ENDPOINT": self.endpoint, "HF_TOKEN": self.token, "HF_HOME": str(home), **more}

    def start_hf(self, home: Path, *arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
        command = [str(Path(sys.executable).with_name("hf")), *map(str, arguments)]
        return subprocess.Popen(
            command,
            env=self.environment(home, **environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def hf(self, home: Path, *arguments: str | Path, **environment: str) -> None:
        finish(self.start_hf(home, *arguments, **environment))

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def finish(client: subprocess.Popen[str]) -> None:
    said, _ = client.communicate(timeout=100)
    assert client.returncode == 0, said


@contextmanager
def hub_process(store: Path) -> Iterator[HubProcess]:
    command = [sys.executable, "-c", _SERVE, str(store)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, "the hub did not start"
            yield HubProcess(process, *json.loads(line))
        finally:
            if process.poll() is None:
                process.terminate()
