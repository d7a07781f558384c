"""What was acknowledged stays, whatever is killed and whenever; what nothing reaches goes, and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfver.local_hub.git.marks import UNLISTED
from hfver.local_hub.hub import Hub
from hfver.local_hub.maintenance import collect_garbage, scrub
from hfver.local_hub.overview import overview
from hfver.local_hub.repair import repair
from hfver.local_hub.store_errors import DamagedStoreError
from tests.support.hub import HubForTests, running_hub
from tests.support.stores import add_file

TRIALS = int(os.environ.get("KILL_TRIALS", "100"))

SERVER = """
import sys
from pathlib import Path
from hfver.local_hub.serve import serve
serve(Path(sys.argv[1]), 0, lambda hub: print(hub.endpoint, hub.token, flush=True))
"""

CLIENT = """
import hashlib, random, sys
from huggingface_hub import CommitOperationAdd, HfApi
endpoint, token, seed = sys.argv[1:]
api, dice = HfApi(endpoint=endpoint, token=token), random.Random(int(seed))
api.create_repo("kill/model", exist_ok=True)
for number in range(1000):
    count = dice.choice([1, 80])
    files = {f"s{seed}/{number}-{index}.txt": dice.randbytes(dice.choice([10, 3000])) for index in range(count)}
    if number % 2:
        files[f"s{seed}/{number}.bin"] = dice.randbytes(1_100_000)
    operations = [CommitOperationAdd(path, data) for path, data in files.items()]
    commit = api.create_commit("kill/model", operations, commit_message=f"{seed} {number}").oid
    for path, data in files.items():
        print(commit, hashlib.sha256(data).hexdigest(), path, flush=True)
    print("done", flush=True)
