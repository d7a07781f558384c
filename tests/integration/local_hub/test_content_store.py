from __future__ import annotations

import errno
import hashlib
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfver.local_hub import hashes, shards
from hfver.local_hub.content_errors import (
    DamagedContentError,
    FormatError,
    MissingContentError,
    UnknownXorbError,
)
from hfver.local_hub.content_store import ContentStore
from hfver.local_hub.store_errors import DamagedStoreError
from tests.support.stores import add_file, content_of, files_below, opened, put_shard, put_xorb, received, upload
from tests.support.xet_bodies import File, Run, Xorb, make_xorb, shard_body, whole

CHANCE = random.Random(7)


def random_xorb(chunks: int = 5, size: int = 3000, scheme: int = 0) -> Xorb:
    return make_xorb([CHANCE.randbytes(CHANCE.randint(1, size)) for _ in range(chunks)], scheme)


def flip(path: Path, at: int = 10) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def xorb_path(root: Path, xorb: Xorb) -> Path:
    (path,) = (root / "xorbs").rglob(f"{hashes.to_text(xorb.hash)}.*")
    return path


@pytest.mark.parametrize("scheme", [0, 1, 2])
def test_a_file_of_several_runs_reads_back_whole_and_in_every_range(tmp_path: Path, scheme: int) -> None:
    one, two = random_xorb(6, 9000, scheme), random_xorb(4, 9000, scheme)
    file = File((Run(one, 1, 4), Run(two, 0, 4), Run(one, 0, 2), Run(one, 1, 2)))
    with opened(tmp_path) as store:
        upload(store, [file], [one, two])
        found = store.lookup([file.sha256, "0" * 64])
        assert {sha: (o.size, o.xet_hash) for sha, o in found.items()} == {
            file.sha256: (len(file.data), hashes.to_text(file.hash))
        }
        assert content_of(store, file.sha256) == file.data
        edges = sorted({0, 1, len(file.data) - 1, len(file.data), *(len(run.data) for run in file.runs), 5000})
        for start in edges:
            for end in edges:
                if start <= end:
                    assert b"".join(store.read(file.sha256, start, end)) == file.data[start:end]
        assert b"".join(store.read(file.sha256, 7)) == file.data[7:]


def test_reads_come_in_blocks_of_bounded_size(tmp_path: Path) -> None:
    big = make_xorb([CHANCE.randbytes(131_072) for _ in range(150)])
    with opened(tmp_path) as store:
        upload(store, [whole(big)], [big])
        plain = add_file(store, iter([whole(big).data]))
        sizes = [len(block) for block in store.read(plain.sha256)]
        assert max(sizes) <= 8 << 20 and sum(sizes) == len(whole(big).data)
    with opened(tmp_path / "other") as store:
        upload(store, [whole(big)], [big])
        sizes = [len(block) for block in store.read(whole(big).sha256)]
        assert max(sizes) <= 8 << 20 and sum(sizes) == len(whole(big).data)


def test_a_whole_file_is_stored_under_its_sha256(tmp_path: Path) -> None:
    data = CHANCE.randbytes(200_000)
    with opened(tmp_path) as store:
        stored = add_file(store, [data[:100], data[100:]])
        assert (stored.sha256, stored.size, stored.xet_hash) == (hashlib.sha256(data).hexdigest(), len(data), None)
        assert store.lookup([stored.sha256]) == {stored.sha256: stored}
        assert b"".join(store.read(stored.sha256, 65_000, 66_000)) == data[65_000:66_000]
        add_file(store, [data])
        assert len(files_below(tmp_path)) == 1


def test_empty_files_can_be_stored_both_ways(tmp_path: Path) -> None:
    empty = hashlib.sha256().hexdigest()
    with opened(tmp_path) as store:
        upload(store, [File(())], [])
        assert content_of(store, empty) == b""
    with opened(tmp_path / "other") as store:
        add_file(store, [])
        assert content_of(store, empty) == b""


def test_what_is_not_stored_is_missing_at_once(tmp_path: Path) -> None:
    with opened(tmp_path) as store, pytest.raises(MissingContentError):
        store.read("0" * 64)


