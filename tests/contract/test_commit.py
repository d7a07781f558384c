"""Checklist "commit": preparing, making and refusing commits."""

from __future__ import annotations

import concurrent.futures
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete
from huggingface_hub.errors import HfHubHTTPError, RemoteEntryNotFoundError, RevisionNotFoundError

from tests.contract.conftest import Remote
from tests.support.hub import HubForTests

LARGE = bytes(2 << 20)
Operation = CommitOperationAdd | CommitOperationCopy | CommitOperationDelete


def post(hub: HubForTests, path: str, body: bytes) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {hub.token}", "Content-Type": "application/x-ndjson"}
    request = urllib.request.Request(f"{hub.endpoint}{path}", data=body, headers=headers)
    with urllib.request.urlopen(request) as answer:
        found = json.loads(answer.read())
        assert isinstance(found, dict)
        return found


def ndjson(*lines: tuple[str, dict[str, Any]]) -> bytes:
    return b"\n".join(json.dumps({"key": key, "value": value}).encode() for key, value in lines)


HEADER = ("header", {"summary": "by hand", "description": ""})


def test_a_card_is_checked_before_it_is_uploaded(remote: Remote) -> None:
    repo = remote.repo()
    remote.add(repo, {"README.md": b"---\nlicense: mit\n---\n# Good\n"})
    with pytest.warns(UserWarning, match="empty or missing yaml metadata"):
        remote.add(repo, {"README.md": b"# No metadata\n"})
    with pytest.raises(ValueError, match="YAML"):
        remote.add(repo, {"README.md": b"---\nlicense: [mit\n---\n# Broken\n"})


@pytest.mark.parametrize(
    "card",
    [b"---\na: &x [1]\nb: *x\n---\n", b"---\n- list\n---\n", b"---\ntags: 7\n---\n", b"---\n? {a: 1}\n: b\n---\n"],
)
def test_cards_with_odd_metadata_are_refused_in_json(hub: HubForTests, card: bytes) -> None:
    with pytest.raises(ValueError, match="Invalid metadata in README"):
        hub.api.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id=hub.repo())


def test_metadata_that_json_cannot_say_does_not_break_info(hub: HubForTests) -> None:
    repo = hub.repo()
    card = b"---\nwhen: 2024-01-01\nscore: .nan\nkeys: {1: {2: .inf}}\nraw: !!binary aGk=\n---\n"
    hub.api.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id=repo)
    info = hub.api.model_info(repo)
    assert info.card_data is not None and info.card_data["when"] == "2024-01-01"


def test_preupload_answers_every_path_in_two_calls_for_300_files(hub: HubForTests) -> None:
    repo = hub.repo()
    operations = [CommitOperationAdd(f"f/{number}.txt", str(number).encode()) for number in range(300)]
    hub.forget_requests()
    hub.api.create_commit(repo, operations, commit_message="many")
    assert len([path for _, path in hub.requests if "/preupload/" in path]) == 2
    assert len(hub.api.list_repo_files(repo)) == 301


def test_modes_depend_on_size_kind_and_attributes(hub: HubForTests) -> None:
    repo = hub.repo()
    hub.api.upload_file(path_or_fileobj=b"*.dat filter=lfs\n", path_in_repo=".gitattributes", repo_id=repo)
    files = {
        "small.safetensors": (bytes(1000), "regular"),
        "large.safetensors": (bytes(1 << 20), "lfs"),
        "long.txt": ("zeile ü\n".encode() * 200_000, "regular"),
        "very-long.txt": (b"x" * (10 << 20), "lfs"),
        "tiny.dat": (b"1", "lfs"),
        "empty.dat": (b"", "regular"),
    }
    for path, (data, expected) in files.items():
        operation = CommitOperationAdd(path, data)
        hub.api.create_commit(repo, [operation], commit_message="m")
        assert operation._upload_mode == expected, path
    entries = {file.rfilename: file.lfs for file in hub.api.model_info(repo, files_metadata=True).siblings or []}
    assert {path for path, lfs in entries.items() if lfs} == {"large.safetensors", "very-long.txt", "tiny.dat"}


def test_ignored_files_stay_out(remote: Remote) -> None:
    repo = remote.repo()
    remote.add(repo, {".gitignore": b"*.log\n/build/\n", "a.log": b"1", "keep.txt": b"2"})
    assert remote.files(repo) == {".gitignore", "keep.txt"}
    head = remote.add(repo, {"b.log": b"1", "build/x": b"2", "src/build/y": b"3"})
    assert remote.files(repo) == {".gitignore", "keep.txt", "src/build/y"}
    assert remote.add(repo, {"c.log": b"1"}) == head


