"""Large files from clients without Xet: the real client, and the protocol where the client never goes."""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import CommitOperationAdd
from huggingface_hub.errors import HfHubHTTPError

from hfver.local_hub.routes import lfs
from tests.support.hub import HubForTests, running_hub
from tests.support.raw_http import call
from tests.support.stores import add_file

# The client sends LFS bodies in a way its own HTTP library no longer recommends.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

PART = 1 << 20
CHANCE = random.Random(11)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubForTests]:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    with running_hub(tmp_path / "hub") as running:
        yield running


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lfs, "PART_BYTES", PART)


def batch(hub: HubForTests, repo: str, *objects: tuple[str, int], token: str = "", **fields: Any) -> Any:
    body = {
        "operation": "upload",
        "objects": [{"oid": oid, "size": size} for oid, size in objects],
        "ref": {"name": "main"},
    }
    status, answer, _ = call(
        "POST",
        f"{hub.endpoint}/{repo}.git/info/lfs/objects/batch",
        json.dumps(body | fields).encode(),
        Authorization=f"Bearer {token or hub.token}",
    )
    assert status == 200, answer
    return json.loads(answer)["objects"]


def oid_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def lfs_puts(hub: HubForTests) -> list[str]:
    return [path for method, path in hub.requests if method == "PUT"]


def test_a_client_without_xet_uploads_downloads_and_uploads_again_for_nothing(hub: HubForTests, tmp_path: Path) -> None:
    repo = hub.repo()
    data = CHANCE.randbytes(3_000_000)
    hub.api.upload_file(path_or_fileobj=data, path_in_repo="a.bin", repo_id=repo)
    assert Path(hub.api.hf_hub_download(repo, "a.bin")).read_bytes() == data
    assert len(lfs_puts(hub)) == 1
    hub.api.upload_file(path_or_fileobj=data, path_in_repo="copy.bin", repo_id=repo)
    assert len(lfs_puts(hub)) == 1
    assert Path(hub.api.hf_hub_download(repo, "copy.bin")).read_bytes() == data


def test_a_file_object_goes_through_lfs(hub: HubForTests) -> None:
    repo = hub.repo()
    data = CHANCE.randbytes(2_000_000)
    hub.api.upload_file(path_or_fileobj=io.BytesIO(data), path_in_repo="b.bin", repo_id=repo)
    assert Path(hub.api.hf_hub_download(repo, "b.bin")).read_bytes() == data


@pytest.mark.usefixtures("small_parts")
def test_a_large_file_travels_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    with running_hub(tmp_path / "hub") as hub:
        repo = hub.repo()
        data = CHANCE.randbytes(3 * PART + 5)
        hub.api.upload_file(path_or_fileobj=data, path_in_repo="a.bin", repo_id=repo)
        assert len(lfs_puts(hub)) == 4
        assert Path(hub.api.hf_hub_download(repo, "a.bin")).read_bytes() == data


@pytest.mark.usefixtures("small_parts")
def test_a_part_that_fails_is_sent_again_and_only_that_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with running_hub(tmp_path / "hub") as hub:
        repo = hub.repo()
        data = CHANCE.randbytes(3 * PART)
        hub.faults.fail("PUT", r"/api/lfs/uploads/[^/]+/2\?", 503)
        hub.api.upload_file(path_or_fileobj=data, path_in_repo="a.bin", repo_id=repo)
        numbers = [path.split("?")[0][-1] for path in lfs_puts(hub)]
        assert numbers == ["1", "2", "2", "3"]
        assert Path(hub.api.hf_hub_download(repo, "a.bin")).read_bytes() == data


