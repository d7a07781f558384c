"""``examples/mcp_finetune/run_training.sh`` itself, with stand-ins for what takes time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "mcp_finetune"

# Writes its arguments down, one a line; says what `hfver config show` says of a key that is true.
RECORDER = """\
#!/bin/sh
for word in "${0##*/}" "$@"; do printf '%s\\n' "$word"; done >>"$CALLS"
echo >>"$CALLS"
[ "$1 $2" = "config show" ] && printf '%s\\ttrue\\tfile\\n' "$3"
exit 0
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    top = tmp_path / "my 模型"
    shutil.copytree(EXAMPLE, top, ignore=shutil.ignore_patterns("data", "__pycache__", "mcp_finetuned_model"))
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("hfver", "dvc"):
        (tools / name).write_text(RECORDER)
        (tools / name).chmod(0o755)
    (tools / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tools / "python").chmod(0o755)
    return top


def run(place: Path, *arguments: str, shell: str = "sh") -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PATH": f"{place.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    environ["CALLS"] = str(place.parent / "calls")
    command = [*shell.split(), str(place / "run_training.sh"), *arguments]
    return subprocess.run(command, cwd=place.parent, env=environ, capture_output=True, text=True)


def calls(place: Path) -> list[list[str]]:
    return [call.split("\n") for call in (place.parent / "calls").read_text().rstrip("\n").split("\n\n")]


@pytest.mark.parametrize("shell", ["sh", "bash", "busybox sh"])
@pytest.mark.parametrize("name", ["custom one.yaml", "a&b|c.yaml", "配置's.yaml", "true", "a: b #c.yaml"])
def test_a_configuration_may_have_any_name(place: Path, name: str, shell: str) -> None:
    if shutil.which(shell.split(maxsplit=1)[0]) is None:
        pytest.skip(f"{shell} is not installed")
    shutil.copy(place / "config.yaml", place / name)
    done = run(place, "--config", name, "--experiment-name", "007", "--version-tag", "v1.0.0", shell=shell)
    assert (done.returncode, done.stderr) == (0, "")
    text = (place / "params.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(text) == {"config": name, "experiment": "007"}
    assert text.startswith("# What the pipeline")
    assert calls(place)[-1] == [
        "hfver", "sync", "--config", name, "--model-path", "mcp_finetuned_model", "--experiment-name", "007",
        "--version-tag", "v1.0.0",
    ]  # fmt: skip
    assert calls(place)[1] == ["dvc", "repro"]


@pytest.mark.parametrize("name", ['a"b', "a$(touch hacked)b", "a`touch hacked`b", "a\\b"])
def test_what_would_be_more_than_a_name_in_a_command_is_refused(place: Path, name: str) -> None:
    done = run(place, "--experiment-name", name)
    assert done.returncode == 2
    assert "run_training.sh: --experiment-name cannot have" in done.stderr
    assert not (place.parent / "calls").exists()


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [([], True), (["--skip-hf-sync"], False), (["--force-hf-sync"], True)],
    ids=["as configured", "skipped", "forced"],
)
def test_the_flags_say_whether_anything_is_sent(place: Path, arguments: list[str], sent: bool) -> None:
    done = run(place, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    syncs = [call for call in calls(place) if call[1] == "sync"]
    assert len(syncs) == sent
    assert all(("--force-hf-sync" in call) == ("--force-hf-sync" in arguments) for call in syncs)
