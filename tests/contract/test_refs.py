"""Checklist "refs": branches, tags, history."""

from __future__ import annotations

import subprocess

import pytest
from huggingface_hub.errors import HfHubHTTPError, RevisionNotFoundError

from tests.contract.conftest import Remote
from tests.support.hub import HubForTests


def test_refs_are_listed_by_kind(remote: Remote) -> None:
    repo = remote.repo()
    head = remote.add(repo, {"a.txt": b"1"})
    remote.api.create_branch(repo, branch="dev")
    remote.api.create_tag(repo, tag="v1", tag_message="first")
    remote.add(repo, {"b.txt": b"2"}, create_pr=True)
    refs = remote.api.list_repo_refs(repo, include_pull_requests=True)
    assert sorted(branch.ref for branch in refs.branches) == ["refs/heads/dev", "refs/heads/main"]
    assert [(tag.name, tag.ref, tag.target_commit) for tag in refs.tags] == [("v1", "refs/tags/v1", head)]
    assert refs.converts == []
    assert [pull.ref for pull in refs.pull_requests or []] == ["refs/pr/1"]
    assert remote.api.list_repo_refs(repo).pull_requests is None


def test_a_branch_starts_at_head_branch_tag_or_sha(remote: Remote) -> None:
    repo = remote.repo()
    first = remote.add(repo, {"a.txt": b"1"})
    remote.api.create_tag(repo, tag="v1")
    second = remote.add(repo, {"a.txt": b"2"})
    starts = {"from-head": None, "from/branch": "main", "from-tag": "v1", "from-sha": first}
    for branch, revision in starts.items():
        remote.api.create_branch(repo, branch=branch, revision=revision)
    heads = {branch.name: branch.target_commit for branch in remote.api.list_repo_refs(repo).branches}
    assert heads == {
        "main": second,
        "from-head": second,
        "from/branch": second,
        "from-tag": first,
        "from-sha": first,
    }


def test_an_existing_branch_is_a_conflict_unless_that_is_fine(remote: Remote) -> None:
    repo = remote.repo()
    remote.api.create_branch(repo, branch="dev")
    with pytest.raises(HfHubHTTPError, match="refs/heads/dev already exists") as refused:
        remote.api.create_branch(repo, branch="dev")
    assert refused.value.response.status_code == 409
    remote.api.create_branch(repo, branch="dev", exist_ok=True)


def test_a_branch_cannot_start_nowhere(remote: Remote) -> None:
    with pytest.raises(RevisionNotFoundError):
        remote.api.create_branch(remote.repo(), branch="dev", revision="no-such")


def test_branches_are_deleted_but_never_main(remote: Remote) -> None:
    repo = remote.repo()
    remote.api.create_branch(repo, branch="feature/x")
    remote.api.delete_branch(repo, branch="feature/x")
    assert [branch.name for branch in remote.api.list_repo_refs(repo).branches] == ["main"]
    with pytest.raises(HfHubHTTPError) as refused:
        remote.api.delete_branch(repo, branch="main")
    assert refused.value.response.status_code == 403
    with pytest.raises(HfHubHTTPError) as missing:
        remote.api.delete_branch(repo, branch="gone")
    assert missing.value.response.status_code == 404


def test_a_tag_and_a_branch_may_have_one_name(remote: Remote) -> None:
    repo = remote.repo()
    first = remote.add(repo, {"a.txt": b"1"})
    remote.api.create_tag(repo, tag="both")
    remote.api.create_branch(repo, branch="both")
    second = remote.add(repo, {"a.txt": b"2"}, revision="both")
    assert remote.api.repo_info(repo, revision="both").sha == second
    assert remote.api.list_repo_refs(repo).tags[0].target_commit == first


def test_tags_light_and_annotated_on_sha_and_short_sha(remote: Remote) -> None:
    repo = remote.repo()
    first = remote.add(repo, {"a.txt": b"1"})
    remote.add(repo, {"a.txt": b"2"})
    remote.api.create_tag(repo, tag="light", revision=first)
    remote.api.create_tag(repo, tag="annotated", revision=first[:7], tag_message="from afar\n\nbody")
    tags = {tag.name: tag.target_commit for tag in remote.api.list_repo_refs(repo).tags}
    assert tags == {"light": first, "annotated": first}