@pytest.mark.usefixtures("small_parts")
def test_parts_of_something_else_are_refused(tmp_path: Path) -> None:
    with running_hub(tmp_path / "hub") as hub:
        data = CHANCE.randbytes(PART + 1)
        (answer,) = batch(hub, hub.repo(), (oid_of(data), len(data)))
        upload = answer["actions"]["upload"]
        complete = json.dumps({"oid": oid_of(data), "parts": []}).encode()
        assert call("PUT", upload["header"]["1"], data[:PART])[0] == 200
        assert call("POST", upload["href"], complete)[0] == 400
        assert call("PUT", upload["header"]["2"], b"xx")[0] in (400, 413)
        status, _, headers = call("PUT", upload["header"]["2"], bytes([data[-1] ^ 1]))
        assert status == 200 and headers["etag"].startswith('"')
        assert call("POST", upload["href"], complete)[0] == 400
        assert call("PUT", upload["header"]["1"], data[:PART])[0] == 404
        assert not hub.server.hub.content.lookup([oid_of(data)])


@pytest.mark.usefixtures("small_parts")
def test_a_completion_asked_for_twice_succeeds_twice(tmp_path: Path) -> None:
    with running_hub(tmp_path / "hub") as hub:
        data = CHANCE.randbytes(PART + 1)
        (answer,) = batch(hub, hub.repo(), (oid_of(data), len(data)))
        upload = answer["actions"]["upload"]
        assert call("PUT", upload["header"]["2"], data[PART:])[0] == 200
        assert call("PUT", upload["header"]["1"], data[:PART])[0] == 200
        complete = json.dumps({"oid": oid_of(data), "parts": []}).encode()
        assert call("POST", upload["href"], complete)[0] == 200
        assert call("POST", upload["href"], complete)[0] == 200


def test_bytes_that_are_not_what_was_announced_are_refused(hub: HubForTests) -> None:
    repo = hub.repo()
    data = b"announced" * 1000
    (answer,) = batch(hub, repo, (oid_of(data), len(data)))
    href = answer["actions"]["upload"]["href"]
    for body in (data[:-1] + b"X", data[:-1], data + b"X"):
        status, text, _ = call("PUT", href, body)
        assert 400 <= status < 500, text
        assert not hub.server.hub.content.lookup([oid_of(data)])
    verify = answer["actions"]["verify"]["href"]
    said = json.dumps({"oid": oid_of(data), "size": len(data)}).encode()
    assert call("POST", verify, said, Authorization=f"Bearer {hub.token}")[0] == 404
    assert call("PUT", href, data)[0] == 200
    assert call("POST", verify, said, Authorization=f"Bearer {hub.token}")[0] == 200
    (again,) = batch(hub, repo, (oid_of(data), len(data)))
    assert "actions" not in again and "error" not in again


def test_whoever_proposed_a_change_may_send_more_files_for_it(hub: HubForTests) -> None:
    repo = hub.repo()
    bob = hub.server.hub.accounts.add("bob")
    api = hub.api_with(hub.server.hub.accounts.issue_token(bob))
    proposed = api.create_commit(repo, [CommitOperationAdd("a.txt", b"a")], commit_message="m", create_pr=True)
    data = CHANCE.randbytes(2_000_000)
    api.upload_file(path_or_fileobj=data, path_in_repo="b.bin", repo_id=repo, revision=proposed.pr_revision)
    assert set(hub.api.list_repo_files(repo, revision="refs/pr/1")) == {".gitattributes", "a.txt", "b.bin"}
    with pytest.raises(HfHubHTTPError, match="403"):
        api.upload_file(path_or_fileobj=data[1:], path_in_repo="b.bin", repo_id=repo)


def test_more_bytes_than_announced_are_too_many(hub: HubForTests) -> None:
    (answer,) = batch(hub, hub.repo(), (oid_of(b"one"), 3))
    assert call("PUT", answer["actions"]["upload"]["href"], b"four")[0] == 413


