"""Writes docs/configuration.md from the schema: every key, what it means, its default, and the test that proves it.

python docs/make_configuration.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hfver.config.environment import CONFIG_VARIABLE, VARIABLES
from hfver.config.keys import Key, iter_keys
from hfver.config.schema import Details, HuggingFace

HERE = Path(__file__).resolve().parent
TARGET = HERE / "configuration.md"
PROVEN = HERE / "configuration_tests.json"

INTRODUCTION = """\
# Configuration

Two YAML files: the `huggingface:` section of your project's `config.yaml`, and the file it names
(`configs/huggingface_config.yaml`). Every key has a default, unless it says "required". `hfver config show` prints
what holds and from where, `hfver validate-config` checks both files, `hfver config schema` prints the JSON schema for
editors. A release reads both files from its own commit.

Each key does something, and the test in the last column proves it. This page is made from the schema by
`python docs/make_configuration.py`.
"""


def main() -> None:
    TARGET.write_text(render(), encoding="utf-8")


def render() -> str:
    parts = [INTRODUCTION, "## config.yaml", _table(HuggingFace, ("huggingface",))]
    parts += ["## configs/huggingface_config.yaml", _table(Details, ())]
    parts += ["## Environment", _environment()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def proofs() -> dict[str, str]:
    """The test of each key: ``path::name``."""
    found: dict[str, str] = json.loads(PROVEN.read_text(encoding="utf-8"))
    return found


def all_keys() -> list[Key]:
    return [*iter_keys(HuggingFace, ("huggingface",)), *iter_keys(Details)]


def _table(model: Any, prefix: tuple[str, ...]) -> str:
    tests = proofs()
    lines = ["| Key | Type | Default | Meaning | Proved by |", "| --- | --- | --- | --- | --- |"]
    for key in iter_keys(model, prefix):
        file, _, name = tests[key.dotted].partition("::")
        proof = f"[{name.removeprefix('test_').replace('_', ' ')}](../{file})"
        lines.append(f"| `{key.dotted}` | {key.kind} | {_default(key)} | {key.description} | {proof} |")
    return "\n".join(lines)


def _default(key: Key) -> str:
    if key.required:
        return "required"
    if key.default is None or key.default in ("", ()):
        return ""
    if isinstance(key.default, tuple):
        return ", ".join(f"`{item}`" for item in key.default)
    return f"`{str(key.default).lower() if isinstance(key.default, bool) else key.default}`"


def _environment() -> str:
    lines = ["| Variable | Sets |", "| --- | --- |"]
    lines += [f"| `{name}` | `{key}` |" for name, key, _ in VARIABLES]
    others = (
        (CONFIG_VARIABLE, "the main file, instead of config.yaml"),
        ("HF_TOKEN, HUGGINGFACE_TOKEN", "the token; else that of `hf auth login`"),
        ("HFVER_WEBHOOK_TOKEN", "sent to the webhook as a bearer token"),
        ("HFVER_SMTP_PASSWORD", "the password of the mail server"),
        ("HFVER_SKIP", "1: hooks do nothing"),
        ("HFVER_HUB_DIR", "where the embedded hub keeps its data"),
        ("LOG_LEVEL", "DEBUG, INFO, …: what hfver logs"),
    )
    lines += [f"| `{name}` | {meaning} |" for name, meaning in others]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