def test_an_annotated_tag_is_one_in_git_too(hub: HubForTests) -> None:
    repo = hub.repo()
    hub.api.create_tag(repo, tag="v1", tag_message="release one")
    command = ["git", "--git-dir", str(hub.git_dir(repo)), "tag", "--format=%(objecttype) %(contents:subject)"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "tag release one\n"


def test_an_existing_tag_is_a_conflict_unless_that_is_fine(remote: Remote) -> None:
    repo = remote.repo()
    remote.api.create_tag(repo, tag="v1")
    with pytest.raises(HfHubHTTPError) as refused:
        remote.api.create_tag(repo, tag="v1")
    assert refused.value.response.status_code == 409
    remote.api.create_tag(repo, tag="v1", exist_ok=True)


def test_tags_of_unknown_revisions_and_unknown_tags(remote: Remote) -> None:
    repo = remote.repo()
    with pytest.raises(RevisionNotFoundError):
        remote.api.create_tag(repo, tag="v1", revision="nowhere")
    with pytest.raises(RevisionNotFoundError):
        remote.api.delete_tag(repo, tag="v1")
    remote.api.create_tag(repo, tag="v1")
    remote.api.delete_tag(repo, tag="v1")
    assert remote.api.list_repo_refs(repo).tags == []


@pytest.mark.parametrize("name", ["a..b", "with space", "x.lock", "-dash", "ends/"])
def test_names_git_could_not_hold_are_refused(remote: Remote, name: str) -> None:
    repo = remote.repo()
    with pytest.raises(HfHubHTTPError) as refused:
        remote.api.create_tag(repo, tag=name)
    assert 400 <= refused.value.response.status_code < 500


def test_names_that_look_like_commits_are_refused(remote: Remote) -> None:
    repo = remote.repo()
    with pytest.raises(HfHubHTTPError):
        remote.api.create_branch(repo, branch="a" * 40)
    with pytest.raises(HfHubHTTPError):
        remote.api.create_tag(repo, tag="a" * 40)


def test_history_is_newest_first_with_title_and_description(remote: Remote) -> None:
    repo = remote.repo()
    remote.add(repo, {"a.txt": b"1"}, commit_message="first", commit_description="why\n\nGit-Tag: v1")
    remote.add(repo, {"a.txt": b"2"}, commit_message="second <b>")
    commits = remote.api.list_repo_commits(repo, formatted=True)
    assert [commit.title for commit in commits[:2]] == ["second <b>", "first"]
    assert commits[1].message == "why\n\nGit-Tag: v1"
    assert commits[0].formatted_title == "second &lt;b&gt;"
    assert remote.api.list_repo_commits(repo, revision=commits[1].commit_id)[0].title == "first"


def test_long_history_comes_in_pages(own_hub: HubForTests) -> None:
    repo = own_hub.repo()
    own_hub.server.hub.page_size = 3
    for number in range(7):
        own_hub.api.upload_file(
            path_or_fileobj=str(number).encode(), path_in_repo="n", repo_id=repo, commit_message=f"c{number}"
        )
    own_hub.forget_requests()
    titles = [commit.title for commit in own_hub.api.list_repo_commits(repo)]
    assert titles == [f"c{number}" for number in reversed(range(7))] + ["initial commit"]
    assert len(own_hub.requests) == 3


def test_super_squash_leaves_one_commit_and_other_branches_alone(remote: Remote) -> None:
    repo = remote.repo()
    remote.add(repo, {"a.txt": b"1"})
    kept = remote.add(repo, {"b.txt": b"2"})
    remote.api.create_branch(repo, branch="dev")
    files = remote.files(repo)
    remote.api.super_squash_history(repo, branch="main", commit_message="all in one")
    commits = remote.api.list_repo_commits(repo)
    assert [commit.title for commit in commits] == ["all in one"]
    assert remote.files(repo) == files
    assert remote.api.repo_info(repo, revision="dev").sha == kept


def test_a_branch_and_one_below_it_exclude_each_other(remote: Remote) -> None:
    repo = remote.repo()
    remote.api.create_branch(repo, branch="a/b/c")
    for name in ("a", "a/b", "a/b/c/d"):
        with pytest.raises(HfHubHTTPError) as refused:
            remote.api.create_branch(repo, branch=name)
        assert refused.value.response.status_code == 409
    remote.api.delete_branch(repo, branch="a/b/c")
    remote.api.create_branch(repo, branch="a")
    assert remote.api.revision_exists(repo, "a")


def test_packed_refs_are_in_the_way_too(hub: HubForTests) -> None:
    repo = hub.repo()
    hub.api.create_branch(repo, branch="x/y")
    subprocess.run(["git", "--git-dir", str(hub.git_dir(repo)), "pack-refs", "--all"], check=True)
    with pytest.raises(HfHubHTTPError, match="beside refs/heads/x/y"):
        hub.api.create_branch(repo, branch="x")
    hub.api.delete_branch(repo, branch="x/y")
    hub.api.create_branch(repo, branch="x")
    head = hub.api.upload_file(path_or_fileobj=b"1", path_in_repo="a", repo_id=repo, revision="x").oid
    assert hub.api.repo_info(repo, revision="x").sha == head
