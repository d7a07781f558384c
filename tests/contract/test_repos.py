"""Checklist "repos" of the protocol: making, finding, moving, changing and deleting repositories."""

from __future__ import annotations

from datetime import UTC

import pytest
from huggingface_hub import CommitOperationAdd
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from tests.contract.conftest import Remote
from tests.support.hub import HubForTests


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_a_new_repo_has_main_with_one_commit_and_a_tree(remote: Remote, kind: str) -> None:
    repo = remote.repo(kind)
    info = remote.api.repo_info(repo, repo_type=kind)
    commits = remote.api.list_repo_commits(repo, repo_type=kind)
    assert info.sha is not None and len(info.sha) == 40
    assert [commit.commit_id for commit in commits] == [info.sha]
    assert list(remote.api.list_repo_tree(repo, repo_type=kind, recursive=True))
    assert [branch.name for branch in remote.api.list_repo_refs(repo, repo_type=kind).branches] == ["main"]


def test_a_space_has_an_sdk(remote: Remote) -> None:
    repo = remote.repo("space", space_sdk="static")
    assert remote.api.space_info(repo).sdk == "static"


def test_a_repo_without_namespace_belongs_to_the_caller(remote: Remote) -> None:
    name = remote.name().rpartition("/")[2]
    url = remote.api.create_repo(name, private=True)
    remote.made(url.repo_id)
    assert url.repo_id == f"{remote.api.whoami()['name']}/{name}"


def test_private_and_visibility_are_honoured(remote: Remote) -> None:
    assert remote.api.repo_info(remote.repo(private=True)).private is True
    assert remote.api.repo_info(remote.repo(visibility="private")).private is True


def test_creating_twice_is_refused_unless_that_is_fine(remote: Remote) -> None:
    repo = remote.repo()
    with pytest.raises(HfHubHTTPError) as refused:
        remote.api.create_repo(repo)
    assert refused.value.response.status_code == 409
    again = remote.api.create_repo(repo, exist_ok=True)
    assert again.repo_id == repo
    assert again.startswith(remote.endpoint)


def test_delete_removes_the_repo_and_missing_ok_is_silent(remote: Remote) -> None:
    repo = remote.repo()
    remote.api.delete_repo(repo)
    assert not remote.api.repo_exists(repo)
    remote.api.delete_repo(repo, missing_ok=True)
    with pytest.raises(RepositoryNotFoundError):
        remote.api.delete_repo(repo)


def test_a_deleted_name_can_be_used_again(remote: Remote) -> None:
    repo = remote.repo()
    remote.add(repo, {"a.txt": b"old"})
    remote.api.delete_repo(repo)
    remote.api.create_repo(repo, private=True)
    assert remote.files(repo) == set()


def test_a_moved_repo_answers_under_both_names(remote: Remote) -> None:
    old, new = remote.repo(), remote.name()
    commit = remote.add(old, {"a.txt": b"x"})
    remote.api.move_repo(old, new)
    remote.made(new)
    assert remote.api.repo_info(new).sha == commit
    assert remote.api.repo_info(old).id == new
    assert remote.api.get_hf_file_metadata(url=f"{remote.endpoint}/{old}/resolve/main/a.txt").commit_hash == commit
    after = remote.api.create_commit(old, [CommitOperationAdd("b.txt", b"y")], commit_message="under the old name")
    assert remote.api.repo_info(new).sha == after.oid


def test_moving_onto_an_existing_repo_fails(remote: Remote) -> None:
    one, other = remote.repo(), remote.repo()
    with pytest.raises(HfHubHTTPError):
        remote.api.move_repo(one, other)
    assert remote.api.repo_exists(one)


def test_settings_change_gating_and_visibility(remote: Remote) -> None:
    repo = remote.repo()
    remote.api.update_repo_settings(repo, gated="auto", visibility="private")
    info = remote.api.model_info(repo)
    assert (info.gated, info.private) == ("auto", True)
    remote.api.update_repo_settings(repo, gated=False)
    assert remote.api.model_info(repo).gated is False


def test_auth_check_for_reading_and_writing(remote: Remote) -> None:
    repo = remote.repo()
    remote.api.auth_check(repo)
    remote.api.auth_check(repo, write=True)
    with pytest.raises(RepositoryNotFoundError):
        remote.api.auth_check(remote.name())


def test_another_user_may_read_but_not_write(hub: HubForTests) -> None:
    repo = hub.repo()
    accounts = hub.server.hub.accounts
    api = hub.api_with(accounts.issue_token(accounts.add(f"other-{hub.namespace}")))
    api.auth_check(repo)
    with pytest.raises(HfHubHTTPError) as refused:
        api.auth_check(repo, write=True)
    assert refused.value.response.status_code == 403
    with pytest.raises(HfHubHTTPError, match="has no right"):
        api.upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id=repo)


def test_a_read_token_cannot_write(hub: HubForTests) -> None:
    accounts = hub.server.hub.accounts
    me = accounts.find(hub.user)
    assert me is not None
    api = hub.api_with(accounts.issue_token(me, role="read"))
    assert api.whoami()["auth"]["accessToken"]["role"] == "read"
    with pytest.raises(HfHubHTTPError, match="may only read"):
        api.create_repo(f"{hub.namespace}/nope")


def test_a_namespace_of_another_user_is_closed(hub: HubForTests) -> None:
    name = f"owner-{hub.namespace}"
    owner = hub.server.hub.accounts.add(name)
    with pytest.raises(HfHubHTTPError, match="belongs to another user"):
        hub.api.create_repo(f"{name}/model")
    hub.api_with(hub.server.hub.accounts.issue_token(owner)).create_repo(f"{name}/model")


