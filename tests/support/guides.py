"""Runs the blocks of a guide as its reader would, from top to bottom in one project.

A comment before a block says what the block itself does not:

    <!-- illustration -->        not run (it needs a person, or another network)
    <!-- new training -->        first the model changes, as after a training; `: exp1 exp2` names other directories
    <!-- needs: training -->     run only where PyTorch and transformers are installed
    <!-- exit: 4 -->             the shell block is to end with this exit code

A ``text`` block is what the block before it prints: its lines in this order, ``…`` for what differs each time. A
``yaml`` block that starts with the name of a file is written there; any other is a part of the detailed configuration.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

_DIRECTIVE = re.compile(r"<!-- ([a-z ]+?)(?:: (.*?))? -->")
_KERNEL = """
import contextlib, io, json, sys, traceback
names = {"__name__": "__main__"}
for line in sys.stdin:
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            exec(compile(json.loads(line), "guide", "exec"), names)
        failed = ""
    except BaseException:
        failed = traceback.format_exc()
    print(json.dumps([said.getvalue(), failed]), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its text, the line it starts at, and what the comments before it say."""

    language: str
    text: str
    line: int
    directives: Mapping[str, str] = field(default_factory=dict)


def read_blocks(markdown: str) -> Iterator[Block]:
    directives: dict[str, str] = {}
    lines = iter(enumerate(markdown.splitlines(), 1))
    for number, line in lines:
        if found := _DIRECTIVE.fullmatch(line):
            directives[found[1]] = found[2] or ""
        elif line.startswith("```"):
            body = []
            for _, inner in lines:
                if inner == "```":
                    break
                body.append(inner)
            yield Block(line[3:], "\n".join(body) + "\n", number, directives)
            directives = {}


class Python:
    """One interpreter for all Python blocks of a guide: names live on from block to block."""

    def __init__(self, cwd: Path, environ: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _KERNEL], cwd=cwd, env=dict(environ), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def __enter__(self) -> Python:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, code: str) -> tuple[str, str]:
        """What the code printed, and the traceback it ended with, if any."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(code) + "\n")
        self._process.stdin.flush()
        said, failed = json.loads(self._process.stdout.readline())
        return said, failed


@dataclass
class Reader:
    """Somebody who follows a guide in one project directory."""

    project: Path
    environ: Mapping[str, str]
    training: bool = False
    trainings: int = 0
    printed: str = ""
    run: int = 0  # blocks that did something

    def follow(self, guide: Path) -> None:
        with Python(self.project, self.environ) as python:
            for block in read_blocks(guide.read_text(encoding="utf-8")):
                try:
                    self._do(block, python)
                except AssertionError as error:
                    raise AssertionError(f"{guide.name}:{block.line}: {error}") from error

    def _do(self, block: Block, python: Python) -> None:
        if "illustration" in block.directives or (block.directives.get("needs") == "training" and not self.training):
            return
        if "new training" in block.directives:
            for name in (block.directives["new training"] or "mcp_finetuned_model").split():
                self.train(name)
        if block.language == "python":
            self.printed, failed = python.run(block.text)
            assert not failed, f"the block failed\n{block.text}\n{failed}"
        elif block.language == "bash":
            self._shell(block)
        elif block.language == "yaml":
            self._yaml(block)
        elif block.language == "text":
            missing = first_missing(block.text, self.printed)
            assert missing is None, f"nothing like {missing!r} was printed:\n{self.printed}"
        else:
            raise AssertionError(f"what is {block.language!r} to be done with?")
        self.run += block.language != "text"

    def _shell(self, block: Block) -> None:
        done = subprocess.run(
            ["bash", "-eu", "-c", block.text], cwd=self.project, env=dict(self.environ), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.printed = done.stdout
        wanted = int(block.directives.get("exit", 0))
        assert done.returncode == wanted, f"exit {done.returncode}, not {wanted}\n{block.text}\n{done.stdout}"
        assert "Traceback" not in done.stdout, done.stdout

    def _yaml(self, block: Block) -> None:
        name = re.match(r"# (\S+\.yaml)\n", block.text)
        if name is not None:
            (self.project / name[1]).write_text(block.text, encoding="utf-8")
            return
        problems = problems_of(block.text)
        assert not problems, problems

    def train(self, name: str) -> None:
        """Make the model another one, as a training does."""
        self.trainings += 1
        place = self.project / name
        place.mkdir(exist_ok=True)
        (place / "config.json").write_text('{"model_type": "llama"}\n')
        (place / "model.safetensors").write_bytes(_safetensors(self.trainings))
        results = {"accuracy": 0.9 + self.trainings / 1000, "eval_loss": 0.3}
        (place / "eval_results.json").write_text(json.dumps(results))


def first_missing(expected: str, printed: str) -> str | None:
    """The first line of ``expected`` that ``printed`` does not have after the lines before it."""
    rest = iter(printed.splitlines())
    for line in expected.splitlines():
        pattern = ".*".join(re.escape(part) for part in line.split("…"))
        if not any(re.search(pattern if line.startswith("…") else f"^{pattern}", candidate) for candidate in rest):
            return line
    return None


def problems_of(details: str) -> str:
    """What is wrong with a part of the detailed configuration; empty when nothing is."""
    from hfver.config.load import load_revision
    from hfver.errors import ConfigError

    files = {
        "config.yaml": b"huggingface: {repository: {model_name: me/model}}\n",
        "configs/huggingface_config.yaml": details.encode(),
    }
    if details.startswith("huggingface:"):
        files = {"config.yaml": details.encode()}
    try:
        load_revision(files.get, environ={}, label="guide")
    except ConfigError as error:
        return error.message
    return ""


def reader_environment(endpoint: str, token: str) -> dict[str, str]:
    """Signed in to a Hub, with hfver on the path, and no waiting between tries."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "HF_ENDPOINT": endpoint, "HF_TOKEN": token, "HFVER_RETRY_DELAY": "0"}


def _safetensors(value: int) -> bytes:
    header: dict[str, Any] = {"w": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}}
    encoded = json.dumps(header).encode()
    return len(encoded).to_bytes(8, "little") + encoded + value.to_bytes(8, "little")
