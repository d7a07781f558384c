from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.world import AUTHOR, LeftLoopbackError


def test_home_and_caches_of_a_test_lie_in_its_own_directory(tmp_path: Path) -> None:
    for name in ("HOME", "HF_HOME", "XDG_CONFIG_HOME", "HFVER_HUB_DIR", "GIT_CONFIG_GLOBAL", "DVC_GLOBAL_CONFIG_DIR"):
        assert Path(os.environ[name]).is_relative_to(tmp_path.parent), name


def test_git_sees_only_the_identity_of_the_test(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    subprocess.run(["git", "commit", "--quiet", "--allow-empty", "-m", "x"], cwd=tmp_path, check=True)
    shown = subprocess.run(["git", "log", "--format=%an %cI"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert shown.stdout == f"{AUTHOR} 2026-01-02T03:04:05+00:00\n"


@pytest.mark.skipif("HFVER_CONTRACT_ENDPOINT" in os.environ, reason="another Hub was asked for")
def test_a_connection_off_this_machine_is_refused() -> None:
    with socket.socket() as plug, pytest.raises(LeftLoopbackError, match=r"192\.0\.2\.1"):
        plug.connect(("192.0.2.1", 80))