@pytest.mark.parametrize("data", [b"text", LARGE])
def test_uploading_the_same_again_makes_no_commit(remote: Remote, data: bytes) -> None:
    repo = remote.repo()
    first = remote.add(repo, {"file.bin": data})
    assert remote.add(repo, {"file.bin": data}) == first
    assert remote.api.repo_info(repo).sha == first
    assert remote.add(repo, {"file.bin": data + b"!"}) != first


def test_delete_and_add_of_one_path_keeps_the_file(remote: Remote) -> None:
    repo = remote.repo()
    remote.add(repo, {"dir/a.txt": b"same", "dir/b.txt": b"gone"})
    operations: list[Operation] = [CommitOperationDelete("dir/"), CommitOperationAdd("dir/a.txt", b"same")]
    remote.api.create_commit(repo, operations, commit_message="replace")
    assert remote.files(repo) == {"dir/a.txt"}


def test_files_and_folders_are_deleted(remote: Remote) -> None:
    repo = remote.repo()
    remote.add(repo, {"a.txt": b"1", "one/x": b"2", "two/deep/y": b"3", "two/z": b"4", "three/x": b"5"})
    remote.api.delete_file("a.txt", repo)
    remote.api.delete_folder("one", repo)
    remote.api.create_commit(repo, [CommitOperationDelete("two/")], commit_message="folder with slash")
    assert remote.files(repo) == {"three/x"}
    assert {entry.path for entry in remote.api.list_repo_tree(repo)} == {".gitattributes", "three"}


def test_deleting_what_is_not_there_says_so(remote: Remote) -> None:
    repo = remote.repo()
    with pytest.raises(RemoteEntryNotFoundError, match="A file with this name doesn't exist"):
        remote.api.delete_file("missing.txt", repo)


def test_a_rename_is_a_copy_and_a_deletion(remote: Remote) -> None:
    repo = remote.repo()
    remote.add(repo, {"old.txt": b"text", "old.bin": LARGE})
    operations: list[Operation] = [
        CommitOperationCopy("old.txt", "new.txt"),
        CommitOperationDelete("old.txt"),
        CommitOperationCopy("old.bin", "sub/new.bin"),
        CommitOperationDelete("old.bin"),
    ]
    remote.api.create_commit(repo, operations, commit_message="rename")
    assert remote.files(repo) == {"new.txt", "sub/new.bin"}
    (copied,) = remote.api.get_paths_info(repo, ["sub/new.bin"])
    assert getattr(copied, "size", None) == len(LARGE)


def test_copies_between_repos(remote: Remote, tmp_path: Path) -> None:
    source, target = remote.repo(), remote.repo()
    remote.add(source, {"a.txt": b"text", "b.bin": LARGE})
    operations = [
        CommitOperationCopy(path, f"from/{path}", src_repo_id=source, src_repo_type="model")
        for path in ("a.txt", "b.bin")
    ]
    remote.api.create_commit(target, operations, commit_message="copy")
    local = remote.api.snapshot_download(target, cache_dir=tmp_path)
    assert (Path(local) / "from/a.txt").read_bytes() == b"text"
    assert (Path(local) / "from/b.bin").read_bytes() == LARGE


def test_an_empty_file_is_never_a_pointer(remote: Remote, tmp_path: Path) -> None:
    repo = remote.repo()
    remote.add(repo, {"empty.bin": b""})
    (entry,) = remote.api.get_paths_info(repo, ["empty.bin"])
    assert getattr(entry, "lfs", None) is None
    assert Path(remote.api.hf_hub_download(repo, "empty.bin", cache_dir=tmp_path)).read_bytes() == b""


def test_a_parent_must_be_the_head(remote: Remote) -> None:
    repo = remote.repo()
    first = remote.add(repo, {"a": b"1"})
    second = remote.add(repo, {"a": b"2"}, parent_commit=first)
    remote.add(repo, {"a": b"3"}, parent_commit=second[:8])
    with pytest.raises(HfHubHTTPError) as stale:
        remote.add(repo, {"a": b"4"}, parent_commit=first)
    assert stale.value.response.status_code == 412


def test_of_concurrent_commits_on_one_parent_exactly_one_wins(hub: HubForTests) -> None:
    repo = hub.repo()
    parent = str(hub.api.repo_info(repo).sha)

    def commit(number: int) -> str | None:
        operation = CommitOperationAdd(f"{number}.txt", str(number).encode())
        try:
            return hub.api.create_commit(repo, [operation], commit_message=f"{number}", parent_commit=parent).oid
        except HfHubHTTPError as refused:
            assert refused.response.status_code == 412
            return None

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        won = [oid for oid in pool.map(commit, range(8)) if oid]
    assert len(won) == 1
    assert hub.api.repo_info(repo).sha == won[0]


