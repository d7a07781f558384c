"""A memory never stands in the way: what does not stand is thrown away, and the Hub asked again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hfver.errors import IntegrityError
from hfver.hub_state import HubCommit, HubRefs
from hfver.hub_view import read_receipt, recall_hub_state, recall_tags
from hfver.model import OutputFile
from hfver.receipt import GitOrigin, Receipt, dump_receipt
from hfver.state import State, open_state

REVISION = "a" * 40
FILE = OutputFile("w.bin", "0" * 32, 3, "1" * 64)
RECEIPT = Receipt("1.0.0", "v1.0.0", GitOrigin("b" * 40), "m", "model", "2" * 32 + ".dir", (FILE,))
OTHER = replace(RECEIPT, files=(FILE._replace(sha256="3" * 64),))


class Hub:
    """One that holds one receipt, and counts how often it is asked for."""

    place = "embedded"

    def __init__(self, body: bytes | None) -> None:
        self.body = body
        self.asked = 0

    def refs(self, repo: str, *, repo_type: str = "model") -> HubRefs | None:
        raise NotImplementedError

    def commits(self, repo: str, revision: str, *, until: Callable[[str], bool]) -> list[HubCommit]:
        raise NotImplementedError

    def read(self, repo: str, revision: str, path: str, *, limit: int) -> bytes | None:
        self.asked += 1
        return self.body


def read(hub: Hub, state: State, tree: str | None = RECEIPT.tree) -> Receipt | None:
    return read_receipt(hub, "me/m", REVISION, state, tree=tree)


def test_a_receipt_is_asked_for_once(tmp_path: Path) -> None:
    hub = Hub(dump_receipt(RECEIPT))
    with open_state(tmp_path) as state:
        assert read(hub, state) == read(hub, state) == read(hub, state, tree=None) == RECEIPT
    assert hub.asked == 1


@pytest.mark.parametrize(
    "remembered", [b"", b"\xff", b"[" * 100_000, b'{"files": []}', dump_receipt(OTHER)], ids=lambda body: repr(body[:9])
)
def test_a_remembered_receipt_that_does_not_stand_is_asked_for_again(tmp_path: Path, remembered: bytes) -> None:
    hub = Hub(dump_receipt(RECEIPT))
    with open_state(tmp_path) as state:
        state.remember_receipt("me/m", REVISION, remembered)
        assert read(hub, state) == RECEIPT
        assert read(hub, state) == RECEIPT
    assert hub.asked == 1


def test_a_receipt_of_another_tree_than_its_commit_names_is_none_and_not_remembered(tmp_path: Path) -> None:
    hub = Hub(dump_receipt(OTHER))
    with open_state(tmp_path) as state:
        for _ in range(2):
            with pytest.raises(IntegrityError, match="the release commit says"):
                read(hub, state)
        assert state.known_receipt("me/m", REVISION) is None
    assert hub.asked == 2


def test_when_the_memory_is_wrong_and_the_hub_has_nothing_there_is_nothing(tmp_path: Path) -> None:
    with open_state(tmp_path) as state:
        state.remember_receipt("me/m", REVISION, b"damaged")
        assert read(Hub(None), state) is None


@pytest.mark.parametrize(
    "body", ["", "[]", "7", "{}", "[" * 100_000, '{"branches": {}, "tags": 7}', '{"branches": {}, "tags": {"v1": 7}}']
)
def test_remembered_refs_that_are_none_were_never_asked_for(tmp_path: Path, body: str) -> None:
    with open_state(tmp_path) as state:
        state.remember_refs("embedded models/me/m", body, "now")
        assert recall_hub_state("embedded", "me/m", state) is None
        assert recall_tags("embedded", "me/m", "model", state) is None
