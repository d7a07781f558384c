"""Reading the embedded hub's repositories with git itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from huggingface_hub import CommitOperationAdd

from tests.support.hub import HubForTests


def git(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *map(str, arguments)], cwd=cwd, capture_output=True, text=True)


def test_clone_and_fetch_bring_commits_branches_and_tags(hub: HubForTests, tmp_path: Path) -> None:
    repo = hub.repo()
    hub.api.upload_file(path_or_fileobj=b"one\n", path_in_repo="a.txt", repo_id=repo, commit_message="first")
    hub.api.create_tag(repo, tag="v1", tag_message="release")
    cloned = git("clone", f"{hub.endpoint}/{repo}", tmp_path / "clone")
    assert cloned.returncode == 0, cloned.stderr
    assert (tmp_path / "clone/a.txt").read_text() == "one\n"
    assert git("tag", cwd=tmp_path / "clone").stdout == "v1\n"
    hub.api.create_branch(repo, branch="feature/x")
    head = hub.api.upload_file(path_or_fileobj=b"two\n", path_in_repo="b.txt", repo_id=repo).oid
    assert git("pull", "--ff-only", cwd=tmp_path / "clone").returncode == 0
    assert git("rev-parse", "HEAD", cwd=tmp_path / "clone").stdout.strip() == head
    assert "origin/feature/x" in git("branch", "-r", cwd=tmp_path / "clone").stdout


def test_many_files_and_a_large_request_survive_the_pipe(hub: HubForTests, tmp_path: Path) -> None:
    repo = hub.repo()
    noise = np.random.default_rng(0)
    operations = [CommitOperationAdd(f"f{number}.dat", noise.bytes(20_000)) for number in range(500)]
    hub.api.create_commit(repo, operations, commit_message="many")
    for number in range(30):
        hub.api.create_tag(repo, tag=f"t{number}")
    cloned = git("clone", f"{hub.endpoint}/{repo}.git", tmp_path / "clone")
    assert cloned.returncode == 0, cloned.stderr
    assert len(list((tmp_path / "clone").glob("f*.dat"))) == 500
    assert git("fsck", cwd=tmp_path / "clone").returncode == 0


def test_a_large_file_is_a_pointer_marked_for_git_lfs(hub: HubForTests, tmp_path: Path) -> None:
    repo = hub.repo()
    hub.api.upload_file(path_or_fileobj=bytes(2 << 20), path_in_repo="sub dir/w[1].bin", repo_id=repo)
    assert git("clone", f"{hub.endpoint}/{repo}", tmp_path / "clone").returncode == 0
    pointer = (tmp_path / "clone/sub dir/w[1].bin").read_text()
    assert pointer.startswith("version https://git-lfs.github.com/spec/v1\noid sha256:")
    attributes = git("check-attr", "filter", "--", "sub dir/w[1].bin", "w[1].bin", cwd=tmp_path / "clone").stdout
    assert attributes == "sub dir/w[1].bin: filter: lfs\nw[1].bin: filter: unspecified\n"


def test_a_private_repo_needs_the_token(hub: HubForTests, tmp_path: Path) -> None:
    repo = hub.repo(private=True)
    assert git("clone", f"{hub.endpoint}/{repo}", tmp_path / "refused").returncode != 0
    signed = hub.endpoint.replace("://", f"://me:{hub.token}@")
    assert git("clone", f"{signed}/{repo}", tmp_path / "clone").returncode == 0


def test_a_repository_git_cannot_read_is_said_to_be_damaged(hub: HubForTests, tmp_path: Path) -> None:
    repo = hub.repo()
    (hub.git_dir(repo) / "HEAD").write_text("garbage")
    cloned = git("clone", f"{hub.endpoint}/{repo}", tmp_path / "clone")
    assert cloned.returncode != 0
    assert "424" in cloned.stderr


def test_pushing_is_refused_in_words(hub: HubForTests, tmp_path: Path) -> None:
    repo = hub.repo()
    signed = hub.endpoint.replace("://", f"://me:{hub.token}@")
    git("clone", f"{signed}/{repo}", tmp_path / "clone")
    git("commit", "--allow-empty", "-m", "x", cwd=tmp_path / "clone")
    pushed = git("push", cwd=tmp_path / "clone")
    assert pushed.returncode != 0
    assert "501" in pushed.stderr


def test_the_bare_repository_is_sound(hub: HubForTests) -> None:
    repo = hub.repo()
    hub.api.upload_file(path_or_fileobj=b"x", path_in_repo="a/b/c.txt", repo_id=repo)
    operations = [CommitOperationAdd(f"d{number % 9}/{number}.txt", b"%d" % number) for number in range(300)]
    hub.api.create_commit(repo, operations, commit_message="many")
    hub.api.delete_folder("a", repo)
    checked = git("--git-dir", hub.git_dir(repo), "fsck", "--full", "--strict")
    assert (checked.returncode, checked.stderr) == (0, "")
