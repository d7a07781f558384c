"""The CAS through the whole hub: the real Xet client, then the protocol where that client never goes."""

from __future__ import annotations

import errno
import hashlib
import json
import random
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hfver.local_hub import hashes, shards
from hfver.local_hub.content_store import ContentStore
from hfver.local_hub.routes.cas import READ_SCOPE, WRITE_SCOPE, cas_path
from hfver.local_hub.store_errors import FullStoreError
from tests.support.hub import HubForTests, running_hub
from tests.support.hub_process import finish, hub_process
from tests.support.raw_http import call
from tests.support.stores import content_of, files_below, upload
from tests.support.xet_bodies import File, Run, Xorb, make_xorb, shard_body, whole

CHANCE = random.Random(5)
SIZE = 4_000_000


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubForTests]:
    with running_hub(tmp_path / "hub") as running:
        yield running


def content(hub: HubForTests) -> ContentStore:
    return hub.server.hub.content


def written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def send(hub: HubForTests, repo: str, path: Path, **environment: str) -> None:
    done = hub.hf("upload", repo, path, path.name, **environment)
    assert done.returncode == 0, done.stderr


def fetched(hub: HubForTests, repo: str, name: str, folder: Path, **environment: str) -> bytes:
    """Into a folder, with an empty cache."""
    shutil.rmtree(folder, ignore_errors=True)
    done = hub.hf("download", repo, name, "--local-dir", folder, HF_HOME=str(folder / "home"), **environment)
    assert done.returncode == 0, done.stderr
    return (folder / name).read_bytes()


def posts(hub: HubForTests, kind: str) -> list[str]:
    return [path for method, path in hub.requests if method == "POST" and kind in path]


def test_what_either_kind_of_client_uploads_both_kinds_download(hub: HubForTests, tmp_path: Path) -> None:
    repo = hub.repo()
    for sender in ("0", "1"):
        file = written(tmp_path / f"by{sender}.bin", CHANCE.randbytes(SIZE))
        send(hub, repo, file, HF_HUB_DISABLE_XET=sender)
        for receiver in ("0", "1"):
            got = fetched(hub, repo, file.name, tmp_path / "out", HF_HUB_DISABLE_XET=receiver)
            assert got == file.read_bytes(), (sender, receiver)
    assert len(posts(hub, "/v1/xorbs/")) == 1


@pytest.mark.parametrize("cache", ["kept", "fresh"])
def test_a_changed_file_costs_what_changed(hub: HubForTests, tmp_path: Path, cache: str) -> None:
    repo = hub.repo()
    data = bytearray(CHANCE.randbytes(40_000_000))
    file = written(tmp_path / "weights.bin", bytes(data))
    send(hub, repo, file)
    before = sum(path.stat().st_size for path in (content(hub).root / "xorbs").rglob("*") if path.is_file())
    data[10_000_000:10_400_000] = CHANCE.randbytes(400_000)
    file.write_bytes(data)
    send(hub, repo, file, HF_HOME=str(tmp_path / cache) if cache == "fresh" else str(tmp_path / "home"))
    after = sum(path.stat().st_size for path in (content(hub).root / "xorbs").rglob("*") if path.is_file())
    assert 400_000 <= after - before <= 0.03 * len(data)
    assert fetched(hub, repo, file.name, tmp_path / "out") == data


def test_the_same_bytes_under_another_name_are_not_sent_again(hub: HubForTests, tmp_path: Path) -> None:
    repo = hub.repo()
    data = CHANCE.randbytes(SIZE)
    send(hub, repo, written(tmp_path / "a.bin", data))
    hub.forget_requests()
    send(hub, hub.repo("other"), written(tmp_path / "b.bin", data), HF_HOME=str(tmp_path / "fresh"))
    assert not posts(hub, "/v1/xorbs/")


