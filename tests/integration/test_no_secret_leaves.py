"""Whatever the other side repeats of what it was sent, no secret is printed, logged or written to disk by hfver.

A Hub, a proxy, a mail server or a remote of DVC may quote the token in its refusal, in any spelling and at any step.
Every command is run against such a Hub; then all it printed and all files it could have written are searched.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import IO

import pytest

from docs.tools.command_line import all_commands
from tests.support.echoing import MANNERS, EchoingHub, echoing_hub, kept_in, shown_in
from tests.support.hub import HubForTests
from tests.support.project import new_project

HUB_TOKEN = "hf_" + "NotARealToken" * 3
PLAIN_TOKEN = "plainSelfHostedToken0123456789"
# What else a process of hfver is given.
OTHERS = {
    "HFVER_WEBHOOK_TOKEN": "webhookToken-0123456789",
    "HFVER_SMTP_PASSWORD": 'mail pass/word "1"',
    "HFVER_SIGNING_PASSPHRASE": "signing-Passphrase-42",
    "HFVER_WEBHOOK_URL": "http://127.0.0.1:9/services/T000/B000/webhookPath",
    "AWS_SECRET_ACCESS_KEY": "aws/Secret+Access0Key",
    "HTTPS_PROXY": "http://me:proxy-Passw0rd@127.0.0.1:9",
}
SECRETS = [*OTHERS.values(), "proxy-Passw0rd", "services/T000/B000/webhookPath"]

# Every command, as it is typed here, in an order in which each of them gets far enough to ask a Hub, if it does.
COMMANDS = [
    "status", "status --cached", "log", "log --graph", "diff v1.0.0", "verify", "verify --deep", "repair --yes",
    "push v2.0.0", "push --all-missing", "push --dry-run v2.0.0", "pull v1.0.0",
    "checkout v1.0.0", "checkout v1.0.0 --to out", "checkout v1.0.0 --to out2 --repo me/model", "gc --yes",
    "sync --model-path model --experiment-name base --allow-same --version-tag v3.0.0",
    "upload-model --model-path model --allow-same --version-tag v3.1.0",
    "upload-config --config-file params.yaml --experiment-name base",
    "upload-results --results-path params.yaml --experiment-name base",
    "download-model --version-tag v1.0.0 --local-dir got", "list-versions", "list-experiments", "compare base other",
    "card --output card.md", "card", "bump patch --allow-same", "track model",
    "config show", "config schema", "config validate", "validate-config",
    "trust --list", "trust https://me:{token}@hub.example", "trust {token}", "doctor", "doctor --fix",
    "hooks status", "hooks install", "hooks uninstall",
    "hub token", "hub path", "hub info", "hub scrub", "hub gc", "hub repair", "hub serve --port {port}",
    "completion bash", "init --yes --model-name me/other", "status {token}", "{token}",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Machine:
    """A project that was released once, and everything a process that works on it could write to."""

    root: Path
    home: Path  # with the directories of XDG and the caches of others in it
    top: Path

    def kept(self, secrets: Iterable[str]) -> list[str]:
        """The files that hold a secret."""
        return kept_in([self.root, self.home], secrets)

    def environment(self, endpoint: str, **more: str) -> dict[str, str]:
        here = {name: value for name, value in os.environ.items() if name not in ("HF_TOKEN", "HF_ENDPOINT")}
        # hfver's own directory first: git is started through a program that writes down its arguments.
        path = f"{self.root / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return {
            **here, "PATH": path, "HF_ENDPOINT": endpoint, "TMPDIR": str(self.root / "tmp"),
            "HF_XET_LOG_DEST": f"{self.home}/xet/", **OTHERS, **more,
        }  # fmt: skip


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory, hub_server: object) -> Path:
    """A project with a release on a Hub that knows how to behave; copied for each test."""
    root = tmp_path_factory.mktemp("released")
    project = new_project(root / "repo", HubForTests(hub_server))  # type: ignore[arg-type]
    (project.top / "params.yaml").write_text("lr: 0.1\n")
    project.train({"config.json": "{}", "weights.bin": b"1" * 4096})
    project.tag("v1.0.0")
    project.release("v1.0.0")
    project.train({"config.json": "{}", "weights.bin": b"2" * 4096})
    project.tag("v2.0.0")
    return project.top


@pytest.fixture
def machine(released: Path, tmp_path: Path) -> Machine:
    shutil.copytree(released, tmp_path / "repo", symlinks=True)
    for name in ("bin", "tmp"):
        (tmp_path / name).mkdir()
    git, log = shutil.which("git"), tmp_path / "arguments"
    shim = tmp_path / "bin" / "git"
    shim.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>"{log}"\nexec "{git}" "$@"\n')
    shim.chmod(0o755)
    return Machine(tmp_path, Path(os.environ["HOME"]).parent, tmp_path / "repo")


# Runs commands as the console script does, in one process: most of the time of one is its start.
SEVERAL = """
import json, os, sys
from hfver.__main__ import main
for line in os.fdopen(int(sys.argv[1])):
    sys.argv = ["hfver", *json.loads(line)]
    code = main()
    print("exit code", code, file=sys.stderr, flush=True)
    print("exit code", code, flush=True)
