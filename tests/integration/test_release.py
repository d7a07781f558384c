"""Releases from real git tags and real DVC outputs to a real Hub server over HTTP."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hfver.adapters.git_tree import CommitTree
from hfver.adapters.hub_client import HubClient, PreparedContent
from hfver.errors import ConflictError, IntegrityError, RefusedError, StateError, UsageError
from hfver.plan import PublishPlan
from hfver.publish import Outcome
from hfver.release import prepare
from hfver.state import Content
from hfver.target import target_of
from hfver.trailers import parse_trailers
from tests.support.gitting import git
from tests.support.hub import HubForTests
from tests.support.project import Project, new_project

BIG = random.Random(1).randbytes(1_500_000)  # large enough to be stored as a large file
BIG2 = random.Random(2).randbytes(1_500_000)


@pytest.fixture
def project(tmp_path: Path, hub: HubForTests) -> Project:
    return new_project(tmp_path / "project", hub)


def test_a_release_is_one_commit_and_one_tag_holding_exactly_the_output(project: Project) -> None:
    commit = project.train({"model.safetensors": BIG, "config.json": "{}", "sub/tokenizer.json": "[]"})
    project.tag("v1.0.0", message="Better tokenizer")
    outcome = project.release("v1.0.0")
    state = project.hub_state()
    assert state.refs.tags == {"v1.0.0": outcome.revision}
    assert state.refs.branches == {"main": outcome.revision}
    head, initial = state.lines["main"]
    assert head.title == "v1.0.0: Better tokenizer"
    trailers = parse_trailers(head.description)
    assert trailers is not None
    assert trailers.commit == commit
    assert initial.title == "initial commit"
    own = {".gitattributes", "README.md", ".hfver/release.json"}
    assert project.hub_files("v1.0.0") == {"model.safetensors", "config.json", "sub/tokenizer.json"} | own
    assert project.hub_bytes("v1.0.0", "model.safetensors") == BIG
    receipt = json.loads(project.hub_bytes("v1.0.0", ".hfver/release.json"))
    assert receipt["git"]["commit"] == commit
    assert receipt["tree"] == trailers.tree


def test_releasing_again_only_reads(project: Project) -> None:
    project.train({"model.bin": BIG})
    project.tag("v1.0.0")
    first = project.release("v1.0.0")
    project.hub.forget_requests()
    again = project.release("v1.0.0")
    assert again.already_published
    assert again.revision == first.revision
    assert {method for method, _ in project.hub.requests} == {"GET"}


def test_what_is_published_are_the_bytes_at_the_tag_not_those_of_the_workspace(project: Project) -> None:
    old = project.train({"model.bin": BIG, "gone.json": "1"})
    project.train({"model.bin": BIG2})
    project.write({"model.bin": b"being trained right now"})
    project.tag("v1.0.0", old)
    project.release("v1.0.0")
    assert project.hub_bytes("v1.0.0", "model.bin") == BIG
    assert "gone.json" in project.hub_files("v1.0.0")


def test_the_next_release_sends_only_what_changed_and_leaves_nothing_stale(project: Project) -> None:
    project.train({"model.bin": BIG, "config.json": "1", "old.json": "x"})
    project.tag("v1.0.0")
    project.release("v1.0.0")
    project.train({"model.bin": BIG, "config.json": "2", "new.json": "y"})
    project.tag("v1.1.0")
    outcome = project.release("v1.1.0")
    assert (outcome.sent, outcome.new_bytes, outcome.known_bytes) == (2, 2, len(BIG))
    own = {".gitattributes", "README.md", ".hfver/release.json"}
    assert project.hub_files("v1.1.0") == {"model.bin", "config.json", "new.json"} | own
    assert project.hub_bytes("v1.1.0", "config.json") == b"2"


def test_a_renamed_large_file_is_not_sent_again(project: Project) -> None:
    project.train({"pytorch_model.bin": BIG})
    project.tag("v1.0.0")
    project.release("v1.0.0")
    project.train({"weights/model.bin": BIG})
    project.tag("v1.1.0")
    assert project.release("v1.1.0").sent == 0
    assert project.hub_bytes("v1.1.0", "weights/model.bin") == BIG
    assert "pytorch_model.bin" not in project.hub_files("v1.1.0")


def test_an_outputs_own_card_and_ignore_file_are_published_as_they_are(project: Project) -> None:
    card = "---\nlicense: mit\n---\n# Mine\r\n"
    project.train({"README.md": card, ".gitignore": "*.json\n", "config.json": "{}", ".gitattributes": "*.x binary\n"})
    project.tag("v1.0.0")
    project.release("v1.0.0")
    assert project.hub_bytes("v1.0.0", "README.md") == card.encode()
    assert project.hub_bytes("v1.0.0", ".gitattributes") == b"*.x binary\n"
    assert "config.json" in project.hub_files("v1.0.0")


def test_names_with_spaces_and_signs_and_chinese_arrive_as_they_are(project: Project) -> None:
    files: dict[str, str | bytes] = {"a b#c%20+.txt": "1", "模型/权重 1.bin": BIG, "größe.json": "2", "empty.txt": b""}
    project.train(files)
    project.tag("v1.0.0")
    project.release("v1.0.0")
    assert set(files) <= project.hub_files("v1.0.0")
    assert project.hub_bytes("v1.0.0", "模型/权重 1.bin") == BIG
    assert project.hub_bytes("v1.0.0", "a b#c%20+.txt") == b"1"


def test_a_hotfix_goes_to_a_maintenance_branch_and_main_does_not_go_back(project: Project) -> None:
    one = project.train({"model.bin": "1"})
    project.tag("v1.0.0")
    first = project.release("v1.0.0")
    project.train({"model.bin": "2"})
    project.tag("v2.0.0")
    second = project.release("v2.0.0")
    git(project.top, "checkout", "--quiet", "-b", "fix", one)
    project.train({"model.bin": "1.0.1"})
    project.tag("v1.0.1")
    hotfix = project.release("v1.0.1")
    project.train({"model.bin": "1.0.2"})
    project.tag("v1.0.2")
    later = project.release("v1.0.2")
    state = project.hub_state()
    assert state.refs.branches == {"main": second.revision, "release/1.0": later.revision}
    line = [commit.sha for commit in state.lines["release/1.0"]]
    assert line[:3] == [later.revision, hotfix.revision, first.revision]


def test_a_moved_tag_is_refused_and_nothing_is_overwritten(project: Project) -> None:
    project.train({"model.bin": "1"})
    project.tag("v1.0.0")
    first = project.release("v1.0.0")
    project.train({"model.bin": "2"})
    git(project.top, "tag", "--force", "v1.0.0")
    with pytest.raises(ConflictError, match=r"v1\.0\.0 is commit .* here, but"):
        project.release("v1.0.0")
    assert project.hub_state().refs.tags == {"v1.0.0": first.revision}


def test_the_same_content_again_needs_to_be_asked_for(project: Project) -> None:
    project.train({"model.bin": "1"})
    project.tag("v1.0.0")
    project.release("v1.0.0")
    project.commit("Only code changed")
    project.tag("v1.0.1")
    with pytest.raises(RefusedError, match=r"same model content as v1\.0\.0"):
        project.release("v1.0.1")
    project.release("v1.0.1", allow_same=True)
    assert project.hub_bytes("v1.0.1", "model.bin") == b"1"


def test_bytes_that_are_not_what_dvc_recorded_stop_the_release(project: Project) -> None:
    project.train({"model.bin": BIG})
    project.tag("v1.0.0")
    with project.opened() as (workspace, _):
        for path in (workspace.dvc().cache.directory / "files" / "md5").rglob("*"):
            if path.is_file() and path.stat().st_size == len(BIG):
                path.chmod(0o644)
                path.write_bytes(BIG2)
    with pytest.raises(IntegrityError, match=r"model\.bin: DVC recorded md5"):
        project.release("v1.0.0")
    assert not project.hub_state().refs.tags


def test_bytes_somebody_writes_to_while_they_are_sent_stop_the_release(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.train({"model.bin": BIG})
    project.tag("v1.0.0")
    with project.opened() as (workspace, _):
        objects = [path for path in (workspace.dvc().cache.directory / "files" / "md5").rglob("*") if path.is_file()]
    send = HubClient.send_content

    def send_while_somebody_writes(self: HubClient, *arguments: Any, **options: Any) -> PreparedContent:
        sent = send(self, *arguments, **options)
        for path in objects:
            os.utime(path)
        return sent

    with monkeypatch.context() as patch:
        patch.setattr(HubClient, "send_content", send_while_somebody_writes)
        with pytest.raises(IntegrityError, match=r"model\.bin: its bytes .* changed while they were sent"):
            project.release("v1.0.0")
    assert not project.hub_state().refs.tags
    project.release("v1.0.0")
    assert project.hub_bytes("v1.0.0", "model.bin") == BIG


def test_bytes_that_are_nowhere_are_named_with_the_command_that_brings_them(project: Project, tmp_path: Path) -> None:
    project.train({"model.bin": BIG})
    project.tag("v1.0.0")
    clone = project.clone(tmp_path / "clone")
    with pytest.raises(IntegrityError, match="nowhere to be had") as caught:
        clone.release("v1.0.0")
    assert any("dvc push" in hint for hint in caught.value.hints)


def test_a_tag_that_is_no_version_says_what_versions_look_like(project: Project) -> None:
    project.train({"model.bin": "1"})
    project.tag("v1.2")
    with pytest.raises(UsageError, match=r"v1\.2 is not a version: tags here look like v\{major\}"):
        project.release("v1.2")


def test_a_model_that_dvc_does_not_track_at_the_tag_is_named(project: Project) -> None:
    project.tag("v0.1.0")
    with pytest.raises(StateError, match=r"DVC does not track model at v0\.1\.0"):
        project.release("v0.1.0")


def test_people_may_edit_the_card_on_the_hub_between_releases(project: Project) -> None:
    project.train({"model.bin": "1"})
    project.tag("v1.0.0")
    project.release("v1.0.0")
    card = project.hub_bytes("v1.0.0", "README.md").decode()
    project.hub.api.upload_file(
        path_or_fileobj=(card + "\n## Written by hand\n\nMind the gap.\n").encode(),
        path_in_repo="README.md",
        repo_id=project.repo_id,
    )
    for number in (1, 2):
        project.train({"model.bin": f"1.{number}"})
        project.tag(f"v1.{number}.0")
        outcome = project.release(f"v1.{number}.0")
        assert outcome.branch == "main"
        text = project.hub_bytes(f"v1.{number}.0", "README.md").decode()
        assert "Mind the gap." in text
        assert f"v1.{number}.0" in text
        assert "v1.0.0" not in text


def lose_dvc_cache(project: Project) -> None:
    shutil.rmtree(project.top / ".dvc" / "cache")


def test_releasing_a_published_tag_again_needs_no_bytes(project: Project) -> None:
    project.train({"model.bin": BIG})
    project.tag("v1.0.0")
    project.release("v1.0.0")
    lose_dvc_cache(project)
    assert project.release("v1.0.0").already_published


def test_content_that_only_an_earlier_release_has_is_copied_on_the_hub(project: Project) -> None:
    for number, weights in enumerate((BIG, BIG2), 1):
        project.train({"model.bin": weights, "config.json": str(number)})
        project.tag(f"v{number}.0.0")
        project.release(f"v{number}.0.0")
    git(project.top, "revert", "--no-edit", "HEAD")
    lose_dvc_cache(project)
    project.tag("v3.0.0")
    assert project.release("v3.0.0").sent == 0
    assert project.hub_bytes("v3.0.0", "model.bin") == BIG
    assert project.hub_bytes("v3.0.0", "config.json") == b"1"


def test_a_fresh_clone_fetches_only_the_changed_file_from_the_dvc_remote(project: Project, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    (project.top / ".dvc" / "config").write_text(f"[core]\n    remote = r\n['remote \"r\"']\n    url = {remote}\n")
    project.train({"model.bin": BIG, "config.json": "1"})
    project.tag("v1.0.0")
    project.release("v1.0.0")
    project.train({"model.bin": BIG, "config.json": "2"})
    project.tag("v1.0.1")
    subprocess.run([sys.executable, "-m", "dvc", "push", "--quiet"], cwd=project.top, check=True)
    clone = project.clone(tmp_path / "runner")
    outcome = clone.release("v1.0.1")
    assert (outcome.sent, outcome.known_bytes) == (1, len(BIG))
    objects = [path for path in (clone.top / ".dvc" / "cache" / "files").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in objects if path.suffix != ".dir"] == [b"2"]


def planned_and_made(project: Project, tag: str) -> tuple[PublishPlan, Outcome, dict[str, int]]:
    """The plan as --dry-run shows it, the release, and the changing API calls it then made."""
    with project.opened() as (workspace, client), workspace.repo.reader() as reader:
        target = target_of(workspace, tag)
        tree = CommitTree(workspace.repo, reader, target.tag.commit, tag)
        plan = prepare(workspace, client, target, tree, project.told, allow_same=False).plan
    project.hub.forget_requests()
    outcome = project.release(tag)
    routes = ("create", "branch", "preupload", "validate-yaml", "commit", "tag")
    made = [
        route
        for method, path in project.hub.requests
        if method == "POST" and path.startswith("/api/")
        for route in routes
        if f"/{route}" in path.removeprefix(f"/api/models/{project.repo_id}")
    ]
    return plan, outcome, {route: made.count(route) for route in routes if route in made}


def test_the_dry_run_says_what_the_release_then_does(project: Project) -> None:
    first = project.train({"model.bin": BIG, **{f"{number}.json": str(number) for number in range(300)}})
    project.tag("v1.0.0")
    plan, _, made = planned_and_made(project, "v1.0.0")
    assert made == plan.api_calls == {"create": 1, "preupload": 3, "validate-yaml": 1, "commit": 1, "tag": 1}
    project.train({"model.bin": BIG, "config.json": "2", "new.bin": BIG2})
    project.tag("v2.0.0")
    plan, outcome, made = planned_and_made(project, "v2.0.0")
    assert (outcome.sent, outcome.new_bytes, outcome.known_bytes) == (len(plan.add), plan.add_bytes, plan.known_bytes)
    assert made == plan.api_calls == {"preupload": 2, "validate-yaml": 1, "commit": 1, "tag": 1}
    git(project.top, "checkout", "--quiet", "-b", "fix", first)
    project.train({"model.bin": BIG, "README.md": "# mine"})
    project.tag("v1.0.1")
    plan, _, made = planned_and_made(project, "v1.0.1")
    assert made == plan.api_calls == {"branch": 1, "preupload": 2, "validate-yaml": 1, "commit": 1, "tag": 1}


# -- content that DVC was given by hfver ------------------------------------------------------------------------------

LARGE = random.Random(3).randbytes(5_000_000)
LARGE2 = random.Random(4).randbytes(5_000_000)


def track(project: Project, files: dict[str, str | bytes]) -> None:
    project.write(files)
    with project.opened() as (workspace, _):
        workspace.dvc().add(project.top / "model")
    project.commit()


@pytest.fixture
def md5_reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Files that are read for their md5."""
    from hfver import checking, release_content

    reads: list[Path] = []
    for module, name in ((checking, "md5_of_file"), (release_content, "hash_file")):
        real = getattr(module, name)

        def counted(path: Path, real: Any = real, **options: Any) -> Any:
            reads.append(path)
            return real(path, **options)

        monkeypatch.setattr(module, name, counted)
    return reads