def test_a_xorb_that_is_not_what_it_claims_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    xorb, other = random_xorb(), random_xorb()
    with opened(tmp_path) as store:
        with pytest.raises(FormatError, match="hash to something else"):
            put_xorb(store, xorb, claimed=other.hash)
        with pytest.raises(FormatError), received(store, xorb.body[:-1]) as pending:
            store.add_xorb(xorb.hash, pending)
        assert not files_below(tmp_path)
        assert put_xorb(store, xorb)
        assert not put_xorb(store, xorb)
        assert len(files_below(tmp_path)) == 1


def test_a_shard_that_lies_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    xorb = random_xorb()
    good = whole(xorb)
    body = shard_body([good], [xorb])
    with opened(tmp_path) as store:
        put_xorb(store, xorb)
        before = files_below(tmp_path)
        wrong_sha = shard_body([good], [xorb], sha256="ab" * 32)
        at_hash, at_size, at_end = 48, 96 + 36, 96 + 44
        wrong = {
            "sha256": wrong_sha,
            "file hash": body[:at_hash] + bytes([body[at_hash] ^ 1]) + body[at_hash + 1 :],
            "size": body[:at_size] + bytes([body[at_size] ^ 1]) + body[at_size + 1 :],
            "chunk range": body[:at_end] + (6).to_bytes(4, "little") + body[at_end + 4 :],
            "chunk list": body[:-80] + bytes([body[-80] ^ 1]) + body[-79:],
        }
        for what, lie in wrong.items():
            with pytest.raises(FormatError):
                put_shard(store, lie)
            assert files_below(tmp_path) == before, what
            assert not store.lookup([good.sha256, "ab" * 32]), what
        assert put_shard(store, body)
        with pytest.raises(FormatError, match="sha256"):
            put_shard(store, wrong_sha)


def test_a_sha256_the_client_did_not_compute_is_computed_here(tmp_path: Path) -> None:
    xorb = random_xorb()
    with opened(tmp_path) as store:
        put_xorb(store, xorb)
        put_shard(store, shard_body([whole(xorb)], [xorb], with_sha256=False))
        assert content_of(store, whole(xorb).sha256) == whole(xorb).data


def test_a_shard_that_names_an_unknown_xorb_moves_the_store_to_a_new_address(tmp_path: Path) -> None:
    xorb = random_xorb()
    with opened(tmp_path) as store:
        before = store.generation
        with pytest.raises(UnknownXorbError):
            put_shard(store, shard_body([whole(xorb)], []))
        assert store.generation > before
        assert not store.lookup([whole(xorb).sha256])


def test_the_same_shard_again_changes_nothing(tmp_path: Path) -> None:
    xorb = random_xorb()
    with opened(tmp_path) as store:
        upload(store, [whole(xorb)], [xorb])
        before = files_below(tmp_path)
        assert not put_shard(store, shard_body([whole(xorb)], [xorb]))
        assert files_below(tmp_path) == before


def test_a_query_for_a_first_chunk_answers_with_the_newest_version_of_the_file(tmp_path: Path) -> None:
    first, changed, unrelated = random_xorb(), random_xorb(), random_xorb()
    with opened(tmp_path) as store:
        upload(store, [whole(unrelated)], [unrelated])
        upload(store, [whole(first)], [first])
        newer = File((Run(first, 0, 2), Run(changed, 0, 5)))
        upload(store, [newer], [changed])
        answer = store.dedup_answer(first.nodes[0][0])
        assert answer is not None
        assert {x.hash for x in shards.parse(answer).xorbs} == {first.hash, changed.hash}
        assert store.dedup_answer(bytes(32)) is None


def test_an_answer_to_a_query_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hfver.local_hub.dedup._ANSWER_BYTES", 48 * 13)
    several = [random_xorb() for _ in range(6)]
    with opened(tmp_path) as store:
        upload(store, [File(tuple(Run(x, 0, 5) for x in several))], several)
        answer = store.dedup_answer(several[0].nodes[0][0])
        assert answer is not None
        listed = [x.hash for x in shards.parse(answer).xorbs]
        assert len(listed) == 2 and several[0].hash in listed


