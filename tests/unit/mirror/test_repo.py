"""What of a configs repository's history is listed again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from hfver.hub_state import HubCommit
from hfver.mirror.repo import ConfigsRepo, MirrorHub
from hfver.state import open_state

HISTORY = [HubCommit(f"{number:040}", f"commit {number}", "", "2026-01-01T00:00:00Z") for number in range(1000, 0, -1)]


class History:
    """A hub that has one line of commits and counts those it lists."""

    def __init__(self) -> None:
        self.listed = 0

    def commits(
        self, _repo: str, revision: str, *, until: Callable[[str], bool] = lambda _sha: False, repo_type: str = "model"
    ) -> list[HubCommit]:
        found = []
        for commit in HISTORY[[commit.sha for commit in HISTORY].index(revision) :]:
            found.append(commit)
            if until(commit.sha):
                break
        self.listed += len(found)
        return found


def test_each_process_lists_only_what_was_committed_since(tmp_path: Path) -> None:
    hub = History()
    with open_state(tmp_path) as state:

        def repo() -> ConfigsRepo:
            options: dict[str, Any] = {"repo_type": "dataset", "private": True, "create": True, "state": state}
            return ConfigsRepo(cast("MirrorHub", hub), "me/m-configs", "me/m", **options)

        assert [commit.sha for commit in repo().history(HISTORY[2].sha)] == [commit.sha for commit in HISTORY[2:]]
        assert hub.listed == 998
        assert list(repo().history(HISTORY[0].sha)) == HISTORY
        assert hub.listed == 1001
        assert list(repo().history(HISTORY[1].sha)) == HISTORY[1:]
        assert hub.listed == 1001
