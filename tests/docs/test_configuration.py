"""docs/configuration.md is what the schema says, and every key has a test that exists."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def page() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_configuration", ROOT / "docs" / "make_configuration.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_made_from_the_schema(page: ModuleType) -> None:
    written = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert written == page.render(), "run: python docs/make_configuration.py"


def test_every_key_is_proved_by_a_test_that_exists(page: ModuleType) -> None:
    proofs: dict[str, str] = page.proofs()
    assert set(proofs) == {key.dotted for key in page.all_keys()}
    for key, proof in proofs.items():
        path, _, name = proof.partition("::")
        source = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}\(", source, re.MULTILINE), f"{key}: {proof} does not exist"