"""


class Typed:
    """Commands typed one after the other, and what they print."""

    def __init__(self, machine: Machine, environment: dict[str, str], *, extra: Sequence[str] = ()) -> None:
        self._extra = extra
        reading, writing = os.pipe()
        self._errors = (machine.root / "tmp" / "stderr").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-c", SEVERAL, str(reading)],
            cwd=machine.top, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors,
            text=True, pass_fds=[reading],
        )  # fmt: skip
        os.close(reading)
        self._commands: IO[str] = os.fdopen(writing, "w")

    def __call__(self, *arguments: str) -> str:
        """All one command printed, errors last."""
        assert self._process.stdout is not None
        before = self._errors.tell()
        self._commands.write(json.dumps([*arguments, *self._extra]) + "\n")
        self._commands.flush()
        out = []
        for line in self._process.stdout:
            out.append(line)
            if line.startswith("exit code "):
                break
        self._errors.seek(before)
        return "".join(out) + self._errors.read()

    def end(self) -> None:
        self._commands.close()
        assert self._process.stdout is not None
        assert self._process.stdout.read() == ""
        assert self._process.wait(timeout=60) is not None
        self._process.stdout.close()
        self._errors.close()
        Path(self._errors.name).unlink()


@contextmanager
def typing(machine: Machine, environment: dict[str, str], *, extra: Sequence[str] = ()) -> Iterator[Typed]:
    typed = Typed(machine, environment, extra=extra)
    try:
        yield typed
    finally:
        typed.end()


@pytest.fixture
def hub() -> Iterator[EchoingHub]:
    with echoing_hub() as running:
        yield running


def test_every_command_is_among_those_that_are_tried() -> None:
    leaves = {found.path for found in all_commands() if not found.is_group}
    tried = [tuple(command.split()) for command in COMMANDS]
    assert [path for path in leaves if not any(words[: len(path)] == path for words in tried)] == []


@pytest.mark.parametrize("token", [HUB_TOKEN, PLAIN_TOKEN], ids=["known form", "known value"])
@pytest.mark.parametrize("level", ["", "DEBUG"], ids=["quiet", "debug"])
@pytest.mark.parametrize("extra", [(), ("--json",)], ids=["text", "json"])
def test_no_command_shows_or_keeps_a_secret(
    token: str, level: str, extra: tuple[str, ...], machine: Machine, hub: EchoingHub
) -> None:
    # Each of the eight runs begins with another manner, so that a command meets many of them.
    at = (token == PLAIN_TOKEN) * 4 + bool(level) * 2 + bool(extra)
    manners = islice(cycle(MANNERS.values()), at, None)
    secrets = [token, *SECRETS]
    with typing(machine, machine.environment(hub.url, HF_TOKEN=f"{token}\n", LOG_LEVEL=level), extra=extra) as typed:
        for command, hub.manner in zip(COMMANDS, manners, strict=False):
            told = typed(*command.format(token=token, port=hub.url.rpartition(":")[2]).split())
            assert shown_in(told, secrets) == [], command
            shutil.rmtree(machine.top / ".dvc" / "cache", ignore_errors=True)  # so that content has to be asked for
    assert any(token in request for request in hub.requests), "the Hub never got the token"
    assert machine.kept(secrets) == []