def object_of(project: Project, data: bytes) -> Path:
    with project.opened() as (workspace, _):
        return workspace.dvc().object_path(hashlib.md5(data).hexdigest())


def overwrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def test_what_was_hashed_when_it_was_tracked_is_not_read_for_its_md5_again(
    project: Project, md5_reads: list[Path]
) -> None:
    track(project, {"model.bin": LARGE})
    project.tag("v1.0.0")
    project.release("v1.0.0")
    assert md5_reads == []
    assert project.hub_bytes("v1.0.0", "model.bin") == LARGE
    receipt = json.loads(project.hub_bytes("v1.0.0", ".hfver/release.json"))
    assert receipt["files"][0]["sha256"] == hashlib.sha256(LARGE).hexdigest()


def test_tracking_again_reads_only_what_changed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from hfver import tracking

    read: list[str] = []
    real = tracking.Tracking._read

    def told(self: tracking.Tracking, path: Path) -> tracking.Read | None:
        read.append(path.name)
        return real(self, path)

    monkeypatch.setattr(tracking.Tracking, "_read", told)
    track(project, {"a.bin": LARGE, "b.bin": LARGE2, "small.bin": b"small"})
    assert sorted(read) == ["a.bin", "b.bin"]
    read.clear()
    (project.top / "model" / "b.bin").write_bytes(LARGE[::-1])
    with project.opened() as (workspace, _):
        workspace.dvc().add(project.top / "model")
    assert read == ["b.bin"]