def test_a_download_by_hand_can_ask_for_any_range(hub: HubForTests, tmp_path: Path) -> None:
    repo = hub.repo()
    data = CHANCE.randbytes(SIZE)
    send(hub, repo, written(tmp_path / "a.bin", data))
    url = f"{hub.endpoint}/{repo}/resolve/main/a.bin"
    assert call("GET", url)[1] == data
    for header, start, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=100000-200000", 100_000, 200_001),
        ("bytes=3999999-5000000", SIZE - 1, SIZE),
        ("bytes=-70000", SIZE - 70_000, SIZE),
        ("bytes=2000000-", 2_000_000, SIZE),
    ):
        status, body, headers = call("GET", url, Range=header)
        assert (status, body) == (206, data[start:end])
        assert headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert call("GET", url, Range=f"bytes={SIZE}-")[0] == 416


def test_a_cut_transfer_is_resumed(hub: HubForTests, tmp_path: Path) -> None:
    repo = hub.repo()
    data = CHANCE.randbytes(25_000_000)
    send(hub, repo, written(tmp_path / "a.bin", data))
    hub.faults.cut("GET", "/resolve/", after_bytes=15_000_000)
    hub.forget_requests()
    assert fetched(hub, repo, "a.bin", tmp_path / "plain", HF_HUB_DISABLE_XET="1") == data
    assert [method for method, path in hub.requests if "/resolve/" in path].count("GET") == 2
    hub.faults.cut("GET", "/xorbs/", after_bytes=1_000_000)
    hub.faults.fail("GET", "/reconstructions/", 503)
    assert fetched(hub, repo, "a.bin", tmp_path / "xet") == data


def test_uploads_survive_failures_on_the_way(hub: HubForTests, tmp_path: Path) -> None:
    repo = hub.repo()
    data = CHANCE.randbytes(SIZE)
    hub.faults.cut("POST", "/v1/xorbs/")
    hub.faults.fail("POST", "/v2/shards", 503, work_first=True)
    send(hub, repo, written(tmp_path / "a.bin", data))
    assert fetched(hub, repo, "a.bin", tmp_path / "out") == data


def test_a_client_that_remembers_collected_chunks_uploads_them_again(hub: HubForTests, tmp_path: Path) -> None:
    repo = hub.repo()
    file = written(tmp_path / "a.bin", CHANCE.randbytes(SIZE))
    send(hub, repo, file)
    hub.api.delete_repo(repo)
    assert content(hub).gc([], cutoff=time.time()).xorbs == 1
    repo = hub.repo("again")
    send(hub, repo, file)
    assert fetched(hub, repo, "a.bin", tmp_path / "out") == file.read_bytes()


def test_damage_is_never_served_and_the_next_upload_heals_it(hub: HubForTests, tmp_path: Path) -> None:
    repo = hub.repo()
    file = written(tmp_path / "a.bin", CHANCE.randbytes(SIZE))
    send(hub, repo, file)
    (xorb,) = [path for path in (content(hub).root / "xorbs").rglob("*") if path.is_file()]
    damaged = bytearray(xorb.read_bytes())
    damaged[2_000_000] ^= 16
    xorb.write_bytes(damaged)
    done = hub.hf("download", repo, "a.bin", "--local-dir", tmp_path / "out")
    assert done.returncode != 0
    send(hub, repo, written(tmp_path / "b.bin", file.read_bytes()))
    for name in ("a.bin", "b.bin"):
        assert fetched(hub, repo, name, tmp_path / "out") == file.read_bytes()


def test_building_on_a_damaged_upload_fails_once_and_then_heals(hub: HubForTests, tmp_path: Path) -> None:
    repo = hub.repo()
    data = CHANCE.randbytes(SIZE)
    send(hub, repo, written(tmp_path / "a.bin", data))
    (xorb,) = [path for path in (content(hub).root / "xorbs").rglob("*") if path.is_file()]
    damaged = bytearray(xorb.read_bytes())
    damaged[2_000_000] ^= 16
    xorb.write_bytes(damaged)
    longer = written(tmp_path / "a.bin", data + CHANCE.randbytes(100_000))
    done = hub.hf("upload", repo, longer, "a.bin")
    assert done.returncode != 0 and "does not match" in done.stderr + done.stdout
    send(hub, repo, longer)
    assert fetched(hub, repo, "a.bin", tmp_path / "out") == longer.read_bytes()