def test_scrub_finds_a_flipped_bit_names_the_files_and_uploading_again_heals(tmp_path: Path) -> None:
    shared, lone = random_xorb(), random_xorb()
    one, two, safe = whole(shared), File((Run(shared, 1, 3), Run(lone, 0, 2))), whole(lone)
    with opened(tmp_path) as store:
        upload(store, [one, two, safe], [shared, lone])
        assert store.scrub() == []
        generation = store.generation
        flip(xorb_path(tmp_path, shared))
        (damage,) = store.scrub()
        assert (damage.kind, damage.name) == ("xorb", hashes.to_text(shared.hash))
        assert damage.sha256s == tuple(sorted([one.sha256, two.sha256]))
        assert store.generation > generation
        assert set(store.lookup([one.sha256, two.sha256, safe.sha256])) == {safe.sha256}
        assert store.dedup_answer(shared.nodes[0][0]) is None
        assert store.scrub() == []
        # Only one of the two files is uploaded again, and both are whole.
        upload(store, [one], [shared])
        assert content_of(store, one.sha256) == one.data
        assert content_of(store, two.sha256) == two.data


def test_a_damaged_file_heals_when_its_chunks_come_in_other_xorbs(tmp_path: Path) -> None:
    first = random_xorb()
    repacked = make_xorb([b"other", *first.chunks])
    with opened(tmp_path) as store:
        upload(store, [whole(first)], [first])
        flip(xorb_path(tmp_path, first))
        store.scrub()
        file = File((Run(repacked, 1, 6),))
        assert file.hash == whole(first).hash
        upload(store, [file], [repacked])
        assert content_of(store, file.sha256) == file.data


def test_scrub_finds_a_flipped_bit_in_a_whole_file(tmp_path: Path) -> None:
    data = CHANCE.randbytes(100_000)
    with opened(tmp_path) as store:
        sha256 = add_file(store, [data]).sha256
        (path,) = (tmp_path / "files").rglob(f"{sha256}.*")
        flip(path, 99_999)
        (damage,) = store.scrub()
        assert (damage.kind, damage.sha256s) == ("file", (sha256,))
        assert not store.lookup([sha256])
        add_file(store, [data])
        assert content_of(store, sha256) == data


def test_a_reader_never_gets_damaged_bytes_and_takes_them_out_of_the_index(tmp_path: Path) -> None:
    xorb, data = random_xorb(), CHANCE.randbytes(1000)
    with opened(tmp_path) as store:
        upload(store, [whole(xorb)], [xorb])
        sha256 = add_file(store, [data]).sha256
        flip(xorb_path(tmp_path, xorb))
        flip(next((tmp_path / "files").rglob(f"{sha256}.*")))
        for damaged in (sha256, whole(xorb).sha256):
            with pytest.raises(DamagedContentError):
                content_of(store, damaged)
            assert not store.lookup([damaged])
        assert put_xorb(store, xorb)
        assert content_of(store, whole(xorb).sha256) == whole(xorb).data


def test_a_vanished_xorb_makes_its_files_absent_and_can_be_uploaded_again(tmp_path: Path) -> None:
    xorb = random_xorb()
    with opened(tmp_path) as store:
        upload(store, [whole(xorb)], [xorb])
        xorb_path(tmp_path, xorb).unlink()
        assert not store.lookup([whole(xorb).sha256])
        with pytest.raises(UnknownXorbError):
            put_shard(store, shard_body([whole(xorb)], []))
        upload(store, [whole(xorb)], [xorb])
        assert content_of(store, whole(xorb).sha256) == whole(xorb).data


def test_young_content_is_not_collected(tmp_path: Path) -> None:
    xorb = random_xorb()
    with opened(tmp_path) as store:
        upload(store, [whole(xorb)], [xorb])
        sha256 = add_file(store, [b"whole"]).sha256
        report = store.gc([], cutoff=time.time() - 3600)
        assert (report.files, report.xorbs, report.freed_bytes) == (0, 0, 0)
        assert set(store.lookup([sha256, whole(xorb).sha256])) == {sha256, whole(xorb).sha256}


def test_a_dry_run_says_what_collection_would_do_and_does_nothing(tmp_path: Path) -> None:
    xorb, kept = random_xorb(), random_xorb()
    with opened(tmp_path) as store:
        upload(store, [whole(xorb)], [xorb])
        upload(store, [whole(kept)], [kept])
        before, generation = files_below(tmp_path), store.generation
        planned = store.gc([whole(kept).sha256], cutoff=time.time(), dry_run=True)
        assert files_below(tmp_path) == before and store.generation == generation
        done = store.gc([whole(kept).sha256], cutoff=time.time())
        assert (planned.files, planned.xorbs, planned.freed_bytes) == (done.files, done.xorbs, done.freed_bytes)
        assert done.xorbs == 1 and store.generation > generation
        assert not store.lookup([whole(xorb).sha256])
        assert content_of(store, whole(kept).sha256) == whole(kept).data


