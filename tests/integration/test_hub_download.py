"""Files on their way from the Hub: in parts, wrong, and wanted by two at once."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hfver.adapters.dvc_cache import DvcCache, NoMemory
from hfver.adapters.hub_client import HubClient
from hfver.adapters.hub_download import HubReleases
from hfver.errors import UnreachableError
from hfver.hashing import Digests
from hfver.hub_state import HubRefs
from hfver.model import OutputFile
from hfver.state import State

CONTENT = bytes(range(251)) * 2_000
FILE = OutputFile("a", hashlib.md5(CONTENT).hexdigest(), len(CONTENT), hashlib.sha256(CONTENT).hexdigest())

Answer = Callable[[int, bool], Iterator[bytes]]


class _Client(HubClient):
    """Gives what it is told to, from an offset on."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("http://127.0.0.1:9", None, library_version="0")
        self.asked: list[tuple[int, bool]] = []
        self._answer = answer

    def refs(self, repo: str, *, repo_type: str = "model") -> HubRefs | None:
        return HubRefs(branches={}, tags={"v1.0.0": "0" * 40})

    @contextmanager
    def stream(
        self, repo: str, revision: str, path: str, *, start: int = 0, directly: bool = True, repo_type: str = "model"
    ) -> Iterator[Iterator[bytes]]:
        self.asked.append((start, directly))
        yield self._answer(start, directly)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State(tmp_path / "state.db")
    yield made
    made.close()


def test_a_file_got_in_parts_that_is_wrong_is_got_again_by_the_client_alone(
    tmp_path: Path, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would happen if the HTTP client kept bytes back that we then do not see."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)

    def answer(start: int, directly: bool) -> Iterator[bytes]:
        if start or not directly:
            yield CONTENT[start:]
        else:
            yield CONTENT[:1000]
            yield CONTENT[1010:]
            raise UnreachableError("silent")

    client = _Client(answer)
    got: list[Digests] = []
    counted: list[int] = []
    HubReleases(client, state).download(
        "r",
        "v1.0.0",
        [FILE],
        lambda _f: tmp_path / "a",
        lambda _f, _path, found: got.append(found),
        counted.append,
        lambda _f: "md5",
    )
    assert client.asked == [(0, True), (len(CONTENT) - 10, True), (0, False)]
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert got == [Digests(len(CONTENT), FILE.md5, FILE.sha256 or "")]
    assert sum(counted) == len(CONTENT)


def test_two_that_download_the_same_at_once_do_not_write_into_each_others_file(tmp_path: Path, state: State) -> None:
    turn = threading.Barrier(2, timeout=20)

    def answer(start: int, directly: bool) -> Iterator[bytes]:
        for at in range(start, len(CONTENT), 100_000):
            turn.wait()
            yield CONTENT[at : at + 100_000]
        turn.wait()  # neither is done before the other has all of it

    cache = DvcCache(tmp_path / "cache", NoMemory())
    inserted: list[tuple[str, Path]] = []

    def download() -> None:
        HubReleases(_Client(answer), state).download(
            "r",
            "v1.0.0",
            [FILE],
            lambda file: cache.temporary(f"hub-{file.sha256}"),
            lambda file, path, found: inserted.append((found.sha256, cache.insert(path, file.md5))),
            lambda _size: None,
            lambda _file: "md5",
        )

    threads = [threading.Thread(target=download) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inserted == [(FILE.sha256, cache.object_path(FILE.md5))] * 2
    assert cache.object_path(FILE.md5).read_bytes() == CONTENT
    assert list((tmp_path / "cache" / "hfver-tmp").iterdir()) == []