@pytest.mark.parametrize("late", [False, True], ids=["at once", "when synced"])
@pytest.mark.parametrize(("route", "status"), [("xorb", 400), ("shard", 400), ("lfs", 507)])
def test_a_full_disk_is_said_and_not_tried_again(
    hub: HubForTests, monkeypatch: pytest.MonkeyPatch, route: str, status: int, late: bool
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    assert content(hub).generation == 1  # opening the store writes, too
    where = "checked_files.os.fsync" if late else "checked_files.write_all"
    monkeypatch.setattr(f"hfver.local_hub.{where}", full)
    xorb = some_xorb()
    if route == "xorb":
        url, method, headers = f"{cas_url(hub)}/v1/xorbs/default/{hashes.to_text(xorb.hash)}", "POST", bearer(hub)
    elif route == "shard":
        url, method, headers = f"{cas_url(hub)}/v1/shards", "POST", bearer(hub)
    else:
        sha256, size = hashlib.sha256(xorb.body).hexdigest(), len(xorb.body)
        token, _ = hub.server.hub.capabilities.issue(f"lfs-put {sha256} {size}", 60)
        url = f"{hub.endpoint}/api/lfs/objects/{sha256}?size={size}&token={token}"
        method, headers = "PUT", {}
    got, answer, _ = call(method, url, xorb.body, **headers)
    assert got == status and (b"no room left" if late else b"No space left") in answer
    assert not [path for path in (content(hub).root / "tmp").glob("*/*") if path.is_file()]


def test_four_clients_at_once_on_two_servers_of_one_store(tmp_path: Path) -> None:
    shared = CHANCE.randbytes(6_000_000)
    folders = [tmp_path / f"model{number}" for number in range(4)]
    for number, folder in enumerate(folders):
        written(folder / "shared.bin", shared)
        written(folder / f"own{number}.bin", CHANCE.randbytes(3_000_000))
    with hub_process(tmp_path / "hub") as one, hub_process(tmp_path / "hub") as two:
        servers = list(enumerate([one, two, one, two]))
        for client in [s.start_hf(tmp_path / f"h{n}", "upload", f"{s.user}/m{n}", folders[n]) for n, s in servers]:
            finish(client)
        other = [(n, servers[n - 1][1]) for n in range(4)]
        options = {n: ("download", f"{one.user}/m{n}", "--local-dir", tmp_path / f"out{n}") for n in range(4)}
        for client in [s.start_hf(tmp_path / f"g{n}", *options[n]) for n, s in other]:
            finish(client)
    for number, folder in enumerate(folders):
        for file in folder.iterdir():
            assert (tmp_path / f"out{number}" / file.name).read_bytes() == file.read_bytes()


# The protocol by hand.


def bearer(hub: HubForTests, scope: str = WRITE_SCOPE, seconds: int = 60) -> dict[str, str]:
    return {"Authorization": f"Bearer {hub.server.hub.capabilities.issue(scope, seconds)[0]}"}


def cas_url(hub: HubForTests) -> str:
    return hub.endpoint + cas_path(content(hub))


def some_xorb() -> Xorb:
    return make_xorb([CHANCE.randbytes(CHANCE.randint(1000, 50_000)) for _ in range(6)], scheme=1)


def post_all(hub: HubForTests, xorb: Xorb, body: bytes) -> tuple[int, bytes]:
    text = hashes.to_text(xorb.hash)
    status, answer, _ = call("POST", f"{cas_url(hub)}/v1/xorbs/default/{text}", xorb.body, **bearer(hub))
    assert status == 200 and json.loads(answer)["was_inserted"] in (True, False)
    return call("POST", f"{cas_url(hub)}/v1/shards", body, **bearer(hub))[:2]


def rebuilt(hub: HubForTests, file: File, version: int, header: str | None) -> bytes:
    """What a client makes of a reconstruction."""
    headers = bearer(hub, READ_SCOPE) | ({"Range": header} if header else {})
    status, answer, _ = call("GET", f"{cas_url(hub)}/v{version}/reconstructions/{hashes.to_text(file.hash)}", **headers)
    assert status == 200
    plan = json.loads(answer)
    by_hash = {hashes.to_text(run.xorb.hash): run.xorb for run in file.runs}
    data = b""
    for term in plan["terms"]:
        xorb, start, end = by_hash[term["hash"]], term["range"]["start"], term["range"]["end"]
        (url, low, high, first) = fetch_for(plan, version, term)
        status, body, headers = call("GET", url, Range=f"bytes={low}-{high}")
        assert status == 206 and len(body) == high - low + 1
        offset = sum(len(encoded) for encoded in encoded_chunks(xorb)[:first])
        assert body == xorb.body[offset : offset + len(body)]
        piece = b"".join(xorb.chunks[start:end])
        assert len(piece) == term["unpacked_length"]
        data += piece
    return data[plan["offset_into_first_range"] :]


def encoded_chunks(xorb: Xorb) -> list[bytes]:
    return [make_xorb([chunk], scheme=1).body for chunk in xorb.chunks]


def fetch_for(plan: Any, version: int, term: Any) -> tuple[str, int, int, int]:
    start, end = term["range"]["start"], term["range"]["end"]
    if version == 1:
        entries = [(e["url"], e["range"], e["url_range"]) for e in plan["fetch_info"][term["hash"]]]
    else:
        (xorb,) = plan["xorbs"][term["hash"]]
        entries = [(xorb["url"], r["chunks"], r["bytes"]) for r in xorb["ranges"]]
    assert len({chunks["start"] for _, chunks, _ in entries}) == len(entries)
    ((url, chunks, span),) = [e for e in entries if e[1]["start"] <= start and end <= e[1]["end"]]
    return url, span["start"], span["end"], chunks["start"]


@pytest.mark.parametrize("version", [1, 2])
def test_reconstructions_lead_to_exactly_the_bytes_asked_for(hub: HubForTests, version: int) -> None:
    one, two = some_xorb(), some_xorb()
    file = File((Run(one, 1, 3), Run(two, 0, 6), Run(one, 2, 5), Run(one, 0, 1)))
    upload(content(hub), [file], [one, two])
    size = len(file.data)
    assert rebuilt(hub, file, version, None) == file.data
    edge = len(file.runs[0].data)
    for start in (0, 1, edge - 1, edge, edge + 1, size - 1):
        for last in (start, start + 60_000, size - 1, size + 1000):
            got = rebuilt(hub, file, version, f"bytes={start}-{last}")
            assert got[: last + 1 - start] == file.data[start : last + 1]
            assert len(got) < last - start + 1 + 50_000
    url = f"{cas_url(hub)}/v{version}/reconstructions/{hashes.to_text(file.hash)}"
    assert call("GET", url, Range=f"bytes={size}-{size + 5}", **bearer(hub))[0] == 416


def test_only_holders_of_the_right_token_are_admitted(hub: HubForTests) -> None:
    xorb = some_xorb()
    upload(content(hub), [whole(xorb)], [xorb])
    text = hashes.to_text(xorb.hash)
    read = f"{cas_url(hub)}/v1/reconstructions/{hashes.to_text(whole(xorb).hash)}"
    write = f"{cas_url(hub)}/v1/xorbs/default/{text}"
    assert call("GET", read)[0] == 401
    assert call("GET", read, **bearer(hub, seconds=-1))[0] == 401
    assert call("GET", read, Authorization=f"Bearer {hub.token}")[0] == 401
    assert call("GET", read, **bearer(hub, READ_SCOPE))[0] == 200
    assert call("POST", write, xorb.body, **bearer(hub, READ_SCOPE))[0] == 401
    assert call("POST", f"{cas_url(hub)}/v1/shards", b"x", **bearer(hub, READ_SCOPE))[0] == 401
    assert call("GET", f"{cas_url(hub)}/v1/chunks/default/{text}", **bearer(hub, READ_SCOPE))[0] == 401
    assert call("GET", f"{cas_url(hub)}/xorbs/{text}", **bearer(hub))[0] == 403


def test_a_signed_address_is_good_for_its_xorb_only(hub: HubForTests) -> None:
    one, two = some_xorb(), some_xorb()
    upload(content(hub), [whole(one), whole(two)], [one, two])
    read = f"{cas_url(hub)}/v1/reconstructions/{hashes.to_text(whole(one).hash)}"
    plan = json.loads(call("GET", read, **bearer(hub))[1])
    url = plan["fetch_info"][hashes.to_text(one.hash)][0]["url"]
    assert call("GET", url)[:2] == (200, one.body)
    assert call("GET", url.replace(hashes.to_text(one.hash), hashes.to_text(two.hash)))[0] == 403
    assert call("GET", url, Range=f"bytes={len(one.body)}-")[0] == 416


def test_a_writer_must_know_the_present_generation_and_a_reader_the_store(hub: HubForTests) -> None:
    xorb = some_xorb()
    upload(content(hub), [whole(xorb)], [xorb])
    old = cas_url(hub)
    status, answer = post_all(hub, xorb, shard_body([whole(some_xorb())], []))
    assert status == 400 and b"upload it first" in answer
    assert cas_url(hub) != old
    text = hashes.to_text(xorb.hash)
    read = f"/v1/reconstructions/{hashes.to_text(whole(xorb).hash)}"
    for path, body in ((f"/v1/xorbs/default/{text}", xorb.body), ("/v1/shards", b"x")):
        status, answer, _ = call("POST", old + path, body, **bearer(hub))
        assert status == 409 and b"start the transfer again" in answer
    assert call("GET", f"{old}/v1/chunks/default/{text}", **bearer(hub))[0] == 409
    assert call("GET", old + read, **bearer(hub))[0] == 200
    assert call("GET", f"{hub.endpoint}/cas/0123456789abcdef-1{read}", **bearer(hub))[0] == 409


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/xorb-grants/default/{hash}"),
        ("GET", "/v1/xorbs/default/{hash}"),
        ("PUT", "/v1/shards"),
        ("GET", "/v1/shards"),
        ("DELETE", "/v1/reconstructions/{hash}"),
        ("GET", "/v2/file-chunk-hashes/{hash}"),
        ("GET", "/v1/reconstructions"),
        ("GET", "/nothing"),
    ],
)
def test_what_is_not_offered_is_404_and_never_405(hub: HubForTests, method: str, path: str) -> None:
    url = cas_url(hub) + path.replace("{hash}", "0" * 64)
    assert call(method, url, b"{}" if method != "GET" else b"", **bearer(hub))[0] == 404


