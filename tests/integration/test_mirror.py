"""The configs repository follows git, with the real client against the embedded hub."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from hfver.adapters.git_repo import GitRepo
from hfver.adapters.hub_client import HubClient
from hfver.config.load import load_workspace
from hfver.errors import ConflictError, HfverError, RefusedError, StateError
from hfver.hub_state import HubCommit
from hfver.mirror.branch import configs_repo, mirror_branch
from hfver.mirror.commit import Message, Step, step
from hfver.mirror.plan import MirrorTrailers, read_trailers
from hfver.mirror.release import mirror_release
from hfver.mirror.repo import ConfigsRepo
from tests.support.gitting import commit, git, new_repo
from tests.support.hub import HubForTests

DETAILS = "user: {username: ann, email: ann@example.org}\n"


@dataclass
class World:
    top: Path
    client: HubClient
    name: str

    @property
    def git(self) -> GitRepo:
        return GitRepo.discover(self.top)

    @property
    def repo(self) -> ConfigsRepo:
        config = load_workspace(self.top, environ={})
        return configs_repo(self.client, config, config.models[0])

    def commit(self, message: str, files: dict[str, str] | None = None) -> str:
        return commit(self.top, message, files)

    def mirror(self, tip: str = "HEAD", branch: str = "main") -> list[Step]:
        warnings: list[str] = []
        config = load_workspace(self.top, environ={})
        made = mirror_branch(self.git, config, self.repo, branch, self.git.commit_of(tip), warn=warnings.append)
        self.warnings = warnings
        return made

    def release(self, tag: str, receipt: str = "{}") -> list[Step]:
        config = load_workspace(self.top, environ={})
        return mirror_release(self.git, config, self.repo, self.git.tag(tag), receipt.encode())

    def history(self, revision: str = "main") -> list[HubCommit]:
        return self.client.commits(f"{self.name}-configs", revision)

    def titles(self, revision: str = "main") -> list[str]:
        return [found.title for found in reversed(self.history(revision))][1:]

    def files(self, revision: str = "main") -> dict[str, str]:
        names = self.client.tree(f"{self.name}-configs", revision)
        return {path: self.read(path, revision) for path in names if path not in (".gitattributes", "README.md")}

    def read(self, path: str, revision: str = "main") -> str:
        raw = self.client.read(f"{self.name}-configs", revision, path, limit=10**6)
        assert raw is not None
        return raw.decode()


def _world(top: Path, hub: HubForTests) -> World:
    new_repo(top)
    name = f"{hub.namespace}/bert"
    main = f"huggingface:\n  repository: {{model_name: {name}}}\n"
    commit(top, "Start", {"config.yaml": main, "configs/huggingface_config.yaml": DETAILS, "src/a.py": "1"})
    return World(top, HubClient(hub.endpoint, hub.token, library_version="0"), name)


@pytest.fixture
def world(tmp_path: Path, hub: HubForTests) -> World:
    return _world(tmp_path / "repo", hub)


def short(world: World, revision: str) -> str:
    return git(world.top, "rev-parse", revision)[:10]


def test_every_commit_that_changes_configs_becomes_one_mirror_commit(world: World) -> None:
    assert len(world.mirror()) == 1
    world.commit("Tune", {"config.yaml": (world.top / "config.yaml").read_text() + "training: {lr: 1}\n"})
    world.commit("Code only", {"src/a.py": "2"})
    world.commit("More 配置", {"configs/数据/a b#c.yaml": "x: 1\n"})
    world.commit("Code again", {"src/a.py": "3"})
    made = world.mirror()
    assert [done.added for done in made] == [("configs/config.yaml",), ("configs/configs/数据/a b#c.yaml",)]
    assert world.titles() == [
        f"{short(world, 'HEAD~4')}: Start",
        f"{short(world, 'HEAD~3')}: Tune",
        f"{short(world, 'HEAD~1')}: More 配置",
    ]
    assert world.files()["configs/configs/数据/a b#c.yaml"] == "x: 1\n"
    assert "src/a.py" not in world.files()
    description = world.history()[0].description
    assert read_trailers(description).branch == "main"
    assert description.endswith("Co-authored-by: ann <ann@example.org>")
    assert "[configs/数据/a b#c.yaml]" in world.read("README.md")


def test_mirroring_again_makes_nothing_and_reads_little(world: World, hub: HubForTests) -> None:
    world.mirror()
    hub.forget_requests()
    assert world.mirror() == []
    assert {method for method, _ in hub.requests} == {"GET"}
    assert len(hub.requests) <= 3


def test_renames_and_removals_follow_and_syncs_stay(world: World) -> None:
    world.commit("Two", {"configs/a.yaml": "a: 1\n", "experiments/git/experiment_metadata.json": "{}"})
    world.mirror()
    config = load_workspace(world.top, environ={})
    synced = {"experiments/synced/config.yaml": b"x: 1\n"}
    message = Message("Upload config", MirrorTrailers(experiment="synced"))
    assert step(world.repo, config, "main", lambda _h, _f: (synced, ()), message).made
    assert not step(world.repo, config, "main", lambda _h, _f: (synced, ()), message).made
    git(world.top, "mv", "configs/a.yaml", "configs/b.yaml")
    git(world.top, "rm", "-rq", "experiments")
    world.commit("Rename")
    (done,) = world.mirror()
    assert (done.added, done.deleted) == (
        ("configs/configs/b.yaml",),
        ("configs/configs/a.yaml", "experiments/git/experiment_metadata.json"),
    )
    assert set(world.files()) == {
        "configs/config.yaml", "configs/configs/b.yaml", "configs/configs/huggingface_config.yaml",
        "experiments/synced/config.yaml",
    }  # fmt: skip


def test_amend_and_rebase_go_on_from_what_is_there(world: World) -> None:
    world.mirror()
    world.commit("First try", {"configs/a.yaml": "a: 1\n"})
    world.mirror()
    (world.top / "configs/a.yaml").write_text("a: 2\n")
    git(world.top, "commit", "--quiet", "--all", "--amend", "--message", "Second try")
    assert len(world.mirror()) == 1
    assert world.files()["configs/configs/a.yaml"] == "a: 2\n"
    assert [title.split(": ")[1] for title in world.titles()] == ["Start", "First try", "Second try"]


def test_merges_count_once_and_other_branches_have_their_own(world: World) -> None:
    world.mirror()
    git(world.top, "switch", "--quiet", "--create", "dev")
    world.commit("On dev 1", {"configs/a.yaml": "a: 1\n"})
    world.commit("On dev 2", {"configs/a.yaml": "a: 2\n"})
    world.mirror(branch="dev")
    git(world.top, "switch", "--quiet", "main")
    git(world.top, "merge", "--quiet", "--no-ff", "--message", "Merge dev", "dev")
    world.mirror()
    subjects = [title.split(": ")[1] for title in world.titles()]
    assert subjects == ["Start", "Merge dev"]
    assert [title.split(": ")[1] for title in world.titles("dev")] == ["Start", "On dev 1", "On dev 2"]


def test_many_owed_commits_are_put_together(world: World) -> None:
    world.mirror()
    for number in range(45):
        world.commit(f"Change {number}", {"configs/a.yaml": f"a: {number}\n"})
    made = world.mirror()
    assert len(made) == 20
    assert "Stands for " in world.history()[0].description
    assert world.files()["configs/configs/a.yaml"] == "a: 44\n"


def test_a_secret_stops_the_mirror_and_a_clean_commit_frees_it(world: World) -> None:
    world.mirror()
    token = "hf_" + "aB1" * 12
    world.commit("Oops", {"configs/a.yaml": f"ok: 1\ntoken: {token}\n"})
    with pytest.raises(RefusedError, match=r"configs/a\.yaml:2: Hugging Face token") as caught:
        world.mirror()
    assert token not in str(caught.value)
    world.commit("Clean", {"configs/a.yaml": "ok: 1\n"})
    (done,) = world.mirror()
    assert done.title.endswith("Clean")
    assert len(world.warnings) == 1
    for found in world.history():
        if "configs/configs/a.yaml" in world.client.tree(f"{world.name}-configs", found.sha):
            assert token not in world.read("configs/configs/a.yaml", found.sha)


def test_a_secret_in_a_subject_of_old_is_left_out_and_said(world: World) -> None:
    """History does not change any more, so it must not keep the mirror from going on either."""
    world.mirror()
    token = "hf_" + "aB1" * 12
    leak = world.commit(f"Use {token} in CI", {"configs/a.yaml": "ok: 1\n"})
    world.commit("https://me:hunter22@example.org/x", {"configs/a.yaml": "ok: 2\n"})
    (first, second) = world.mirror()
    assert first.title == f"{leak[:10]}: Use [hidden] in CI"
    assert second.title.endswith(": https://example.org/x")
    assert (
        world.warnings[0] == f"what looks like a secret in the subject of commit {leak[:10]} is left out of its mirror"
    )
    assert len(world.warnings) == 2
    git(world.top, "tag", "v1.0.0", leak)
    world.release("v1.0.0")
    store = [found.title + found.description for found in (*world.history(), *world.history("v1.0.0"))]
    assert not any(token in text or "hunter22" in text for text in store)


def test_a_secret_in_the_name_of_a_branch_or_file_is_not_mirrored(world: World) -> None:
    token = "hf_" + "aB1" * 12
    with pytest.raises(RefusedError, match="the name of the branch: Hugging Face token") as caught:
        world.mirror(branch=f"try-{token}")
    assert caught.value.hints[1] == "git branch --move NAME gives it another name"
    world.commit("Oops", {f"configs/{token}.yaml": "ok: 1\n"})
    with pytest.raises(RefusedError, match=r"the name of configs/\[hidden\].yaml: Hugging Face token"):
        world.mirror()
    assert world.client.refs(f"{world.name}-configs") is None or len(world.history()) == 1


def test_a_baseline_names_files_as_git_does(world: World) -> None:
    secret = {"configs/a.yaml": "password: hunter2long\n"}
    world.commit("Oops", secret)
    with pytest.raises(RefusedError, match=r"configs/a\.yaml:1: Secret Keyword"):
        world.mirror()
    digest = hashlib.sha1(b"hunter2long", usedforsecurity=False).hexdigest()
    baseline = {"results": {"configs/a.yaml": [{"hashed_secret": digest}]}}
    world.commit("It is that of the test account", {".secrets.baseline": json.dumps(baseline)})
    assert len(world.mirror()) == 1


def test_aliases_and_lines_without_end_do_not_keep_the_mirror_busy(world: World) -> None:
    aliases = "a0: &a0 [x]\n" + "".join(f"a{at}: &a{at} [{f'*a{at - 1}, ' * 9}]\n" for at in range(1, 12))
    world.commit("Grow", {"configs/a.yaml": aliases, "configs/b.json": '{"password": ' + "password" * 200})
    assert len(world.mirror()) == 1


def test_a_release_has_its_tag_its_receipt_and_its_line_in_the_index(world: World) -> None:
    git(world.top, "tag", "-a", "-m", "First", "v1.0.0")
    made = world.release("v1.0.0", '{"tag": "v1.0.0"}')
    assert len(made) == 2
    refs = world.repo.refs()
    assert refs is not None
    assert refs.tags["v1.0.0"] == refs.branches["main"]
    assert json.loads(world.read("releases/v1.0.0.json", "v1.0.0")) == {"tag": "v1.0.0"}
    assert f"| v1.0.0 | [{world.name}@v1.0.0]" in world.read("README.md", "v1.0.0")
    assert world.release("v1.0.0", '{"tag": "v1.0.0"}') == []
    assert world.mirror() == []


def test_a_release_of_an_older_commit_never_takes_the_newest_state_back(world: World) -> None:
    old = world.commit("Old", {"configs/a.yaml": "a: old\n"})
    world.mirror()
    world.commit("New", {"configs/a.yaml": "a: new\n"})
    world.mirror()
    git(world.top, "tag", "v1.0.0", old)
    world.release("v1.0.0")
    assert world.files()["configs/configs/a.yaml"] == "a: new\n"
    assert "releases/v1.0.0.json" in world.files()
    assert world.files("v1.0.0")["configs/configs/a.yaml"] == "a: old\n"
    assert "releases/v1.0.0.json" in world.files("v1.0.0")
    assert world.release("v1.0.0") == []


def test_a_release_from_a_branch_that_is_not_mirrored_stands_beside(world: World) -> None:
    world.mirror()
    git(world.top, "switch", "--quiet", "--create", "feature")
    world.commit("Feature", {"configs/a.yaml": "a: feature\n"})
    git(world.top, "tag", "exp-a-001")
    world.release("exp-a-001")
    assert "configs/configs/a.yaml" not in world.files()
    assert world.files("exp-a-001")["configs/configs/a.yaml"] == "a: feature\n"


def test_commits_owed_before_a_release_are_mirrored_before_it(world: World) -> None:
    world.mirror()
    world.commit("One", {"configs/a.yaml": "a: 1\n"})
    world.commit("Two", {"configs/a.yaml": "a: 2\n"})
    git(world.top, "tag", "v1.0.0")
    world.release("v1.0.0")
    assert [title.split(": ")[1] for title in world.titles()] == ["Start", "One", "Two", "Two"]


def test_a_tag_that_stands_elsewhere_is_a_conflict(world: World) -> None:
    git(world.top, "tag", "v1.0.0")
    repo = world.repo
    refs = repo.ensure()
    world.client.create_tag(f"{world.name}-configs", "v1.0.0", refs.branches["main"], "somebody")
    with pytest.raises(ConflictError, match=r"tag v1\.0\.0 is at "):
        repo.tag("v1.0.0", world.mirror()[0].revision, "ours")


def test_nothing_is_created_where_that_is_not_allowed(world: World) -> None:
    main = (world.top / "config.yaml").read_text().replace("}", ", auto_create: false}")
    (world.top / "config.yaml").write_text(main)
    with pytest.raises(StateError, match="does not exist on the Hub, and repository.auto_create is false"):
        world.mirror()


def test_a_dataset_repository_can_hold_the_configs(world: World, hub: HubForTests) -> None:
    world.commit("Dataset", {"configs/huggingface_config.yaml": "repository: {config_repo_type: dataset}\n"})
    assert len(world.mirror()) == 1
    assert hub.api.list_repo_files(f"{world.name}-configs", repo_type="dataset")


def test_a_commit_whose_reply_was_lost_is_found_and_not_made_twice(tmp_path: Path, own_hub: HubForTests) -> None:
    world = _world(tmp_path / "repo", own_hub)
    own_hub.faults.cut("POST", "/commit/main")
    assert len(world.mirror()) == 1
    assert len(world.titles()) == 1


@pytest.mark.parametrize("path", ["/repos/create", "/preupload/", "/commit/", "/refs", "/tag/"])
def test_whatever_breaks_a_release_of_the_configs_the_next_run_finishes_it(
    tmp_path: Path, own_hub: HubForTests, path: str
) -> None:
    world = _world(tmp_path / "repo", own_hub)
    git(world.top, "tag", "v1.0.0")
    method = "GET" if path == "/refs" else "POST"
    own_hub.faults.fail(method, path, 418, times=1)
    with pytest.raises(HfverError):
        world.release("v1.0.0")
    world.release("v1.0.0")
    assert world.titles() == [f"{short(world, 'HEAD')}: Start", "v1.0.0: Start"]
    assert world.release("v1.0.0") == []


def test_another_commit_in_between_is_kept(world: World, hub: HubForTests) -> None:
    world.mirror()
    world.commit("Ours", {"configs/a.yaml": "a: 1\n"})
    config = load_workspace(world.top, environ={})
    repo = world.repo
    raced: list[bool] = []
    original = repo.commit

    def somebody_first(*args: object, **kwargs: object) -> str:
        if not raced:
            raced.append(True)
            hub.api.upload_file(path_or_fileobj=b"theirs", path_in_repo="notes.md", repo_id=repo.repo)
        return original(*args, **kwargs)  # type: ignore[arg-type]

    repo.commit = somebody_first  # type: ignore[method-assign]
    mirror_branch(world.git, config, repo, "main", world.git.commit_of("HEAD"))
    assert world.files()["notes.md"] == "theirs"
    assert world.files()["configs/configs/a.yaml"] == "a: 1\n"


def test_a_release_lists_refs_and_the_same_files_once(hub: HubForTests, world: World) -> None:
    """Each request takes longer than all of the rest when the Hub is far away."""
    world.mirror()
    git(world.top, "tag", "v1.0.0")
    world.release("v1.0.0")
    world.commit("more", {"config.yaml": (world.top / "config.yaml").read_text() + "# more\n"})
    git(world.top, "tag", "v1.1.0")
    hub.forget_requests()
    assert len(world.release("v1.1.0")) == 2
    asked = [path for method, path in hub.requests if method == "GET"]
    assert sum(path.endswith("/refs") for path in asked) == 1
    assert len([path for path in asked if "/tree/" in path]) == 2  # before and after the commit of the branch
    assert len(asked) == len(set(asked))


def test_after_somebody_was_faster_the_refs_are_listed_again(hub: HubForTests, world: World) -> None:
    world.mirror()
    slow, fast = world.repo, world.repo
    assert slow.refs() == fast.refs()
    head = fast.ensure().branches["main"]
    theirs = fast.commit("main", head, {"theirs.txt": b"1"}, (), "theirs", "")
    with pytest.raises(ConflictError):
        slow.commit("main", head, {"ours.txt": b"1"}, (), "ours", "")
    assert slow.ensure().branches["main"] == theirs
    ours = slow.commit("main", theirs, {"ours.txt": b"1"}, (), "ours", "")
    hub.forget_requests()
    assert slow.ensure().branches["main"] == ours
    assert hub.requests == []