def test_concurrent_commits_without_a_parent_all_arrive(hub: HubForTests) -> None:
    repo = hub.repo()

    def commit(number: int) -> str:
        operation = CommitOperationAdd(f"{number}.txt", str(number).encode())
        return hub.api.create_commit(repo, [operation], commit_message=f"{number}").oid

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = set(pool.map(commit, range(16)))
    assert len(made) == 16
    assert len(hub.api.list_repo_commits(repo)) == 17
    assert len(hub.api.list_repo_files(repo)) == 17


def test_an_empty_commit_answers_with_the_head(hub: HubForTests) -> None:
    repo = hub.repo()
    head = hub.api.repo_info(repo).sha
    assert post(hub, f"/api/models/{repo}/commit/main", ndjson(HEADER))["commitOid"] == head


def test_a_repeated_commit_is_harmless(hub: HubForTests) -> None:
    repo = hub.repo()
    body = ndjson(HEADER, ("file", {"path": "a", "content": "aGk=", "encoding": "base64"}))
    first = post(hub, f"/api/models/{repo}/commit/main", body)
    assert post(hub, f"/api/models/{repo}/commit/main", body)["commitOid"] == first["commitOid"]
    assert len(hub.api.list_repo_commits(repo)) == 2


def test_commits_to_a_branch_with_a_slash_and_to_a_pull_request(remote: Remote) -> None:
    repo = remote.repo()
    remote.api.create_branch(repo, branch="feature/x")
    remote.add(repo, {"b.txt": b"1"}, revision="feature/x")
    remote.add(repo, {"c.txt": b"2"}, create_pr=True)
    remote.add(repo, {"d.txt": b"3"}, revision="refs/pr/1")
    assert remote.files(repo) == set()
    assert remote.files(repo, revision="feature/x") == {"b.txt"}
    assert remote.files(repo, revision="refs/pr/1") == {"c.txt", "d.txt"}


def test_commits_to_nowhere_to_a_tag_and_to_a_sha_are_refused(remote: Remote) -> None:
    repo = remote.repo()
    head = remote.add(repo, {"a.txt": b"1"})
    remote.api.create_tag(repo, tag="v1")
    with pytest.raises(RevisionNotFoundError):
        remote.add(repo, {"b": b"1"}, revision="nowhere")
    for revision in ("v1", head):
        with pytest.raises(HfHubHTTPError):
            remote.add(repo, {"b": b"1"}, revision=revision)
    with pytest.raises(RevisionNotFoundError):
        remote.add(repo, {"b": b"1"}, revision=head, create_pr=True)


def test_a_pull_request_is_opened_read_and_merged(remote: Remote) -> None:
    repo = remote.repo()
    remote.add(repo, {"a.txt": b"one\n"})
    operations = [CommitOperationAdd("b.txt", b"two\n")]
    proposed = remote.api.create_commit(
        repo, operations, commit_message="Add b", commit_description="please", create_pr=True
    )
    assert (proposed.pr_num, proposed.pr_revision) == (1, "refs/pr/1")
    assert remote.files(repo) == {"a.txt"}
    details = remote.api.get_discussion_details(repo, 1)
    assert (details.title, details.status, details.is_pull_request) == ("Add b", "open", True)
    assert details.target_branch == "refs/heads/main"
    assert "+two" in (details.diff or "")
    assert not details.conflicting_files
    remote.add(repo, {"c.txt": b"three\n"})
    remote.api.merge_pull_request(repo, 1, comment="thanks")
    assert remote.files(repo) == {"a.txt", "b.txt", "c.txt"}
    merged = remote.api.get_discussion_details(repo, 1)
    assert merged.status == "merged"
    assert [event.type for event in merged.events].count("comment") == 2


def test_conflicting_changes_are_not_merged(remote: Remote) -> None:
    repo = remote.repo()
    remote.add(repo, {"a.txt": b"one\n"})
    remote.add(repo, {"a.txt": b"theirs\n"}, create_pr=True)
    ours = remote.add(repo, {"a.txt": b"ours\n"})
    assert remote.api.get_discussion_details(repo, 1).conflicting_files == ["a.txt"]
    with pytest.raises(HfHubHTTPError):
        remote.api.merge_pull_request(repo, 1)
    assert remote.api.repo_info(repo).sha == ours