@pytest.mark.parametrize("data", [LARGE, b"small"], ids=["large", "small"])
def test_known_content_that_was_damaged_since_stops_the_release(project: Project, data: bytes) -> None:
    track(project, {"model.bin": data, "config.json": "{}"})
    project.tag("v1.0.0")
    with project.opened() as (workspace, _):
        known = Content(hashlib.md5(data).hexdigest(), len(data), hashlib.sha256(data).hexdigest())
        workspace.state.remember_content([known])
    overwrite(object_of(project, data), data[::-1])
    with pytest.raises(IntegrityError, match=r"model\.bin: DVC recorded md5"):
        project.release("v1.0.0")
    assert not project.hub_state().refs.tags


def test_a_wrong_sha256_from_elsewhere_does_not_stop_right_bytes(project: Project, md5_reads: list[Path]) -> None:
    project.train({"model.bin": LARGE})
    project.tag("v1.0.0")
    md5 = hashlib.md5(LARGE).hexdigest()
    with project.opened() as (workspace, _):
        workspace.state.learn_content([Content(md5, len(LARGE), "0" * 64)])
    project.release("v1.0.0")
    assert len(md5_reads) == 1
    with project.opened() as (workspace, _):
        assert workspace.state.proven_content([md5])[md5].sha256 == hashlib.sha256(LARGE).hexdigest()