def test_a_file_collected_under_a_reader_is_an_error_and_not_an_empty_file(tmp_path: Path) -> None:
    xorb = random_xorb()
    with opened(tmp_path) as store:
        upload(store, [whole(xorb)], [xorb])
        blocks = store.read(whole(xorb).sha256)
        store.gc([], cutoff=time.time())
        with pytest.raises(MissingContentError):
            next(blocks)


def test_collecting_only_whole_files_keeps_the_address(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        add_file(store, [b"whole"])
        generation = store.generation
        assert store.gc([], cutoff=time.time()).files == 1
        assert store.generation == generation and not files_below(tmp_path)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_collection_frees_exactly_what_no_live_file_needs(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("history")
    pool = [make_xorb([bytes([i, j]) * (i + j + 1) for j in range(4)]) for i in range(6)]
    with opened(root) as store:
        present: dict[str, File] = {}
        plain: dict[str, bytes] = {}
        stored_xorbs: set[bytes] = set()
        for _ in range(data.draw(st.integers(1, 4), label="rounds")):
            for _ in range(data.draw(st.integers(0, 3), label="uploads")):
                chosen = data.draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3))
                runs = []
                for xorb in chosen:
                    start = data.draw(st.integers(0, 3))
                    runs.append(Run(xorb, start, data.draw(st.integers(start + 1, 4))))
                file = File(tuple(runs))
                new = {x.hash: x for x in chosen if x.hash not in stored_xorbs}
                upload(store, [file], list(new.values()))
                # The same content may be known in other runs already, which then stay as they are.
                present.setdefault(file.sha256, file)
                stored_xorbs |= set(new)
            if data.draw(st.booleans()):
                content = data.draw(st.binary(max_size=50))
                plain[add_file(store, [content]).sha256] = content
            live = {sha for sha in [*present, *plain] if data.draw(st.booleans())}
            generation = store.generation
            store.gc(live, cutoff=time.time())
            present = {sha: file for sha, file in present.items() if sha in live}
            plain = {sha: content for sha, content in plain.items() if sha in live}
            needed = {run.xorb.hash for file in present.values() for run in file.runs}
            on_disk = {hashes.from_text(p.name.partition(".")[0]) for p in (root / "xorbs").rglob("*") if p.is_file()}
            assert on_disk == needed
            assert (store.generation > generation) == bool(stored_xorbs - needed)
            stored_xorbs = needed
            assert {p.name.partition(".")[0] for p in (root / "files").rglob("*") if p.is_file()} == set(plain)
            assert set(store.lookup([*present, *plain])) == live
            for sha, file in present.items():
                assert content_of(store, sha) == file.data
            for sha, content in plain.items():
                assert content_of(store, sha) == content
        assert store.scrub() == []


def test_the_index_is_rebuilt_from_what_is_on_disk(tmp_path: Path) -> None:
    one, two, orphan = random_xorb(), random_xorb(), random_xorb()
    files = [whole(one), File((Run(one, 1, 3), Run(two, 0, 5)))]
    with opened(tmp_path) as store:
        upload(store, files[:1], [one])
        upload(store, files[1:], [two])
        put_xorb(store, orphan)
        plain = add_file(store, [b"plain" * 1000])
        old = store.store_id
    for path in tmp_path.glob("content.db*"):
        path.unlink()
    flip(xorb_path(tmp_path, orphan))
    with opened(tmp_path) as store:
        # What clients remember about the old address may not hold for what could be saved.
        assert store.store_id != old
        for file in files:
            assert content_of(store, file.sha256) == file.data
        assert content_of(store, plain.sha256) == b"plain" * 1000
        assert store.dedup_answer(two.nodes[0][0]) is None
        answer = store.dedup_answer(one.nodes[0][0])
        assert answer is not None and {x.hash for x in shards.parse(answer).xorbs} == {one.hash}
        assert put_xorb(store, orphan)


