from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from hfver.adapters.dvc_cache import DvcCache, NoMemory
from hfver.checkout.links import Linker
from hfver.errors import HfverError, IntegrityError, UnreachableError
from hfver.hashing import Advance, Digests, Hasher, HashName
from hfver.model import OutputFile
from hfver.receipt import Receipt
from hfver.sources import HubSource, Problem, content_differs, take_copy

CONTENT = b"weights"


def _file(content: bytes = CONTENT, *, sha256: str | None = None) -> OutputFile:
    return OutputFile("w", hashlib.md5(content).hexdigest(), len(content), sha256)


@pytest.fixture
def cache(tmp_path: Path) -> DvcCache:
    return DvcCache(tmp_path / "cache", NoMemory())


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (_file(), None),
        (_file(sha256=hashlib.sha256(CONTENT).hexdigest()), None),
        (_file(b"other"), f"md5 {hashlib.md5(CONTENT).hexdigest()}, expected 795f3202b17cb6bc3d4b771d8c6c9eaf"),
        (_file(sha256="0" * 64), f"sha256 {hashlib.sha256(CONTENT).hexdigest()[:16]}…, expected 0000000000000000…"),
    ],
    ids=["same", "same by both digests", "other md5", "other sha256"],
)
def test_content_differs_by_what_is_known_of_it(tmp_path: Path, wanted: OutputFile, said: str | None) -> None:
    (tmp_path / "w").write_bytes(CONTENT)
    assert content_differs(tmp_path / "w", wanted, "md5") == said


def test_a_place_that_cannot_be_read_is_passed_over(tmp_path: Path, cache: DvcCache) -> None:
    (tmp_path / "w").mkdir()
    reason = take_copy(tmp_path / "w", _file(), cache, Linker(["reflink", "copy"]), "md5")
    assert reason == f"{tmp_path / 'w'} cannot be read: Is a directory"
    assert list((tmp_path / "cache" / "hfver-tmp").iterdir()) == []


class _Hub:
    """Two releases with the same content; the newer one has something wrong with it."""

    def __init__(self, error: HfverError | None = None, at: str = "", content: bytes = CONTENT) -> None:
        self._error, self._at = error, at
        self.content = content
        self.hashed: list[str | None] = []

    def receipt(self, repo: str, revision: str) -> Receipt | None:
        if (self._at, revision) == ("receipt", "v2"):
            assert self._error is not None
            raise self._error
        file = _file(sha256=hashlib.sha256(CONTENT).hexdigest())
        return Receipt("1.0.0", revision, None, "m", "model", "2" * 32 + ".dir", (file,))

    def download(
        self,
        repo: str,
        revision: str,
        files: Sequence[OutputFile],
        into: Callable[[OutputFile], Path],
        done: Callable[[OutputFile, Path, Digests], None],
        advance: Advance,
        hashing: Callable[[OutputFile], HashName | None],
    ) -> None:
        if (self._at, revision) == ("file", "v2"):
            assert self._error is not None
            raise self._error
        for file in files:
            into(file).write_bytes(self.content)
            hasher = Hasher(hashing(file))
            self.hashed.append(hashing(file))
            hasher.update(self.content)
            done(file, into(file), hasher.digests())


def _source(cache: DvcCache, error: HfverError, at: str) -> HubSource:
    return HubSource(_Hub(error, at), "ns/m", lambda: ["v2", "v1"], cache)


@pytest.mark.parametrize("at", ["receipt", "file"])
def test_a_release_with_something_wrong_does_not_stand_in_the_way_of_others(cache: DvcCache, at: str) -> None:
    problems = _source(cache, IntegrityError("not a receipt"), at).obtain([_file()], lambda _size: None)
    assert problems == [Problem("", "ns/m@v2", "not a receipt")]
    assert cache.object_path(_file().md5).read_bytes() == CONTENT


@pytest.mark.parametrize("at", ["receipt", "file"])
def test_a_hub_that_does_not_answer_is_not_asked_for_every_release(cache: DvcCache, at: str) -> None:
    with pytest.raises(UnreachableError):
        _source(cache, UnreachableError("silent"), at).obtain([_file()], lambda _size: None)


def test_content_whose_sha256_is_proven_is_not_hashed_by_md5_again(cache: DvcCache) -> None:
    hub = _Hub()
    learnt: list[OutputFile] = []
    source = HubSource(hub, "ns/m", lambda: ["v1"], cache, is_proven=lambda _file: True, learn=learnt.extend)
    assert source.obtain([_file()], lambda _size: None) == []
    assert hub.hashed == [None]
    assert cache.object_path(_file().md5).read_bytes() == CONTENT
    assert [file.md5 for file in learnt] == [_file().md5]


def test_proven_content_that_comes_damaged_is_refused(cache: DvcCache) -> None:
    hub = _Hub(content=b"damaged")
    source = HubSource(hub, "ns/m", lambda: ["v1"], cache, is_proven=lambda _file: True)
    (problem,) = source.obtain([_file()], lambda _size: None)
    assert "damaged there" in problem.reason
    assert not cache.has(_file().md5)


def test_what_nobody_proved_and_old_text_digests_are_hashed_as_dvc_does(cache: DvcCache) -> None:
    for source in (
        HubSource(unproven := _Hub(), "ns/m", lambda: ["v1"], cache),
        HubSource(old := _Hub(), "ns/m", lambda: ["v1"], cache, "md5-dos2unix", is_proven=lambda _file: True),
    ):
        source.obtain([_file()], lambda _size: None)
    assert (unproven.hashed, old.hashed) == (["md5"], ["md5-dos2unix"])