"""


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def acknowledged(client: subprocess.Popen[str], commits: int) -> list[tuple[str, str, str]]:
    """What the client was told is stored, up to so many commits."""
    assert client.stdout is not None
    rows: list[tuple[str, str, str]] = []
    pending: list[tuple[str, str, str]] = []
    for line in client.stdout:
        if line == "done\n":
            rows += pending
            pending = []
            commits -= 1
            if commits <= 0:
                break
        else:
            commit, digest, path = line.rstrip("\n").split(" ", 2)
            pending.append((commit, digest, path))
    return rows


def check(endpoint: str, rows: list[tuple[str, str, str]]) -> None:
    with httpx2.Client(base_url=endpoint) as http:
        for commit, digest, path in rows:
            answer = http.get(f"/kill/model/resolve/{commit}/{path}")
            assert answer.status_code == 200, (path, answer.text)
            assert hashlib.sha256(answer.content).hexdigest() == digest, path
        if rows:
            history = {row["id"] for row in http.get("/api/models/kill/model/commits/main").json()}
            assert {commit for commit, _, _ in rows} <= history


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_kill_at_random_moments_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    store, kept = tmp_path / "store", list[tuple[str, str, str]]()
    for trial in range(TRIALS):
        dice = random.Random(trial)
        with start(SERVER, str(store)) as server:
            assert server.stdout is not None
            endpoint, token = server.stdout.readline().split()
            check(endpoint, dice.sample(kept, min(len(kept), 30)) + kept[-90:])
            with start(CLIENT, endpoint, token, str(trial)) as client:
                kept += acknowledged(client, dice.randint(1, 4))
                time.sleep(dice.random() * 0.15)  # a random moment of whatever comes next
                for victim in [server, client] if trial % 2 else [client, server]:
                    victim.kill()
                    victim.wait()
    with running_hub(store) as hub:
        assert scrub(hub.server.hub) == []
        check(hub.endpoint, kept)
    assert len(kept) > TRIALS


def test_leftovers_are_swept(tmp_path: Path) -> None:
    with running_hub(tmp_path / "store") as hub:
        repo = hub.repo()
        git_dir = hub.git_dir(repo)
    orphan = git_dir.with_name("0" * 24 + ".git")
    shutil.copytree(git_dir, orphan)
    (orphan / UNLISTED).touch()
    leftovers = [git_dir / "objects/tmp_obj_x", git_dir / "objects/pack/tmp_pack_x", git_dir / "objects/pack/tmp_idx_x"]
    for path in leftovers:
        path.write_bytes(b"half")
    young = git_dir / "objects/tmp_obj_young"
    young.write_bytes(b"being written")
    old = time.time() - 7200
    for path in (*leftovers, orphan):
        os.utime(path, (old, old))
    store = Hub(tmp_path / "store")
    try:
        store.sweep()
    finally:
        store.close()
    assert not [path for path in (*leftovers, orphan) if path.exists()]
    assert young.exists()
    with running_hub(tmp_path / "store") as hub:
        assert hub.api.list_repo_files(repo) == [".gitattributes"]


def test_repositories_outlive_the_loss_of_the_table_that_names_them(tmp_path: Path) -> None:
    with running_hub(tmp_path / "store") as hub:
        history = History(hub)
        git_dir = hub.git_dir(history.repo)
        history.commit("main", "w.bin", b"weights")
        (sha256,) = history.everything
    for lost in (tmp_path / "store").glob("hub.sqlite*"):
        lost.unlink()
    with pytest.raises(DamagedStoreError, match="it is gone or empty, and 1 repositories lie beside it"):
        Hub(tmp_path / "store")
    repair(tmp_path / "store")
    old = time.time() - 7200
    os.utime(git_dir, (old, old))
    store = Hub(tmp_path / "store")
    try:
        store.sweep()
        collect_garbage(store, grace_seconds=0)
        assert git_dir.exists()
        assert store.content.lookup([sha256])
        assert scrub(store) == []
        assert [repo.full_name for repo in store.repos.all()] == [history.repo]
    finally:
        store.close()


def test_collection_leaves_alone_what_the_variables_of_a_hook_point_to(
    own_hub: HubForTests, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_hub.repo()
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    written = subprocess.run([*git, "hash-object", "-w", "--stdin"], input=b"new", capture_output=True, check=True)
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / ".git/objects"))
    collect_garbage(own_hub.server.hub, grace_seconds=0)
    assert subprocess.run([*git, "cat-file", "-e", written.stdout.decode().strip()]).returncode == 0


def test_a_crash_right_after_a_repository_was_entered_does_not_mark_it_for_good(own_hub: HubForTests) -> None:
    git_dir, hub = own_hub.git_dir(own_hub.repo()), own_hub.server.hub
    head = git_dir / "refs/heads/main"
    (git_dir / UNLISTED).touch()
    kept = head.read_text()
    head.write_text("0" * 40)
    with pytest.raises(DamagedStoreError):
        collect_garbage(hub)
    head.write_text(kept)
    hub.sweep()
    assert not (git_dir / UNLISTED).exists()


def test_what_a_crash_left_half_made_does_not_stop_a_collection(own_hub: HubForTests) -> None:
    half = own_hub.git_dir(own_hub.repo()).with_name("0" * 24 + ".git")
    half.mkdir()
    (half / UNLISTED).touch()
    assert collect_garbage(own_hub.server.hub).files == 0


def test_what_is_committed_during_a_collection_is_kept(own_hub: HubForTests, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History(own_hub)
    content = own_hub.server.hub.content
    add_file(content, [b"uploaded before"])
    collect = content.gc

    def commit_first(*arguments: Any, **options: Any) -> Any:
        """After all refs were looked at."""
        history.commit("main", "w.bin", b"uploaded before")
        return collect(*arguments, **options)

    monkeypatch.setattr(content, "gc", commit_first)
    collect_garbage(own_hub.server.hub, grace_seconds=0)
    assert httpx2.get(f"{own_hub.endpoint}/{history.repo}/resolve/main/w.bin").content == b"uploaded before"


def test_a_copy_made_during_a_collection_keeps_what_its_original_had(
    own_hub: HubForTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(own_hub)
    history.commit("main", "w.bin", b"weights")
    copy = f"{own_hub.namespace}/copy"
    store = own_hub.server.hub.git
    listed = store.ids

    def copy_and_remove() -> set[str]:
        """Once the repositories to look at are known."""
        known = listed()
        monkeypatch.setattr(store, "ids", listed)
        url = f"{own_hub.endpoint}/api/models/{history.repo}/duplicate"
        auth = {"Authorization": f"Bearer {own_hub.token}"}
        assert httpx2.post(url, json={"repository": copy}, headers=auth).status_code == 200
        own_hub.api.delete_repo(history.repo)
        return known

    monkeypatch.setattr(store, "ids", copy_and_remove)
    collect_garbage(own_hub.server.hub, grace_seconds=0)
    assert httpx2.get(f"{own_hub.endpoint}/{copy}/resolve/main/w.bin").content == b"weights"


def test_a_repository_that_is_being_deleted_is_not_called_damaged(
    own_hub: HubForTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = own_hub.repo()
    other = own_hub.repo("other")
    own_hub.git_dir(repo).rename(own_hub.server.store / "elsewhere")
    url = f"{own_hub.endpoint}/api/models/{repo}/refs"
    answer = httpx2.get(url)
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (424, "StoreDamaged"), "nobody has deleted it"
    with monkeypatch.context() as patched:
        patched.setattr(own_hub.server.hub.repos, "by_id", lambda _id: None)  # struck out since it was looked up
        answer = httpx2.get(url)
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (404, "RepoNotFound")
    assert [found.id for found in own_hub.api.list_models()] == [other]
    assert [found.id for found in own_hub.api.list_user_repos(namespace=own_hub.namespace)] == [other]
    assert httpx2.get(own_hub.endpoint).status_code == 200
    assert [found.name for found in overview(own_hub.server.hub).repos] == [other]


def test_a_merge_is_on_disk_before_it_is_acknowledged(own_hub: HubForTests, monkeypatch: pytest.MonkeyPatch) -> None:
    repo, api, git_dir = own_hub.repo(), own_hub.api, own_hub.git_dir(own_hub.namespace + "/model")
    lines = [f"{number}\n" for number in range(20)]

    def change(at: int, **options: Any) -> None:
        text = "".join([*lines[:at], "changed\n", *lines[at + 1 :]]).encode()
        operations = [CommitOperationAdd("dir/f.txt", text), CommitOperationAdd(f"dir/{at}", b"new")]
        api.create_commit(repo, operations, commit_message="m", **options)

    api.upload_file(path_or_fileobj="".join(lines).encode(), path_in_repo="dir/f.txt", repo_id=repo)
    change(1, create_pr=True)
    change(18)
    synced: set[int] = set()
    really = os.fsync

    def sync(handle: int) -> None:
        synced.add(os.fstat(handle).st_ino)
        really(handle)

    monkeypatch.setattr(os, "fsync", sync)
    base = api.repo_info(repo).sha
    api.merge_pull_request(repo, 1)
    git = ["git", "--git-dir", str(git_dir), "rev-list", "--objects", "main", f"^{base}", "^refs/pr/1"]
    made = subprocess.run(git, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.partition(" ")[2] for line in made] == ["", "", "dir", "dir/f.txt"]
    paths = [git_dir / "objects" / line[:2] / line.split(" ")[0][2:] for line in made]
    assert {path.stat().st_ino for path in paths} <= synced
    merged = httpx2.get(f"{own_hub.endpoint}/{repo}/resolve/main/dir/f.txt").text.splitlines()
    assert (merged[1], merged[18], len(merged)) == ("changed", "changed", 20)


def test_a_lock_file_left_by_a_crash_does_not_block(own_hub: HubForTests) -> None:
    repo = own_hub.repo()
    (own_hub.git_dir(repo) / "refs/heads/main.lock").write_text("half")
    own_hub.api.upload_file(path_or_fileobj=b"x", path_in_repo="a", repo_id=repo)
    assert len(own_hub.api.list_repo_commits(repo)) == 2


def test_a_lock_file_of_a_branch_that_was_never_made_does_not_block_a_shorter_name(own_hub: HubForTests) -> None:
    repo = own_hub.repo()
    lock = own_hub.git_dir(repo) / "refs/heads/a/b.lock"
    lock.parent.mkdir()
    lock.write_text("half")
    own_hub.api.create_branch(repo, branch="a")
    assert {branch.name for branch in own_hub.api.list_repo_refs(repo).branches} == {"main", "a"}


def test_a_reply_lost_after_the_work_leaves_one_commit(own_hub: HubForTests) -> None:
    repo = own_hub.repo()
    own_hub.faults.cut("POST", "/commit/")
    with pytest.raises(httpx2.TransportError):
        own_hub.api.upload_file(path_or_fileobj=b"x", path_in_repo="a", repo_id=repo)
    assert own_hub.api.list_repo_files(repo) == [".gitattributes", "a"]
    own_hub.api.upload_file(path_or_fileobj=b"x", path_in_repo="a", repo_id=repo)
    assert len(own_hub.api.list_repo_commits(repo)) == 2


def test_a_connection_cut_before_the_work_changes_nothing(own_hub: HubForTests) -> None:
    repo = own_hub.repo()
    own_hub.faults.cut("POST", "/commit/", work_first=False)
    with pytest.raises(httpx2.TransportError):
        own_hub.api.upload_file(path_or_fileobj=b"x", path_in_repo="a", repo_id=repo)
    assert own_hub.api.list_repo_files(repo) == [".gitattributes"]


def test_faults_hit_the_requests_they_are_for(own_hub: HubForTests) -> None:
    own_hub.faults.fail("GET", "/api/models$", 418, nth=2, times=2)
    url = f"{own_hub.endpoint}/api/models"
    assert [httpx2.get(url).status_code for _ in range(5)] == [200, 418, 418, 200, 200]
    own_hub.faults.delay("GET", "/api/models$", 0.2)
    begun = time.monotonic()
    assert httpx2.get(url).status_code == 200
    assert time.monotonic() - begun >= 0.2
    own_hub.faults.fail("*", "whoami", 500)
    own_hub.faults.clear()
    assert httpx2.get(f"{own_hub.endpoint}/api/whoami-v2").status_code == 401


class History:
    """A repository under random changes, and what each of its refs must still be able to read."""

    def __init__(self, hub: HubForTests) -> None:
        self.hub = hub
        self.repo = hub.repo(f"m{len(hub.requests)}")
        self.refs: dict[str, dict[str, bytes]] = {"main": {}}
        self.tags: dict[str, dict[str, bytes]] = {}
        self.everything: set[str] = set()

    def commit(self, branch: str, path: str, data: bytes) -> None:
        stored = add_file(self.hub.server.hub.content, [data])
        self.everything.add(stored.sha256)
        line = {"path": path, "algo": "sha256", "oid": stored.sha256, "size": stored.size}
        self._post(branch, {"key": "lfsFile", "value": line})
        self.refs[branch] = {**self.refs[branch], path: data}

    def delete(self, branch: str, path: str) -> None:
        if path in self.refs[branch]:
            self._post(branch, {"key": "deletedFile", "value": {"path": path}})
            self.refs[branch] = {name: data for name, data in self.refs[branch].items() if name != path}

    def _post(self, branch: str, operation: dict[str, Any]) -> None:
        header = {"key": "header", "value": {"summary": "m"}}
        body = "\n".join(json.dumps(line) for line in (header, operation))
        url = f"{self.hub.endpoint}/api/models/{self.repo}/commit/{branch}"
        answer = httpx2.post(url, content=body, headers={"Authorization": f"Bearer {self.hub.token}"})
        assert answer.status_code == 200, answer.text


DATA = st.integers(0, 5).map(lambda number: bytes([number]) * (number + 1))
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.sampled_from(["a.bin", "d/b.bin"]), DATA),
        st.tuples(st.just("delete"), st.sampled_from(["a.bin", "d/b.bin"]), st.just(b"")),
        st.tuples(st.sampled_from(["branch", "drop", "tag", "squash"]), st.just(""), st.just(b"")),
    ),
    max_size=10,
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=CHANGES)
def test_gc_frees_exactly_what_no_ref_reaches(own_hub: HubForTests, changes: list[tuple[str, str, bytes]]) -> None:
    history = History(own_hub)
    api, repo = own_hub.api, history.repo
    try:
        for number, (what, path, data) in enumerate(changes):
            branch = list(history.refs)[-1]
            if what == "commit":
                history.commit(branch, path, data)
            elif what == "delete":
                history.delete(branch, path)
            elif what == "branch":
                api.create_branch(repo, branch=f"b{number}", revision=branch)
                history.refs[f"b{number}"] = dict(history.refs[branch])
            elif what == "drop" and branch != "main":
                api.delete_branch(repo, branch=branch)
                del history.refs[branch]
            elif what == "tag":
                api.create_tag(repo, tag=f"t{number}", revision=branch)
                history.tags[f"t{number}"] = dict(history.refs[branch])
            elif what == "squash":
                api.super_squash_history(repo, branch=branch)
        reachable = in_history(own_hub, repo)
        collect_garbage(own_hub.server.hub, grace_seconds=0)
        assert set(own_hub.server.hub.content.lookup(history.everything)) == reachable & history.everything
        for revision, files in {**history.refs, **history.tags}.items():
            for path, data in files.items():
                answer = httpx2.get(f"{own_hub.endpoint}/{repo}/resolve/{revision}/{path}")
                assert answer.content == data, (revision, path)
        assert scrub(own_hub.server.hub) == []
    finally:
        api.delete_repo(repo)


def in_history(hub: HubForTests, repo: str) -> set[str]:
    """The contents that git itself finds behind the refs: an account of its own, not the hub's."""
    git = ["git", "--git-dir", str(hub.git_dir(repo))]
    listed = subprocess.run([*git, "rev-list", "--objects", "--all"], capture_output=True, text=True, check=True).stdout
    blobs = [line.split(" ")[0] for line in listed.splitlines() if line.endswith(".bin")]
    found = set()
    for blob in blobs:
        text = subprocess.run([*git, "cat-file", "blob", blob], capture_output=True, text=True, check=True).stdout
        found.add(text.split("sha256:")[1][:64])
    return found
