"""Checklist "lfs": clients without Xet, and objects that are sent as streams."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from huggingface_hub import CommitOperationAdd
from huggingface_hub.errors import HfHubHTTPError

from tests.contract.conftest import Remote
from tests.support.hub import HubForTests

DATA = np.random.default_rng(5).bytes((1 << 20) + 5)
SHA256 = hashlib.sha256(DATA).hexdigest()


def batch(hub: HubForTests, repo: str, *objects: dict[str, Any]) -> list[dict[str, Any]]:
    body: dict[str, Any] = {"operation": "upload", "objects": objects, "hash_algo": "sha256", "ref": {"name": "main"}}
    url = f"{hub.endpoint}/{repo}.git/info/lfs/objects/batch"
    answer = httpx2.post(url, json=body, headers={"Authorization": f"Bearer {hub.token}"})
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["objects"]
    return found


@pytest.mark.usefixtures("plain_http")
def test_upload_and_download_without_xet(remote: Remote, tmp_path: Path) -> None:
    repo = remote.repo()
    remote.add(repo, {"w.bin": DATA})
    local = remote.api.hf_hub_download(repo, "w.bin", cache_dir=tmp_path)
    assert Path(local).read_bytes() == DATA
    head = remote.api.repo_info(repo).sha
    assert remote.add(repo, {"w.bin": DATA}) == head


def test_a_stream_goes_through_lfs_even_with_xet(hub: HubForTests, tmp_path: Path) -> None:
    repo = hub.repo()
    hub.forget_requests()
    operation = CommitOperationAdd("w.bin", io.BytesIO(DATA + b"stream"))
    hub.api.create_commit(repo, [operation], commit_message="stream")
    assert [path for method, path in hub.requests if method == "PUT"]
    assert Path(hub.api.hf_hub_download(repo, "w.bin", cache_dir=tmp_path)).read_bytes() == DATA + b"stream"


def test_transfers_need_no_token_but_their_own_address(hub: HubForTests) -> None:
    repo = hub.repo(private=True)
    data = DATA + repo.encode()
    oid = hashlib.sha256(data).hexdigest()
    (asked,) = batch(hub, repo, {"oid": oid, "size": len(data)})
    href = asked["actions"]["upload"]["href"]
    foreign = href.replace(oid, SHA256)
    assert httpx2.put(foreign, content=DATA).status_code == 403
    assert httpx2.put(href, content=data[:-1] + b"!").status_code in (400, 422)
    assert httpx2.put(href, content=data).status_code == 200
    (again,) = batch(hub, repo, {"oid": oid, "size": len(data)})
    assert "actions" not in again


def test_batches_are_for_those_who_may_write(hub: HubForTests) -> None:
    repo = hub.repo()
    url = f"{hub.endpoint}/{repo}.git/info/lfs/objects/batch"
    body = {"operation": "upload", "objects": [{"oid": SHA256, "size": len(DATA)}], "ref": {"name": "main"}}
    assert httpx2.post(url, json=body).status_code == 401
    accounts = hub.server.hub.accounts
    stranger = accounts.issue_token(accounts.add(f"lfs-{hub.namespace}"))
    assert httpx2.post(url, json=body, headers={"Authorization": f"Bearer {stranger}"}).status_code == 403


@pytest.mark.usefixtures("plain_http")
def test_257_objects_go_in_two_batches(own_hub: HubForTests) -> None:
    repo = own_hub.repo()
    own_hub.api.upload_file(path_or_fileobj=b"*.bin filter=lfs\n", path_in_repo=".gitattributes", repo_id=repo)
    own_hub.forget_requests()
    operations = [CommitOperationAdd(f"{number}.bin", b"%d" % number) for number in range(257)]
    own_hub.api.create_commit(repo, operations, commit_message="many")
    assert len([path for _, path in own_hub.requests if path.endswith("/objects/batch")]) == 2
    assert len(own_hub.api.list_repo_files(repo)) == 258


@pytest.mark.usefixtures("plain_http")
def test_a_lost_upload_is_sent_again(own_hub: HubForTests) -> None:
    repo = own_hub.repo()
    own_hub.faults.fail("PUT", "/lfs/", 503)
    own_hub.faults.fail("POST", "/objects/batch", 500)
    own_hub.api.upload_file(path_or_fileobj=DATA, path_in_repo="w.bin", repo_id=repo)
    assert httpx2.get(f"{own_hub.endpoint}/{repo}/resolve/main/w.bin").content == DATA


def test_an_object_of_the_wrong_size_is_refused(hub: HubForTests) -> None:
    repo = hub.repo()
    hub.api.upload_file(path_or_fileobj=DATA, path_in_repo="w.bin", repo_id=repo)
    operation = {"key": "lfsFile", "value": {"path": "x", "algo": "sha256", "oid": SHA256, "size": 3}}
    lines = [{"key": "header", "value": {"summary": "m"}}, operation]
    url = f"{hub.endpoint}/api/models/{repo}/commit/main"
    body = "\n".join(json.dumps(line) for line in lines)
    answer = httpx2.post(url, content=body, headers={"Authorization": f"Bearer {hub.token}"})
    assert (answer.status_code, "bytes, not 3" in answer.json()["error"]) == (400, True)


def test_a_missing_repo_has_no_batch(hub: HubForTests) -> None:
    with pytest.raises((HfHubHTTPError, httpx2.HTTPStatusError)):
        batch(hub, f"{hub.namespace}/none", {"oid": SHA256, "size": 1})
