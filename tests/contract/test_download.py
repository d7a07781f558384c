"""Checklist "download": headers, ranges, caches, snapshots and readers of single files."""

from __future__ import annotations

import hashlib
import json
import struct
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import HfFileSystem, hf_hub_url
from huggingface_hub.errors import RemoteEntryNotFoundError
from safetensors.numpy import save

from tests.contract.conftest import Remote
from tests.support.hub import HubForTests

LARGE = np.random.default_rng(7).bytes(3 << 20)


def fetch(hub: HubForTests, path: str, *, method: str = "GET", **headers: str) -> tuple[int, Message, bytes]:
    request = urllib.request.Request(f"{hub.endpoint}{path}", method=method)
    request.add_header("Authorization", f"Bearer {hub.token}")
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.headers, refused.read()


def test_head_tells_commit_etag_and_size(remote: Remote) -> None:
    repo = remote.repo()
    commit = remote.add(repo, {"a.txt": b"hello", "b.bin": LARGE})
    small = remote.api.get_hf_file_metadata(url=hf_hub_url(repo, "a.txt", endpoint=remote.endpoint))
    assert (small.commit_hash, small.etag, small.size) == (commit, "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0", 5)
    large = remote.api.get_hf_file_metadata(url=hf_hub_url(repo, "b.bin", endpoint=remote.endpoint))
    assert (large.etag, large.size) == (hashlib.sha256(LARGE).hexdigest(), len(LARGE))
    assert large.xet_file_data is not None


@pytest.mark.parametrize("xet", [True, False])
def test_content_comes_back_whatever_the_client(
    remote: Remote, tmp_path: Path, xet: bool, request: pytest.FixtureRequest
) -> None:
    repo = remote.repo()
    remote.add(repo, {"a.txt": b"hello", "b.bin": LARGE, "empty": b""})
    if not xet:
        request.getfixturevalue("plain_http")
    for path, data in {"a.txt": b"hello", "b.bin": LARGE, "empty": b""}.items():
        local = remote.api.hf_hub_download(repo, path, cache_dir=tmp_path)
        assert Path(local).read_bytes() == data


def test_the_second_download_asks_once_and_one_by_sha_not_at_all(hub: HubForTests, tmp_path: Path) -> None:
    repo = hub.repo()
    commit = hub.api.upload_file(path_or_fileobj=b"x", path_in_repo="a.txt", repo_id=repo).oid
    hub.api.hf_hub_download(repo, "a.txt", cache_dir=tmp_path)
    hub.forget_requests()
    hub.api.hf_hub_download(repo, "a.txt", cache_dir=tmp_path)
    assert [method for method, _ in hub.requests] == ["HEAD"]
    hub.forget_requests()
    hub.api.hf_hub_download(repo, "a.txt", revision=commit, cache_dir=tmp_path)
    assert hub.requests == []


def test_a_missing_file_is_remembered_per_commit(remote: Remote, tmp_path: Path) -> None:
    repo = remote.repo()
    commit = remote.add(repo, {"a.txt": b"x"})
    with pytest.raises(RemoteEntryNotFoundError):
        remote.api.hf_hub_download(repo, "missing.txt", cache_dir=tmp_path)
    cached = tmp_path / f"models--{repo.replace('/', '--')}"
    assert (cached / ".no_exist" / commit / "missing.txt").exists()
    assert not remote.api.file_exists(repo, "missing.txt")


def test_every_kind_of_revision_can_be_downloaded(remote: Remote, tmp_path: Path) -> None:
    repo = remote.repo()
    first = remote.add(repo, {"a.txt": b"main"})
    remote.api.create_branch(repo, branch="feature/x")
    remote.api.create_tag(repo, tag="v1.0.0", tag_message="annotated")
    remote.add(repo, {"a.txt": b"branch"}, revision="feature/x")
    remote.add(repo, {"a.txt": b"pull"}, create_pr=True)
    expected = {"main": b"main", "v1.0.0": b"main", first[:7]: b"main", "feature/x": b"branch", "refs/pr/1": b"pull"}
    for revision, data in expected.items():
        local = remote.api.hf_hub_download(repo, "a.txt", revision=revision, cache_dir=tmp_path)
        assert Path(local).read_bytes() == data, revision


@pytest.mark.parametrize("path", ["regular.txt", "large.bin"])
def test_ranges(hub: HubForTests, path: str) -> None:
    repo = hub.repo()
    data = {"regular.txt": b"0123456789" * 10, "large.bin": LARGE}[path]
    hub.api.upload_file(path_or_fileobj=data, path_in_repo=path, repo_id=repo)
    url, size = f"/{repo}/resolve/main/{path}", len(data)
    status, headers, body = fetch(hub, url, Accept_Encoding="gzip")
    assert (status, body, headers["Content-Encoding"]) == (200, data, None)
    cases = {"bytes=10-19": (10, 20), "bytes=90-": (90, size), "bytes=-7": (size - 7, size), "bytes=0-0": (0, 1)}
    cases[f"bytes=5-{size + 1000}"] = (5, size)
    for asked, (start, end) in cases.items():
        status, headers, body = fetch(hub, url, Range=asked)
        assert (status, body) == (206, data[start:end]), asked
        assert headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
        assert headers["X-Repo-Commit"] is not None
    status, headers, _ = fetch(hub, url, Range=f"bytes={size}-")
    assert (status, headers["Content-Range"]) == (416, f"bytes */{size}")
    for ignored in ("bytes=0-1,3-4", "lines=1-2", "bytes=9-3"):
        assert fetch(hub, url, Range=ignored)[0] == 200
    status, headers, body = fetch(hub, url, method="HEAD", Accept_Encoding="gzip")
    assert (status, headers["Content-Length"], body) == (200, str(size), b"")
    assert fetch(hub, url, Range="bytes=0-1", If_Range='"something else"')[0] == 200