def test_nonsense_is_refused_for_good(hub: HubForTests) -> None:
    """400 ends a transfer at once, 5xx would be retried for minutes."""
    xorb = some_xorb()
    text = hashes.to_text(xorb.hash)
    url = cas_url(hub)
    assert call("POST", f"{url}/v1/xorbs/default/{text}", b"garbage", **bearer(hub))[0] == 400
    assert call("POST", f"{url}/v1/xorbs/default/{'0' * 64}", xorb.body, **bearer(hub))[0] == 400
    assert call("POST", f"{url}/v1/xorbs/default/..", xorb.body, **bearer(hub))[0] in (400, 404)
    assert call("POST", f"{url}/v1/shards", b"garbage", **bearer(hub))[0] == 400
    assert call("GET", f"{url}/v1/reconstructions/nothing", **bearer(hub))[0] == 400
    assert call("GET", f"{url}/v1/reconstructions/{text}", **bearer(hub))[0] == 404
    assert call("GET", f"{url}/v1/chunks/default/{text}", **bearer(hub))[0] == 404
    assert not files_below(content(hub).root)


def test_bodies_have_a_limit(hub: HubForTests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hfver.local_hub.xorbs.MAX_BODY_BYTES", 100_000)
    monkeypatch.setattr("hfver.local_hub.shards.MAX_BODY_BYTES", 100_000)
    url = cas_url(hub)
    assert call("POST", f"{url}/v1/xorbs/default/{'0' * 64}", bytes(100_001), **bearer(hub))[0] == 413
    assert call("POST", f"{url}/v1/shards", bytes(100_001), **bearer(hub))[0] == 413


def test_a_chunk_query_answers_with_a_shard(hub: HubForTests) -> None:
    xorb = some_xorb()
    assert post_all(hub, xorb, shard_body([whole(xorb)], [xorb])) == (200, b'{"result":1}')
    assert post_all(hub, xorb, shard_body([whole(xorb)], [xorb])) == (200, b'{"result":0}')
    first = hashes.to_text(xorb.nodes[0][0])
    status, answer, _ = call("GET", f"{cas_url(hub)}/v1/chunks/default/{first}", **bearer(hub))
    assert status == 200
    (listed,) = shards.parse(answer).xorbs
    assert listed.hash == xorb.hash
    assert content_of(content(hub), hashlib.sha256(whole(xorb).data).hexdigest()) == whole(xorb).data


def frames(hub: HubForTests, body: bytes) -> list[dict[str, Any]]:
    status, answer, _ = call("POST", f"{cas_url(hub)}/v2/shards", body, **bearer(hub))
    assert status == 200
    return [json.loads(line) for line in answer.splitlines()]


def test_newer_clients_get_progress_and_then_a_result_or_the_reason(
    hub: HubForTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    xorb = some_xorb()
    body = shard_body([whole(xorb)], [xorb])
    (error,) = frames(hub, body)
    assert error["type"] == "error" and error["retryable"] is False and "upload it first" in error["message"]
    upload(content(hub), [], [xorb])
    assert frames(hub, body) == [{"type": "result"}]
    monkeypatch.setattr("hfver.local_hub.routes.cas._HEARTBEAT_SECONDS", 0.01)
    release = threading.Event()
    monkeypatch.setattr(content(hub), "add_shard", lambda body: release.wait(10))
    threading.Timer(0.2, release.set).start()
    said = [frame["type"] for frame in frames(hub, body)]
    assert said[0] == "validating" and said[-1] == "result"


def test_a_full_disk_is_said_in_the_frame_of_an_error(hub: HubForTests, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(body: object) -> bool:
        raise FullStoreError(hub.server.store, "there is no room left on its disk", mend="df -h")

    monkeypatch.setattr(content(hub), "add_shard", full)
    (error,) = frames(hub, b"x")
    assert error["retryable"] is False and "no room left" in error["message"]


def test_a_mistake_of_the_hub_ends_an_upload_at_once(hub: HubForTests, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(body: object) -> bool:
        raise RuntimeError("a bug")

    monkeypatch.setattr(content(hub), "add_shard", broken)
    (error,) = frames(hub, b"x")
    assert error["type"] == "error" and error["retryable"] is False


def test_telemetry_is_taken_and_forgotten(hub: HubForTests) -> None:
    assert call("POST", f"{hub.endpoint}/v1/telemetry", b"{}")[0] == 200


def test_many_uploads_of_one_xorb_at_once_store_it_once(hub: HubForTests) -> None:
    xorb = some_xorb()
    with ThreadPoolExecutor(6) as pool:
        body = shard_body([whole(xorb)], [xorb])
        results = [future.result() for future in [pool.submit(post_all, hub, xorb, body) for _ in range(6)]]
    assert all(status == 200 for status, _ in results)
    assert len([name for name in files_below(content(hub).root) if not name.startswith("shard")]) == 1
