"""Who may import whom, and what must not be loaded to start."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "hfver"
HEAVY = (
    "dvc",
    "dvc_data",
    "dvc_objects",
    "huggingface_hub",
    "git",
    "pydantic",
    "starlette",
    "uvicorn",
    "rich",
    "pygit2",
)
OURS_ALONE = {"dvc", "dvc_data", "dvc_objects", "huggingface_hub", "git", "hf_xet"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


def test_only_adapters_import_dvc_the_hub_client_and_gitpython() -> None:
    found = {
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in modules()
        if "adapters" not in path.parts
        for name in imported(path)
        if name.split(".")[0] in OURS_ALONE
    }
    assert found == set(), "these libraries change under us: one adapter each, so that one place has to follow"


def test_the_embedded_hub_knows_nothing_of_the_rest() -> None:
    found = {
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in modules()
        if "local_hub" in path.parts
        for name in imported(path)
        if name.split(".")[0] == "hfver" and not name.startswith("hfver.local_hub")
    }
    assert found == set(), "it sits across the wire: what it shares with its clients is the protocol"


def test_the_core_does_not_import_the_command_line() -> None:
    entries = {"__main__.py", "entry.py"}
    found = {
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in modules()
        if "cli" not in path.parts and path.name not in entries
        for name in imported(path)
        if name.startswith("hfver.cli")
    }
    assert found == set(), "the library outlives its command line"


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_load_nothing_heavy(argument: str) -> None:
    program = (
        "import sys\n"
        "from hfver.cli.main import run\n"
        f"run([{argument!r}])\n"
        f"print(sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_the_hook_entry_loads_nothing_heavy() -> None:
    heavy = (*HEAVY, "click", "yaml")
    program = f"import sys\nimport hfver.hooks.entry\nprint(sorted(set(sys.modules) & set({heavy!r})))\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