def test_a_file_that_changes_while_dvc_is_given_it_is_not_taken_for_known(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hfver.tracking import Tracking

    leave = Tracking.__exit__

    def leave_late(self: Tracking, *arguments: Any) -> None:
        for read in self._reads:
            read.result()
        leave(self, *arguments)
        (project.top / "model" / "model.bin").write_bytes(LARGE2)

    monkeypatch.setattr(Tracking, "__exit__", leave_late)
    track(project, {"model.bin": LARGE})
    with project.opened() as (workspace, _):
        assert workspace.state.known_content([hashlib.md5(LARGE).hexdigest()]) == {}


def test_tracked_content_that_is_nowhere_else_is_not_overwritten(project: Project) -> None:
    """Released v1, then trained on; the cache lost the new content, so the work tree has the only copy of it."""
    track(project, {"model.bin": LARGE})
    project.tag("v1.0.0")
    project.release("v1.0.0")
    track(project, {"model.bin": LARGE2})
    object_of(project, LARGE2).unlink()
    git(project.top, "checkout", "--quiet", "v1.0.0")
    from hfver.checkout.bring import Options, bring

    with project.opened() as (workspace, _), pytest.raises(RefusedError, match="would be lost"):
        bring(workspace, Options("v1.0.0", (), None, model_only=False, force=False), project.told)
    assert (project.top / "model" / "model.bin").read_bytes() == LARGE2


def test_what_only_a_receipt_says_does_not_replace_the_check_by_md5(project: Project, md5_reads: list[Path]) -> None:
    """The bytes of the cache object and the sha256 of a forged receipt go together, and are not what DVC recorded."""
    project.train({"model.bin": LARGE})
    project.tag("v1.0.0")
    md5 = hashlib.md5(LARGE).hexdigest()
    overwrite(object_of(project, LARGE), LARGE2)
    with project.opened() as (workspace, _):
        workspace.state.learn_content([Content(md5, len(LARGE), hashlib.sha256(LARGE2).hexdigest())])
    with pytest.raises(IntegrityError, match=r"model\.bin: DVC recorded md5"):
        project.release("v1.0.0")
    assert md5_reads
    assert not project.hub_state().refs.tags
    with project.opened() as (workspace, _):
        assert workspace.state.proven_content([md5]) == {}
