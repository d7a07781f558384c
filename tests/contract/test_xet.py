"""Checklist "xet": tokens, deduplication, expiry, and stores that lost what clients remember."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from tests.contract.conftest import Remote
from tests.support.hub import HubForTests, running_hub

RANDOM = np.random.default_rng(3).bytes(5 << 20)


def get(remote: Remote, path: str) -> httpx2.Response:
    return httpx2.get(f"{remote.endpoint}{path}", headers={"Authorization": f"Bearer {remote.token}"})


@pytest.mark.parametrize("revision", ["main", "refs%2Fpr%2F1", "None?create_pr=1", "main?create_pr=1"])
def test_write_tokens_for_every_kind_of_target(remote: Remote, revision: str) -> None:
    repo = remote.repo()
    remote.add(repo, {"a": b"1"}, create_pr=True)
    answer: dict[str, Any] = get(remote, f"/api/models/{repo}/xet-write-token/{revision}").json()
    assert answer["accessToken"] and answer["exp"] > 0
    assert answer["casUrl"].startswith("http")


def test_a_read_token_says_the_same_in_headers_and_body(remote: Remote) -> None:
    answer = get(remote, f"/api/models/{remote.repo()}/xet-read-token/main")
    body = answer.json()
    assert answer.headers["X-Xet-Cas-Url"] == body["casUrl"]
    assert answer.headers["X-Xet-Access-Token"]
    assert int(answer.headers["X-Xet-Token-Expiration"]) >= body["exp"] - 5


def test_tokens_are_for_those_who_may(hub: HubForTests) -> None:
    repo = hub.repo(private=True)
    public = f"{hub.namespace}/public"
    hub.api.create_repo(public)
    base = f"{hub.endpoint}/api/models"
    assert httpx2.get(f"{base}/{repo}/xet-read-token/main").headers["X-Error-Code"] == "RepoNotFound"
    assert httpx2.get(f"{base}/{public}/xet-read-token/main").status_code == 200
    assert httpx2.get(f"{base}/{public}/xet-write-token/main").status_code == 401


def test_a_changed_file_sends_only_what_is_new(own_hub: HubForTests) -> None:
    repo = own_hub.repo()
    api = own_hub.api
    api.upload_file(path_or_fileobj=RANDOM, path_in_repo="v1.bin", repo_id=repo)
    before = stored_bytes(own_hub)
    api.upload_file(path_or_fileobj=RANDOM + b"tail", path_in_repo="v2.bin", repo_id=repo)
    api.upload_file(path_or_fileobj=RANDOM, path_in_repo="again.bin", repo_id=repo)
    assert stored_bytes(own_hub) - before < 300_000
    (first, again) = api.get_paths_info(repo, ["v1.bin", "again.bin"])
    assert getattr(first, "xet_hash", 1) == getattr(again, "xet_hash", 2)


def stored_bytes(hub: HubForTests) -> int:
    return sum(path.stat().st_size for path in (hub.server.store / "content" / "xorbs").rglob("*") if path.is_file())


def test_a_snapshot_needs_no_head_for_xet_files(own_hub: HubForTests, tmp_path: Path) -> None:
    repo = own_hub.repo()
    own_hub.api.upload_file(path_or_fileobj=RANDOM, path_in_repo="w.bin", repo_id=repo)
    own_hub.forget_requests()
    folder = own_hub.api.snapshot_download(repo, allow_patterns="w.bin", cache_dir=tmp_path)
    assert (Path(folder) / "w.bin").read_bytes() == RANDOM
    assert not [path for method, path in own_hub.requests if method == "HEAD"]


def test_expired_tokens_are_refreshed(own_hub: HubForTests, tmp_path: Path) -> None:
    repo = own_hub.repo()
    own_hub.faults.expire_tokens()
    own_hub.api.upload_file(path_or_fileobj=RANDOM, path_in_repo="w.bin", repo_id=repo)
    assert len([path for _, path in own_hub.requests if "xet-write-token" in path]) > 1
    own_hub.faults.expire_tokens()
    local = own_hub.api.hf_hub_download(repo, "w.bin", cache_dir=tmp_path)
    assert Path(local).read_bytes() == RANDOM
    assert len([path for _, path in own_hub.requests if "xet-read-token" in path]) > 1


UPLOAD = """
from pathlib import Path
from huggingface_hub import HfApi
api = HfApi()
api.create_repo("stale/model", exist_ok=True)
api.upload_file(path_or_fileobj=Path({path!r}), path_in_repo="w.bin", repo_id="stale/model")
"""


def test_a_wiped_store_never_gets_a_hole(tmp_path: Path) -> None:
    """The client's cache remembers chunks of a store that is gone; the new store has another address for them."""
    store, weights = tmp_path / "store", tmp_path / "w.bin"
    weights.write_bytes(RANDOM)
    program = UPLOAD.format(path=str(weights))
    with running_hub(store) as hub:
        port = int(hub.endpoint.rpartition(":")[2])
        hub.run_python(program)
    shutil.rmtree(store)
    with running_hub(store, port=port) as hub:
        hub.run_python(program)
        local = hub.api.hf_hub_download("stale/model", "w.bin", cache_dir=tmp_path / "cache")
        assert Path(local).read_bytes() == RANDOM