@pytest.mark.parametrize("bad", ["api/model", "spaces/model", "assets/x"])
def test_names_that_are_routes_are_refused(hub: HubForTests, bad: str) -> None:
    with pytest.raises(HfHubHTTPError) as refused:
        hub.api.create_repo(bad)
    assert refused.value.response.status_code == 400


def test_info_knows_branch_tag_sha_short_sha_and_pull_request(remote: Remote) -> None:
    repo = remote.repo()
    first = remote.add(repo, {"a.txt": b"1"})
    remote.api.create_branch(repo, branch="feature/x")
    remote.api.create_tag(repo, tag="v1")
    pull = remote.add(repo, {"b.txt": b"2"}, create_pr=True)
    for revision in ("main", "feature/x", "v1", first, first[:7]):
        assert remote.api.repo_info(repo, revision=revision).sha == first, revision
    assert remote.api.repo_info(repo, revision="refs/pr/1").sha == pull
    assert remote.api.revision_exists(repo, "v1")
    assert not remote.api.revision_exists(repo, "v2")


def test_info_with_file_metadata(remote: Remote) -> None:
    repo = remote.repo()
    remote.add(repo, {"small.txt": b"hello", "large.bin": bytes(2_000_000)})
    files = {file.rfilename: file for file in remote.api.model_info(repo, files_metadata=True).siblings or []}
    assert (files["small.txt"].size, files["small.txt"].blob_id) == (5, "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0")
    lfs = files["large.bin"].lfs
    assert lfs is not None and files["large.bin"].size == lfs.size == 2_000_000
    assert lfs.pointer_size > 100


def test_expand_limits_the_fields(remote: Remote) -> None:
    info = remote.api.model_info(remote.repo(), expand=["createdAt", "usedStorage"])
    assert info.created_at is not None
    assert info.used_storage is not None
    assert info.sha is None
    assert info.siblings is None


def test_all_dates_are_utc(remote: Remote) -> None:
    repo = remote.repo()
    info = remote.api.model_info(repo)
    commit = remote.api.list_repo_commits(repo)[0]
    for moment in (info.created_at, info.last_modified, commit.created_at):
        assert moment is not None and moment.tzinfo == UTC


CARD = b"---\ntags: [tiny, bert]\npipeline_tag: fill-mask\nlibrary_name: transformers\nlicense: mit\n---\n# Hello\n"


def test_lists_filter_sort_and_stop_at_the_limit(hub: HubForTests) -> None:
    names = [hub.repo(f"bert-{number}") for number in range(3)]
    hub.api.upload_file(path_or_fileobj=CARD, path_in_repo="README.md", repo_id=names[0])
    author = hub.namespace
    assert [m.id for m in hub.api.list_models(author=author, sort="created_at")] == names[::-1]
    assert next(iter(hub.api.list_models(author=author, sort="last_modified"))).id == names[0]
    assert [m.id for m in hub.api.list_models(author=author, search="bert-1")] == [names[1]]
    assert [m.id for m in hub.api.list_models(author=author, filter=["tiny", "license:mit"])] == [names[0]]
    assert [m.id for m in hub.api.list_models(author=author, pipeline_tag="fill-mask")] == [names[0]]
    found = next(iter(hub.api.list_models(author=author, filter="tiny", full=True, cardData=True)))
    assert found.card_data is not None and found.card_data["license"] == "mit"
    hub.forget_requests()
    assert len(list(hub.api.list_models(author=author, limit=1))) == 1
    assert len(hub.requests) == 1


def test_lists_show_private_repos_only_to_their_owner(hub: HubForTests) -> None:
    repo = hub.repo(private=True)
    assert [m.id for m in hub.api.list_models(author=hub.namespace)] == [repo]
    assert list(hub.api_with(False).list_models(author=hub.namespace)) == []


def test_a_long_list_comes_in_pages_without_repeats(own_hub: HubForTests) -> None:
    own_hub.server.hub.page_size = 2
    names = {own_hub.repo(f"m{number}") for number in range(5)}
    own_hub.forget_requests()
    listed = [m.id for m in own_hub.api.list_models()]
    assert sorted(listed) == sorted(names)
    assert len(own_hub.requests) == 3


def test_a_duplicate_has_the_same_files(hub: HubForTests) -> None:
    repo = hub.repo()
    hub.api.upload_file(path_or_fileobj=bytes(2_000_000), path_in_repo="model.bin", repo_id=repo)
    url = hub.api.duplicate_repo(repo, f"{hub.namespace}/copy")
    assert hub.api.repo_info(url.repo_id).sha == hub.api.repo_info(repo).sha
    hub.api.delete_repo(repo)
    files = [file.rfilename for file in hub.api.model_info(url.repo_id).siblings or []]
    assert files == [".gitattributes", "model.bin"]


def test_storage_and_large_files_are_listed(hub: HubForTests) -> None:
    repo = hub.repo()
    hub.api.upload_file(path_or_fileobj=bytes(1_500_000), path_in_repo="zeros.bin", repo_id=repo)
    (listed,) = hub.api.list_user_repos(namespace=hub.namespace)
    assert listed.id == repo
    assert listed.storage > 1_500_000
    (large,) = hub.api.list_lfs_files(repo)
    assert (large.filename, large.size) == ("zeros.bin", 1_500_000)


def test_what_is_not_offered_says_so(hub: HubForTests) -> None:
    space = hub.repo("space", repo_type="space", space_sdk="static")
    with pytest.raises(HfHubHTTPError, match="does not offer") as refused:
        hub.api.get_space_runtime(space)
    assert refused.value.response.status_code == 501
