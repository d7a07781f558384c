"""Checklist "errors": each refusal becomes the exception that callers of the client expect."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import (
    BadRequestError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.contract.conftest import Remote
from tests.support.hub import HubForTests, running_hub

ODD_NAMES = ["x y#.txt", "dir/100% + ü.txt", "模型/权重 (1).txt", "a&b=c;d?.txt", "quote\"'s.txt", "~tilde/@at.txt"]


@pytest.mark.parametrize("path", ODD_NAMES)
def test_odd_names_survive_tree_resolve_and_paths_info(remote: Remote, tmp_path: Path, path: str) -> None:
    repo = remote.repo()
    remote.api.create_branch(repo, branch="feature/x")
    remote.add(repo, {path: path.encode()}, revision="feature/x")
    assert remote.files(repo, revision="feature/x") == {path}
    folder = path.rpartition("/")[0]
    if folder:
        (entry,) = remote.api.list_repo_tree(repo, folder, revision="feature/x")
        assert entry.path == path
    (info,) = remote.api.get_paths_info(repo, [path], revision="feature/x")
    assert info.path == path
    local = remote.api.hf_hub_download(repo, path, revision="feature/x", cache_dir=tmp_path)
    assert Path(local).read_bytes() == path.encode()


CALLS: dict[str, Callable[[HfApi, str], object]] = {
    "info": lambda api, repo: api.model_info(repo),
    "tree": lambda api, repo: list(api.list_repo_tree(repo)),
    "resolve": lambda api, repo: api.hf_hub_download(repo, "a.txt"),
    "preupload": lambda api, repo: api.upload_file(path_or_fileobj=b"x", path_in_repo="a.txt", repo_id=repo),
    "refs": lambda api, repo: api.list_repo_refs(repo),
    "commits": lambda api, repo: api.list_repo_commits(repo),
    "delete": lambda api, repo: api.delete_repo(repo),
    "tag": lambda api, repo: api.create_tag(repo, tag="v1"),
    "discussions": lambda api, repo: list(api.get_repo_discussions(repo)),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_missing_repo_is_not_found(remote: Remote, call: str) -> None:
    with pytest.raises(RepositoryNotFoundError):
        CALLS[call](remote.api, remote.name())


def test_a_missing_repo_does_not_exist(remote: Remote) -> None:
    assert not remote.api.repo_exists(remote.name())
    assert not remote.api.file_exists(remote.name(), "a.txt")


@pytest.mark.parametrize("call", ["info", "tree", "resolve", "refs", "commits"])
def test_a_private_repo_looks_missing_without_a_token(remote: Remote, call: str) -> None:
    repo = remote.repo(private=True)
    remote.add(repo, {"a.txt": b"secret"})
    with pytest.raises(RepositoryNotFoundError):
        CALLS[call](remote.anonymous, repo)
    assert not remote.anonymous.repo_exists(repo)
    CALLS[call](remote.api, repo)


def test_a_private_repo_looks_missing_to_another_user(hub: HubForTests) -> None:
    repo = hub.repo(private=True)
    accounts = hub.server.hub.accounts
    stranger = hub.api_with(accounts.issue_token(accounts.add(f"stranger-{hub.namespace}")))
    with pytest.raises(RepositoryNotFoundError):
        stranger.model_info(repo)


def test_a_bad_token_is_named(remote: Remote) -> None:
    api = HfApi(endpoint=remote.endpoint, token="hf_" + "x" * 34)
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        api.whoami()


def test_a_gated_repo_exists_but_is_closed_to_others(hub: HubForTests) -> None:
    repo = hub.repo()
    hub.api.upload_file(path_or_fileobj=b"x", path_in_repo="a.txt", repo_id=repo)
    hub.api.update_repo_settings(repo, gated="manual")
    visitor = hub.api_with(False)
    assert visitor.repo_exists(repo)
    with pytest.raises(GatedRepoError):
        visitor.file_exists(repo, "a.txt")
    with pytest.raises(GatedRepoError):
        visitor.hf_hub_download(repo, "a.txt")
    assert hub.api.file_exists(repo, "a.txt")


REVISION_CALLS: dict[str, Callable[[HfApi, str], object]] = {
    "info": lambda api, repo: api.model_info(repo, revision="gone"),
    "tree": lambda api, repo: list(api.list_repo_tree(repo, revision="gone")),
    "commits": lambda api, repo: api.list_repo_commits(repo, revision="gone"),
    "resolve": lambda api, repo: api.hf_hub_download(repo, "a.txt", revision="gone"),
    "paths-info": lambda api, repo: api.get_paths_info(repo, "a.txt", revision="gone"),
    "upload": lambda api, repo: api.upload_file(path_or_fileobj=b"x", path_in_repo="a", repo_id=repo, revision="gone"),
    "tag": lambda api, repo: api.create_tag(repo, tag="v1", revision="gone"),
    "branch": lambda api, repo: api.create_branch(repo, branch="b", revision="gone"),
    "full sha": lambda api, repo: api.model_info(repo, revision="0" * 40),
}


@pytest.mark.parametrize("call", REVISION_CALLS)
def test_an_unknown_revision_is_named_as_such(remote: Remote, call: str) -> None:
    with pytest.raises(RevisionNotFoundError):
        REVISION_CALLS[call](remote.api, remote.repo())


def test_the_message_of_the_hub_reaches_the_caller(hub: HubForTests) -> None:
    repo = hub.repo()
    with pytest.raises(HfHubHTTPError) as conflict:
        hub.api.create_branch(repo, branch="main")
    assert "refs/heads/main already exists" in str(conflict.value.server_message)
    with pytest.raises(HfHubHTTPError) as forbidden:
        hub.api.delete_branch(repo, branch="main")
    assert "default branch" in str(forbidden.value.server_message)
    with pytest.raises(BadRequestError) as bad:
        hub.api.create_tag(repo, tag="a..b")
    assert "Invalid reference name" in str(bad.value.server_message)
    stale = [CommitOperationAdd("a", b"a")]
    with pytest.raises(HfHubHTTPError) as precondition:
        hub.api.create_commit(repo, stale, commit_message="m", parent_commit="0" * 40)
    assert "The branch was updated" in str(precondition.value.server_message)


BAD_REQUESTS = [
    ("GET", "/api/models/{repo}/tree/gone", b""),
    ("GET", "/api/models/no/such", b""),
    ("GET", "/api/models/{repo}/tree/main?cursor=x", b""),
    ("GET", "/api/models/{repo}/tree/%FF", b""),
    ("GET", "/{repo}/resolve/main/名.txt", b""),
    ("GET", "/api/no/such/route", b""),
    ("GET", "/no-such-page/at/all/here", b""),
    ("POST", "/api/repos/create", b"not json"),
    ("POST", "/api/repos/create", b"[1]"),
    ("POST", "/api/repos/create", b'{"name": 7}'),
    ("POST", "/api/repos/create", b'{"name": "' + "名".encode() + b'"}'),
    ("POST", "/api/models/{repo}/commit/main", b'{"key":"header"}'),
    ("POST", "/api/models/{repo}/commit/main", b'{"key":"odd","value":{"path":"x"}}'),
    ("POST", "/api/models/{repo}/preupload/main", b'{"files":3}'),
    ("POST", "/api/models/{repo}/paths-info/main", b"paths=%FF"),
]


@pytest.mark.parametrize(("method", "path", "body"), BAD_REQUESTS)
def test_every_refusal_has_a_json_object_and_an_ascii_message(
    hub: HubForTests, method: str, path: str, body: bytes
) -> None:
    repo = hub.repo()
    address = path.format(repo=repo).encode("utf-8").decode("latin-1")
    url = hub.endpoint + "".join(c if c < "\x80" else f"%{ord(c):02X}" for c in address)
    request = urllib.request.Request(url, method=method, data=body or None)
    request.add_header("Authorization", f"Bearer {hub.token}")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    with refused.value as answer:
        assert 400 <= answer.code <= 501 and answer.code != 500
        assert isinstance(json.loads(answer.read()), dict)
        assert answer.headers["X-Error-Message"].isascii()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_urls_in_answers_use_the_host_of_the_request(hub: HubForTests, host: str) -> None:
    endpoint = hub.endpoint.replace("127.0.0.1", host)
    api = HfApi(endpoint=endpoint, token=hub.token)
    repo = f"{hub.namespace}/model"
    assert api.create_repo(repo).startswith(endpoint)
    commit = api.upload_file(path_or_fileobj=bytes(2_000_000), path_in_repo="a.bin", repo_id=repo)
    assert commit.commit_url.startswith(endpoint)


def test_a_path_prefix_works_end_to_end(tmp_path: Path) -> None:
    with running_hub(tmp_path / "store", prefix="/hf", page_size=2) as hub:
        assert hub.endpoint.endswith("/hf")
        repo = hub.repo()
        for number in range(3):
            hub.api.upload_file(path_or_fileobj=bytes(1_200_000 + number), path_in_repo=f"{number}.bin", repo_id=repo)
        assert len(hub.api.list_repo_files(repo)) == 4
        local = hub.api.snapshot_download(repo, cache_dir=tmp_path / "cache")
        assert (Path(local) / "2.bin").stat().st_size == 1_200_002
        hub.api.move_repo(repo, f"{hub.namespace}/moved")
        assert hub.api.repo_info(repo).id == f"{hub.namespace}/moved"


def test_an_endpoint_with_a_trailing_slash_works(hub: HubForTests) -> None:
    assert HfApi(endpoint=f"{hub.endpoint}/", token=hub.token).whoami()["name"] == hub.user


def test_a_proxy_in_the_environment_is_passed_by(hub: HubForTests) -> None:
    program = "from huggingface_hub import HfApi; import json; print(json.dumps(HfApi().whoami()['name']))"
    proxies = {"HTTP_PROXY": "http://192.0.2.1:9", "NO_PROXY": "127.0.0.1,localhost"}
    assert hub.run_python(program, **proxies) == hub.user


CONNECTIONS = """
import json, sys
seen = set()
sys.addaudithook(lambda event, args: seen.add(str(args[1][0])) if event == "socket.connect" else None)
from huggingface_hub import HfApi, snapshot_download
api = HfApi()
repo = api.create_repo("loopback/model", exist_ok=True).repo_id
api.upload_file(path_or_fileobj=bytes(2_000_000), path_in_repo="a.bin", repo_id=repo)
snapshot_download(repo)
print(json.dumps(sorted(seen)))
"""


def test_no_call_leaves_loopback(own_hub: HubForTests) -> None:
    assert own_hub.run_python(CONNECTIONS) == ["127.0.0.1"]
    asked = [path for _, path in own_hub.requests]
    assert not [path for path in asked if "telemetry" in path]


def test_rate_limits_are_waited_for(own_hub: HubForTests) -> None:
    repo = own_hub.repo()
    own_hub.faults.fail("GET", "/tree/", 429, headers={"Retry-After": "0"})
    own_hub.faults.fail("GET", "/tree/", 429, headers={"RateLimit": '"api";r=0;t=0'})
    assert own_hub.api.list_repo_files(repo) == [".gitattributes"]
    assert len([path for _, path in own_hub.requests if "/tree/" in path]) == 3


def test_a_moment_of_overload_is_survived(own_hub: HubForTests) -> None:
    repo = own_hub.repo()
    own_hub.faults.fail("GET", "/tree/", 503)
    own_hub.faults.fail("POST", "/preupload/", 503)
    own_hub.api.upload_file(path_or_fileobj=b"x", path_in_repo="a", repo_id=repo)
    assert own_hub.api.list_repo_files(repo) == [".gitattributes", "a"]


def test_a_foreign_host_name_is_refused(hub: HubForTests) -> None:
    request = urllib.request.Request(f"{hub.endpoint}/api/models", headers={"Host": "evil.example:80"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    with refused.value as answer:
        assert answer.code == 421


def test_the_store_and_its_token_are_for_their_owner_only(own_hub: HubForTests) -> None:
    store = own_hub.server.store
    assert store.stat().st_mode & 0o077 == 0
    assert (store / "token").stat().st_mode & 0o777 == 0o600
    kept = b"".join(path.read_bytes() for path in store.glob("hub.sqlite*"))
    assert own_hub.token.encode() not in kept


def test_the_hub_listens_on_loopback_only(own_hub: HubForTests) -> None:
    sockets = psutil.Process().net_connections()
    listening = {connection.laddr for connection in sockets if connection.status == psutil.CONN_LISTEN}
    assert ("127.0.0.1", int(own_hub.endpoint.rpartition(":")[2])) in listening
    assert {address for address, _ in listening} == {"127.0.0.1"}