@pytest.mark.parametrize("damage", [b"", b"garbage"])
def test_a_kept_shard_that_cannot_be_read_costs_its_own_files_only(tmp_path: Path, damage: bytes) -> None:
    one, two = random_xorb(), random_xorb()
    with opened(tmp_path) as store:
        upload(store, [whole(one)], [one])
        (first,) = (tmp_path / "shards").iterdir()
        upload(store, [whole(two)], [two])
    first.write_bytes(damage)
    for path in tmp_path.glob("content.db*"):
        path.unlink()
    with opened(tmp_path) as store:
        assert set(store.lookup([whole(one).sha256, whole(two).sha256])) == {whole(two).sha256}
        upload(store, [whole(one)], [one])
        assert content_of(store, whole(one).sha256) == whole(one).data


@pytest.mark.parametrize(("number", "lost"), [(errno.EMFILE, False), (errno.EACCES, False), (errno.EIO, True)])
def test_only_the_disk_can_make_scrub_give_up_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, lost: bool
) -> None:
    xorb = random_xorb()

    def refuse(*_: object, **_named: object) -> None:
        raise OSError(number, "refused")

    with opened(tmp_path) as store:
        upload(store, [whole(xorb)], [xorb])
        with monkeypatch.context() as patched:
            patched.setattr("hfver.local_hub.checked_files.os.pread", refuse)
            if lost:
                patched.setattr(
                    "hfver.local_hub.stored_xorbs.Path.open", refuse
                )  # nor does it give them in any other way
                assert len(store.scrub()) == 1
            else:
                with pytest.raises(OSError, match="refused"):
                    store.scrub()
        assert bool(store.lookup([whole(xorb).sha256])) is not lost


def test_a_damaged_index_says_how_to_mend_it(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        add_file(store, [b"x"])
    (tmp_path / "content.db").write_bytes(b"garbage" * 2000)
    with pytest.raises(DamagedStoreError, match=r"content\.db: it is damaged") as told:
        ContentStore(tmp_path)
    assert "hub repair" in told.value.mend


def test_sweeping_removes_leftovers_of_closed_stores_and_leaves_open_ones_alone(tmp_path: Path) -> None:
    xorb = random_xorb()
    with opened(tmp_path) as busy, opened(tmp_path) as store:
        pending = busy.pending()
        pending.write([b"half an upload"])
        dead = tmp_path / "tmp" / "0123456789ab"
        dead.mkdir()
        (dead / "0").write_bytes(b"left behind")
        (tmp_path / "tmp" / "0123456789ab.lock").touch()
        put_xorb(store, xorb)
        kept = files_below(tmp_path)
        orphans = [
            tmp_path / "xorbs" / "ab" / f"{'ab' * 32}.0123456789ab-1",
            tmp_path / "shards" / "shard.0123456789ab-2",
            tmp_path / "files" / "cd" / f"{'cd' * 32}.0123456789ab-3",
        ]
        for orphan in orphans:
            orphan.parent.mkdir(parents=True, exist_ok=True)
            orphan.write_bytes(b"x")
        store.sweep()
        assert not dead.exists() and not (tmp_path / "tmp" / "0123456789ab.lock").exists()
        assert files_below(tmp_path) == kept
        assert pending.path.exists()
        pending.discard()


def test_two_stores_on_one_directory_agree(tmp_path: Path) -> None:
    several = [random_xorb() for _ in range(12)]
    with opened(tmp_path) as one, opened(tmp_path) as two:
        assert one.store_id == two.store_id
        start = threading.Barrier(4)

        def work(store: ContentStore) -> None:
            start.wait()
            for xorb in several:
                upload(store, [whole(xorb)], [xorb])
                assert content_of(store, whole(xorb).sha256) == whole(xorb).data

        with ThreadPoolExecutor(4) as pool:
            for future in [pool.submit(work, store) for store in (one, two, one, two)]:
                future.result()
        assert len([name for name in files_below(tmp_path) if not name.startswith("shard")]) == len(several)
        for store in (one, two):
            assert len(store.lookup(whole(xorb).sha256 for xorb in several)) == len(several)
        one.gc([], cutoff=time.time())
        assert two.generation == one.generation and not two.lookup([whole(several[0]).sha256])