def test_a_cut_transfer_is_resumed(own_hub: HubForTests, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    repo = own_hub.repo()
    data = np.random.default_rng(1).bytes(25 << 20)
    own_hub.api.upload_file(path_or_fileobj=data, path_in_repo="big.bin", repo_id=repo)
    request.getfixturevalue("plain_http")
    own_hub.faults.cut("GET", "/resolve/", after_bytes=21 << 20)
    own_hub.forget_requests()
    local = own_hub.api.hf_hub_download(repo, "big.bin", cache_dir=tmp_path)
    assert Path(local).read_bytes() == data
    assert [method for method, _ in own_hub.requests].count("GET") == 2


def test_a_snapshot_warm_asks_once_and_by_sha_never(hub: HubForTests, tmp_path: Path) -> None:
    repo = hub.repo()
    for path, data in {"a.txt": b"1", "sub/b.txt": b"2", "c.bin": LARGE}.items():
        commit = hub.api.upload_file(path_or_fileobj=data, path_in_repo=path, repo_id=repo).oid
    folder = Path(hub.api.snapshot_download(repo, cache_dir=tmp_path))
    assert (folder / "c.bin").read_bytes() == LARGE
    hub.forget_requests()
    hub.api.snapshot_download(repo, cache_dir=tmp_path)
    assert len(hub.requests) == 1
    hub.forget_requests()
    hub.api.snapshot_download(repo, revision=commit, cache_dir=tmp_path)
    assert hub.requests == []


def test_a_snapshot_with_patterns_into_a_folder(remote: Remote, tmp_path: Path) -> None:
    repo = remote.repo()
    remote.add(repo, {"a.txt": b"1", "b.md": b"2", "sub/c.txt": b"3"})
    remote.api.snapshot_download(repo, allow_patterns="*.txt", ignore_patterns="sub/*", local_dir=tmp_path / "here")
    found = {path.name for path in (tmp_path / "here").iterdir()} - {".cache"}
    assert found == {"a.txt"}
    plan = remote.api.snapshot_download(repo, dry_run=True, cache_dir=tmp_path / "dry")
    assert {file.filename for file in plan} == {".gitattributes", "a.txt", "b.md", "sub/c.txt"}
    assert not list((tmp_path / "dry").rglob("a.txt"))


@pytest.mark.parametrize("tensors", [3, 2000])
def test_safetensors_metadata_with_short_and_long_headers(remote: Remote, tensors: int) -> None:
    repo = remote.repo()
    weights = {f"layer.{number}.weight.of.some.length": np.zeros(4, np.float32) for number in range(tensors)}
    data = save(weights, metadata={"format": "np"})
    assert (struct.unpack("<Q", data[:8])[0] > 100_000) == (tensors > 1000)
    remote.add(repo, {"model.safetensors": data})
    metadata = remote.api.get_safetensors_metadata(repo)
    assert metadata.parameter_count == {"F32": 4 * tensors}


def test_the_file_system_reads_writes_copies_and_removes(remote: Remote) -> None:
    repo = remote.repo()
    remote.add(repo, {"data/a.txt": b"0123456789", "data/b.bin": LARGE})
    files = HfFileSystem(endpoint=remote.endpoint, token=remote.token, skip_instance_cache=True)
    with files.open(f"{repo}/data/b.bin", "rb") as file:
        file.seek(1_000_000)
        assert file.read(10) == LARGE[1_000_000:1_000_010]
        file.seek(0, 2)
        assert file.read(1) == b""
    assert files.glob(f"{repo}/data/*.txt") == [f"{repo}/data/a.txt"]
    assert len(files.find(repo)) == 3
    with files.open(f"{repo}/new.json", "w") as file:
        file.write(json.dumps({"written": True}))
    assert json.loads(files.read_text(f"{repo}/new.json")) == {"written": True}
    files.cp_file(f"{repo}/data/a.txt", f"{repo}/copy.txt")
    assert files.cat_file(f"{repo}/copy.txt") == b"0123456789"
    files.rm(f"{repo}/copy.txt")
    assert not files.exists(f"{repo}/copy.txt")
    assert files.info(f"{repo}/data")["type"] == "directory"


def test_files_of_the_hub_cannot_run_in_a_browser(hub: HubForTests) -> None:
    repo = hub.repo()
    hub.api.upload_file(path_or_fileobj=b"<script>alert(1)</script>", path_in_repo="x.html", repo_id=repo)
    _, headers, _ = fetch(hub, f"/{repo}/resolve/main/x.html")
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]


def test_raw_shows_what_git_holds(hub: HubForTests) -> None:
    repo = hub.repo()
    hub.api.upload_file(path_or_fileobj=LARGE, path_in_repo="b.bin", repo_id=repo)
    assert fetch(hub, f"/{repo}/raw/main/b.bin")[2].startswith(b"version https://git-lfs.github.com/spec/v1\n")
