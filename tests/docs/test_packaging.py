"""What is installed elsewhere is complete, and needs what it says it needs."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODULES = {
    "GitPython": "git",
    "PyYAML": "yaml",
    "detect-secrets": "detect_secrets",
    "markdown-it-py": "markdown_it",
    "ruamel.yaml": "ruamel",
}
# Parts of a library that it pins itself, under a name of their own.
PARTS = {"dvc_data": "dvc", "dvc_objects": "dvc", "pydantic_core": "pydantic"}
# Not imported by us: the Hub client uses it, and falls back to slower uploads without it.
USED_BY_OTHERS = {"hf_xet"}


def modules_of(requirements: Iterable[str]) -> set[str]:
    names = [re.split(r"[<>=!~\[; ]", requirement, maxsplit=1)[0] for requirement in requirements]
    return {MODULES.get(name, name.replace("-", "_")) for name in names}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def foreign_imports() -> set[str]:
    found = {name for path in (ROOT / "hfver").rglob("*.py") for name in imported(path)}
    return {PARTS.get(name, name) for name in found - set(sys.stdlib_module_names) - {"hfver"}}


def test_everything_that_is_imported_is_a_dependency() -> None:
    optional = {name for extra in PROJECT["optional-dependencies"].values() for name in modules_of(extra)}
    assert foreign_imports() - modules_of(PROJECT["dependencies"]) - optional == set()


def test_every_dependency_is_imported() -> None:
    assert modules_of(PROJECT["dependencies"]) - foreign_imports() - USED_BY_OTHERS == set()


def test_no_lock_names_a_host() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        assert "://" not in lock.read_text(encoding="utf-8"), lock.name


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(place), str(ROOT)],
        env={**os.environ, "SOURCE_DATE_EPOCH": "1767323045"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return place


def test_the_wheel_holds_the_hooks_the_configuration_and_the_types(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        hook = archive.read("hfver/_hooks/reference-transaction")
        (metadata,) = (archive.read(name).decode() for name in names if name.endswith(".dist-info/METADATA"))
    assert hook == (ROOT / "hooks" / "reference-transaction").read_bytes()
    assert {"hfver/_hooks/pre-push", "hfver/_hooks/post-commit", "hfver/py.typed"} <= names
    assert "hfver/_configs/huggingface_config.yaml" in names
    assert {f"hfver/{path.relative_to(ROOT / 'hfver')}" for path in (ROOT / "hfver").rglob("*.py")} <= names
    assert not [name for name in names if name.startswith(("tests", "docs", "benchmarks")) or "__pycache__" in name]
    assert "A git tag is a model release" in metadata


def test_the_source_archive_can_be_built_and_tested(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert {"hooks/pre-push", "configs/huggingface_config.yaml", "tests/conftest.py", "Makefile", "README.md"} <= names
    assert not [name for name in names if name.startswith((".venv", ".git/", "dist"))]