def test_discussions_are_listed_commented_renamed_and_closed(remote: Remote) -> None:
    repo = remote.repo()
    opened = remote.api.create_discussion(repo, title="A question", description="Why?")
    remote.api.create_pull_request(repo, title="A change")
    remote.api.comment_discussion(repo, opened.num, comment="Because.")
    remote.api.rename_discussion(repo, opened.num, new_title="An answer")
    remote.api.change_discussion_status(repo, opened.num, new_status="closed")
    found = {d.num: (d.title, d.status, d.is_pull_request) for d in remote.api.get_repo_discussions(repo)}
    assert found == {1: ("An answer", "closed", False), 2: ("A change", "draft", True)}
    closed = remote.api.get_repo_discussions(repo, discussion_status="closed", discussion_type="discussion")
    assert [discussion.num for discussion in closed] == [1]


def test_somebody_without_rights_may_propose_a_change(hub: HubForTests) -> None:
    repo = hub.repo()
    accounts = hub.server.hub.accounts
    visitor = hub.api_with(accounts.issue_token(accounts.add(f"visitor-{hub.namespace}")))
    proposed = visitor.create_commit(repo, [CommitOperationAdd("a", b"a")], commit_message="Please", create_pr=True)
    assert proposed.pr_num == 1
    visitor.create_commit(repo, [CommitOperationAdd("b", b"b")], commit_message="More", revision="refs/pr/1")
    with pytest.raises(RevisionNotFoundError):
        visitor.create_commit(repo, [CommitOperationAdd("b", b"b")], commit_message="More", revision="refs/pr/2")
    with pytest.raises(HfHubHTTPError, match="owner"):
        visitor.merge_pull_request(repo, 1)
    with pytest.raises(HfHubHTTPError, match="has no right"):
        visitor.create_commit(repo, [CommitOperationAdd("c", b"c")], commit_message="Mine")


UNSAFE = [
    "../x",
    "a/../../x",
    "/etc/passwd",
    "a//b",
    "a\\b",
    ".git/config",
    "sub/.GIT/hooks/x",
    "a/./b",
    "nul\0",
    "x" * 300,
]


@pytest.mark.parametrize("path", UNSAFE)
def test_unsafe_paths_are_refused(hub: HubForTests, path: str) -> None:
    repo = hub.repo()
    for line in (
        ("file", {"path": path, "content": "", "encoding": "base64"}),
        ("lfsFile", {"path": path, "algo": "sha256", "oid": "0" * 64, "size": 1}),
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            post(hub, f"/api/models/{repo}/commit/main", ndjson(HEADER, line))
        with refused.value as answer:
            assert answer.code == 422
    assert len(hub.api.list_repo_commits(repo)) == 1


def test_a_file_cannot_be_a_folder_too(hub: HubForTests) -> None:
    repo = hub.repo()
    hub.api.upload_file(path_or_fileobj=b"x", path_in_repo="a/b", repo_id=repo)
    for path in ("a", "a/b/c"):
        with pytest.raises(HfHubHTTPError) as refused:
            hub.api.upload_file(path_or_fileobj=b"x", path_in_repo=path, repo_id=repo)
        assert refused.value.response.status_code == 422


def test_a_pointer_to_unknown_content_is_refused(hub: HubForTests) -> None:
    repo = hub.repo()
    line = ("lfsFile", {"path": "hole.bin", "algo": "sha256", "oid": "ab" * 32, "size": 5})
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(hub, f"/api/models/{repo}/commit/main", ndjson(HEADER, line))
    with refused.value as answer:
        assert answer.code == 400
        assert "was not uploaded" in json.loads(answer.read())["error"]


def test_a_hundred_megabytes_of_regular_content_in_one_commit(remote: Remote, tmp_path: Path) -> None:
    repo = remote.repo()
    line = b"0123456789abcdef" * 63 + b"0123456789abcd\n"
    data = {f"{number}.txt": line * 9900 + str(number).encode() for number in range(10)}
    remote.add(repo, data)
    assert remote.files(repo) == set(data)
    local = remote.api.hf_hub_download(repo, "7.txt", cache_dir=tmp_path)
    assert Path(local).read_bytes() == data["7.txt"]


@pytest.mark.slow
def test_25_000_operations_in_one_commit(hub: HubForTests) -> None:
    repo = hub.repo()
    lines = [HEADER] + [
        ("file", {"path": f"d{number % 250}/f{number}.txt", "content": "aGk=", "encoding": "base64"})
        for number in range(25_000)
    ]
    post(hub, f"/api/models/{repo}/commit/main", ndjson(*lines))
    assert len(hub.api.list_repo_files(repo)) == 25_001
    deletions = [HEADER] + [("deletedFolder", {"path": f"d{number}/"}) for number in range(250)]
    post(hub, f"/api/models/{repo}/commit/main", ndjson(*deletions))
    assert hub.api.list_repo_files(repo) == [".gitattributes"]
