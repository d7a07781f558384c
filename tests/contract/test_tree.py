"""Checklist "tree": listings and questions about paths."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from huggingface_hub import HfFileSystem
from huggingface_hub.errors import RemoteEntryNotFoundError
from huggingface_hub.hf_api import RepoFile, RepoFolder

from tests.contract.conftest import Remote
from tests.support.hub import HubForTests

FILES = {"a.txt": b"one", "sub/b.txt": b"two", "sub/deep/c.txt": b"three", "empty.bin": b""}


@pytest.fixture
def filled(remote: Remote) -> str:
    repo = remote.repo()
    remote.add(repo, FILES)
    return repo


def test_root_sub_folder_and_recursive_listing(remote: Remote, filled: str) -> None:
    root = {entry.path: type(entry) for entry in remote.api.list_repo_tree(filled)}
    assert root == {".gitattributes": RepoFile, "a.txt": RepoFile, "empty.bin": RepoFile, "sub": RepoFolder}
    sub = {entry.path: type(entry) for entry in remote.api.list_repo_tree(filled, "sub")}
    assert sub == {"sub/b.txt": RepoFile, "sub/deep": RepoFolder}
    everything = {entry.path for entry in remote.api.list_repo_tree(filled, recursive=True)}
    assert everything == {".gitattributes", *FILES, "sub", "sub/deep"}


def test_expand_tells_the_last_commit_of_each_entry(remote: Remote, filled: str) -> None:
    first = remote.api.list_repo_commits(filled)[0]
    second = remote.add(filled, {"sub/b.txt": b"changed"}, commit_message="touch b")
    third = remote.add(filled, {"new.txt": b"new"}, commit_message="add new")
    entries = remote.api.list_repo_tree(filled, recursive=True, expand=True)
    last = {entry.path: entry.last_commit.oid for entry in entries if entry.last_commit}
    assert last["a.txt"] == last["sub/deep/c.txt"] == last["sub/deep"] == first.commit_id
    assert last["sub/b.txt"] == last["sub"] == second
    assert last["new.txt"] == third


def test_a_listing_in_pages_is_complete_and_of_one_commit(own_hub: HubForTests) -> None:
    repo = own_hub.repo()
    own_hub.server.hub.page_size = 4
    files = {f"d{number % 3}/f{number}.txt" for number in range(10)}
    for path in files:
        own_hub.api.upload_file(path_or_fileobj=path.encode(), path_in_repo=path, repo_id=repo)
    own_hub.forget_requests()
    listing = own_hub.api.list_repo_tree(repo, recursive=True)
    first = next(iter(listing))
    own_hub.api.upload_file(path_or_fileobj=b"late", path_in_repo="d0/late.txt", repo_id=repo)
    paths = [first.path, *(entry.path for entry in listing)]
    assert len(paths) == len(set(paths))
    assert {path for path in paths if "." in path} == {*files, ".gitattributes"}


def test_unknown_paths_are_not_found(remote: Remote, filled: str) -> None:
    for path in ("nowhere", "sub/nowhere", "a.txt/below"):
        with pytest.raises(RemoteEntryNotFoundError):
            list(remote.api.list_repo_tree(filled, path))


def test_the_file_system_lists_a_file_as_itself(remote: Remote, filled: str) -> None:
    files = HfFileSystem(endpoint=remote.endpoint, token=remote.token, skip_instance_cache=True)
    found = files.ls(f"{filled}/sub/b.txt", detail=True)[0]
    assert isinstance(found, dict)
    assert (found["name"], found["size"], found["type"]) == (f"{filled}/sub/b.txt", 3, "file")
    assert files.isdir(f"{filled}/sub")


@pytest.mark.parametrize("count", [0, 1, 500])
def test_paths_info_for_any_number_of_paths(remote: Remote, count: int) -> None:
    repo = remote.repo()
    paths = [f"n/{number} é&=.txt" for number in range(count)]
    if paths:
        remote.add(repo, dict.fromkeys(paths, b"x"))
    found = remote.api.get_paths_info(repo, [*paths, "missing", "n"][: count + 2 if count else 0])
    assert {entry.path for entry in found} == ({*paths, "n"} if count else set())


def test_object_ids_are_those_of_git_and_of_the_content(remote: Remote) -> None:
    repo = remote.repo()
    contents = {
        "empty.txt": b"",
        "text.txt": "naïve\n".encode(),
        "small.bin": bytes(range(256)),
        "large.bin": bytes(3 << 20),
    }
    remote.add(repo, contents)
    for entry in remote.api.list_repo_tree(repo):
        if entry.path == ".gitattributes":
            continue
        assert isinstance(entry, RepoFile)
        data = contents[entry.path]
        assert entry.size == len(data)
        if entry.lfs is None:
            assert entry.blob_id == hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        else:
            assert entry.lfs.sha256 == hashlib.sha256(data).hexdigest()
            pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{entry.lfs.sha256}\nsize {len(data)}\n"
            assert entry.blob_id == hashlib.sha1(f"blob {len(pointer)}\0{pointer}".encode()).hexdigest()
            assert entry.lfs.pointer_size == len(pointer)


def test_cache_verify_agrees(hub: HubForTests, tmp_path: Path) -> None:
    repo = hub.repo()
    hub.api.upload_file(path_or_fileobj=b"text", path_in_repo="a.txt", repo_id=repo)
    hub.api.upload_file(path_or_fileobj=bytes(2 << 20), path_in_repo="b.bin", repo_id=repo)
    assert hub.hf("download", repo, "--cache-dir", tmp_path).returncode == 0
    verified = hub.hf("cache", "verify", repo, "--cache-dir", tmp_path)
    assert verified.returncode == 0, verified.stdout + verified.stderr
