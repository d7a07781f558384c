from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfver.local_hub.access import Capabilities


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_capability_is_for_its_scope_and_its_time(tmp_path: Path) -> None:
    clock = Clock()
    capabilities = Capabilities(tmp_path, clock=clock)
    token, expires = capabilities.issue("xet-write", 60)
    assert expires == 1_000_060
    assert capabilities.check(token, "xet-write")
    assert not capabilities.check(token, "xet-read")
    clock.now = 1_000_060
    assert not capabilities.check(token, "xet-write")


def test_the_time_cannot_be_changed(tmp_path: Path) -> None:
    capabilities = Capabilities(tmp_path)
    token, expires = capabilities.issue("xet-write", 60)
    assert not capabilities.check(token.replace(str(expires), str(expires + 1)), "xet-write")


def test_another_process_checks_what_one_issued_and_another_store_does_not(tmp_path: Path) -> None:
    token, _ = Capabilities(tmp_path / "a").issue("s", 60)
    assert Capabilities(tmp_path / "a").check(token, "s")
    assert not Capabilities(tmp_path / "b").check(token, "s")


def test_only_the_owner_can_read_the_secret(tmp_path: Path) -> None:
    Capabilities(tmp_path)
    secret = tmp_path / "secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600 and secret.stat().st_size == 32


@pytest.mark.parametrize("damaged", [b"", b"short", b"x" * 33])
def test_a_damaged_secret_is_made_anew_and_the_same_for_all(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "secret").write_bytes(damaged)
    token, _ = Capabilities(tmp_path).issue("s", 60)
    assert Capabilities(tmp_path).check(token, "s")


@given(st.text(max_size=80))
def test_other_texts_are_no_capabilities(text: str) -> None:
    assert not _SHARED.check(text, "s")
    assert not _SHARED.check(f"9999999999.{text}", "s")


class _Fixed(Capabilities):
    def __init__(self) -> None:
        self._secret = b"k" * 32
        self._clock = Clock()


_SHARED = _Fixed()
