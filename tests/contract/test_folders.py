"""Checklist "folders": whole folders up, in one commit or in many."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub.errors import HfHubHTTPError

from tests.contract.conftest import Remote
from tests.support.hub import HubForTests


def make(folder: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder


@pytest.mark.parametrize("xet", [True, False])
def test_patterns_choose_what_goes_up_and_what_is_deleted(
    remote: Remote, tmp_path: Path, xet: bool, request: pytest.FixtureRequest
) -> None:
    if not xet:
        request.getfixturevalue("plain_http")
    repo = remote.repo()
    remote.add(repo, {"logs/old.log": b"old", "logs/keep.txt": b"kept", "other.log": b"kept"})
    folder = make(tmp_path / "up", {"new.log": b"1", "notes.md": b"2", "x.tmp": b"3", ".git/config": b"no"})
    remote.api.upload_folder(
        repo_id=repo,
        folder_path=folder,
        path_in_repo="logs",
        allow_patterns=["*.log", "*.md", "*.tmp"],
        ignore_patterns="*.tmp",
        delete_patterns="*.log",
    )
    assert remote.files(repo) == {"logs/new.log", "logs/notes.md", "logs/keep.txt", "other.log"}
    assert ".gitattributes" in remote.api.list_repo_files(repo)


def test_700_files_arrive_in_several_commits_and_a_second_run_adds_none(hub: HubForTests, tmp_path: Path) -> None:
    repo = hub.repo()
    folder = make(tmp_path / "up", {f"d{number % 7}/f{number}.txt": str(number).encode() for number in range(700)})
    hub.api.upload_folder(repo_id=repo, folder_path=folder)
    assert len(hub.api.list_repo_files(repo)) == 701
    commits = hub.api.list_repo_commits(repo)
    assert len(commits) > 2
    hub.forget_requests()
    hub.api.upload_folder(repo_id=repo, folder_path=folder)
    assert hub.api.list_repo_commits(repo)[0].commit_id == commits[0].commit_id
    assert not [path for method, path in hub.requests if method == "POST" and "/commit/" in path]


def test_a_failing_and_a_lost_answer_to_a_commit_are_survived(own_hub: HubForTests, tmp_path: Path) -> None:
    repo = own_hub.repo()
    folder = make(tmp_path / "up", {f"f{number}.txt": str(number).encode() for number in range(30)})
    own_hub.faults.fail("POST", "/commit/", 503)
    own_hub.faults.fail("POST", "/commit/", 500, work_first=True)
    own_hub.api.upload_folder(repo_id=repo, folder_path=folder)
    assert len(own_hub.api.list_repo_files(repo)) == 31
    assert len(own_hub.api.list_repo_commits(repo)) == 2


def test_a_stale_parent_ends_in_an_error(remote: Remote, tmp_path: Path) -> None:
    repo = remote.repo()
    parent = remote.add(repo, {"a": b"1"})
    remote.add(repo, {"a": b"2"})
    folder = make(tmp_path / "up", {f"f{number}.txt": b"x" for number in range(25)})
    with pytest.raises(HfHubHTTPError) as stale:
        remote.api.upload_folder(repo_id=repo, folder_path=folder, parent_commit=parent)
    assert stale.value.response.status_code == 412
    assert remote.files(repo) == {"a"}


def test_a_folder_as_a_pull_request(remote: Remote, tmp_path: Path) -> None:
    repo = remote.repo()
    folder = make(tmp_path / "up", {"a.txt": b"1", "b.bin": bytes(2 << 20)})
    proposed = remote.api.upload_folder(repo_id=repo, folder_path=folder, create_pr=True)
    assert proposed.pr_num == 1
    assert remote.files(repo) == set()
    assert remote.files(repo, revision="refs/pr/1") == {"a.txt", "b.bin"}


def test_an_unchanged_folder_opens_no_pull_request(remote: Remote, tmp_path: Path) -> None:
    repo = remote.repo()
    folder = make(tmp_path / "up", {"a.txt": b"1"})
    remote.api.upload_folder(repo_id=repo, folder_path=folder)
    remote.api.upload_folder(repo_id=repo, folder_path=folder, create_pr=True)
    assert list(remote.api.get_repo_discussions(repo)) == []


def test_the_command_line_uploads_and_downloads(hub: HubForTests, tmp_path: Path) -> None:
    folder = make(tmp_path / "up", {"config.json": b"{}", "model.safetensors": bytes(3 << 20), "sub/x.txt": b"x"})
    repo = f"{hub.namespace}/from-cli"
    for _ in range(2):
        uploaded = hub.hf("upload", repo, folder)
        assert uploaded.returncode == 0, uploaded.stderr
    assert hub.hf("upload", repo, folder, "--revision", "new/branch").returncode == 0
    downloaded = hub.hf("download", repo, "--revision", "new/branch", "--local-dir", tmp_path / "down")
    assert downloaded.returncode == 0, downloaded.stderr
    for path in ("config.json", "model.safetensors", "sub/x.txt"):
        assert (tmp_path / "down" / path).read_bytes() == (folder / path).read_bytes()


def test_other_commands_of_the_command_line(hub: HubForTests) -> None:
    name = f"{hub.namespace}/tools"
    script = [
        ("auth", "whoami"),
        ("repos", "create", name),
        ("repos", "tag", "create", name, "v1"),
        ("repos", "tag", "list", name),
        ("repos", "branch", "create", name, "dev"),
        ("repos", "settings", name, "--gated", "auto"),
        ("models", "ls", "--author", hub.namespace),
        ("models", "info", name),
        ("repos", "delete", name, "--yes"),
    ]
    for arguments in script:
        done = hub.hf(*arguments)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    assert not hub.api.repo_exists(name)