def test_an_upload_address_is_good_for_its_object_only(hub: HubForTests) -> None:
    (answer,) = batch(hub, hub.repo(), (oid_of(b"one"), 3))
    href = answer["actions"]["upload"]["href"]
    assert call("PUT", href.replace(oid_of(b"one"), oid_of(b"two")), b"two")[0] == 403
    assert call("PUT", href.replace("size=3", "size=4"), b"four")[0] == 403
    assert call("PUT", href.partition("?")[0] + "?size=3", b"one")[0] == 403


def test_a_size_that_differs_from_the_stored_one_is_an_error_of_that_object(hub: HubForTests) -> None:
    repo = hub.repo()
    add_file(hub.server.hub.content, [b"stored"])
    (answer,) = batch(hub, repo, (oid_of(b"stored"), 7))
    assert answer["error"]["code"] == 422 and "actions" not in answer


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b'{"operation":"delete","objects":[]}',
        b'{"operation":"upload","objects":{}}',
        b'{"operation":"upload","objects":[7]}',
        b'{"operation":"upload","objects":[{"oid":"../../etc/passwd","size":1}]}',
        b'{"operation":"upload","objects":[{"oid":"%s","size":-1}]}' % (b"a" * 64),
        b'{"operation":"upload","objects":[{"oid":"%s","size":true}]}' % (b"a" * 64),
        b'{"operation":"upload","hash_algo":"md5","objects":[]}',
    ],
)
def test_a_batch_that_makes_no_sense_is_refused(hub: HubForTests, body: bytes) -> None:
    url = f"{hub.endpoint}/{hub.repo()}.git/info/lfs/objects/batch"
    assert call("POST", url, body, Authorization=f"Bearer {hub.token}")[0] == 400


def test_nobody_uploads_without_a_token_or_reads_a_private_repository(hub: HubForTests) -> None:
    private, public = hub.repo("private", private=True), hub.repo("public")
    for repo, operation, expected in (
        (public, "upload", 401),
        (private, "upload", 401),
        (private, "download", 401),
        (public, "download", 200),
    ):
        body = json.dumps({"operation": operation, "objects": [], "ref": {"name": "main"}}).encode()
        assert call("POST", f"{hub.endpoint}/{repo}.git/info/lfs/objects/batch", body)[0] == expected


def test_a_downloaded_object_can_be_read_in_ranges(hub: HubForTests) -> None:
    data = CHANCE.randbytes(200_000)
    stored = add_file(hub.server.hub.content, [data])
    known, unknown = batch(hub, hub.repo(), (stored.sha256, 200_000), ("0" * 64, 5), operation="download")
    assert unknown["error"]["code"] == 404
    href = known["actions"]["download"]["href"]
    assert call("GET", href)[:2] == (200, data)
    status, body, headers = call("GET", href, Range="bytes=100-65999")
    assert (status, body) == (206, data[100:66_000])
    assert headers["content-range"] == "bytes 100-65999/200000"
    assert call("GET", href, Range="bytes=200000-")[0] == 416
    assert call("GET", href.replace("token=", "token=1"))[0] == 403


def test_nothing_is_left_of_refused_uploads(hub: HubForTests) -> None:
    (answer,) = batch(hub, hub.repo(), (oid_of(b"one"), 3))
    assert call("PUT", answer["actions"]["upload"]["href"], b"two")[0] == 400
    content = hub.server.hub.content.root
    assert not [path for path in (content / "tmp").rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert not list((content / "files").rglob("*"))


def test_the_command_line_client_uploads_without_xet(hub: HubForTests, tmp_path: Path) -> None:
    data = CHANCE.randbytes(2_000_000)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights.bin").write_bytes(data)
    repo = hub.repo()
    sent = hub.hf("upload", repo, tmp_path / "model", HF_HUB_DISABLE_XET="1")
    assert sent.returncode == 0, sent.stderr
    fetched = hub.hf("download", repo, "--local-dir", tmp_path / "out", HF_HUB_DISABLE_XET="1")
    assert fetched.returncode == 0, fetched.stderr
    assert (tmp_path / "out" / "weights.bin").read_bytes() == data
