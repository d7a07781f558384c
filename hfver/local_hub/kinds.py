"""The three kinds of repository and how each is spelled in paths."""

from __future__ import annotations

from enum import StrEnum


class RepoKind(StrEnum):
    MODEL = "model"
    DATASET = "dataset"
    SPACE = "space"

    @property
    def plural(self) -> str:
        return f"{self.value}s"

    @property
    def prefix(self) -> str:
        """What stands before the repo id in git and download paths: nothing for models."""
        return "" if self is RepoKind.MODEL else f"{self.plural}/"
