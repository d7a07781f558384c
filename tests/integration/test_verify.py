"""``hfver verify`` on a repository with one of each kind of drift."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from hfver.cli.main import run
from tests.support.gitting import git
from tests.support.hub import HubForTests
from tests.support.project import Project, new_project

BIG = random.Random(1).randbytes(1_500_000)


@pytest.fixture
def project(tmp_path: Path, hub: HubForTests, monkeypatch: pytest.MonkeyPatch) -> Project:
    project = new_project(tmp_path / "project", hub, mirror=False)
    for name, value in project.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(project.top)
    return project


def verify(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = run(["verify", "--json", *arguments])
    answer = json.loads(capsys.readouterr().out)
    return code, {proof["tag"]: proof for proof in answer["versions"]}


def release(project: Project, tag: str, **files: str | bytes) -> None:
    project.train({"model.safetensors": BIG, "config.json": f'"{tag}"', **files})
    project.tag(tag)
    project.release(tag)


def test_a_version_that_agrees_everywhere_is_proved_without_downloading_weights(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    release(project, "v1.0.0")
    project.hub.forget_requests()
    code, proofs = verify(capsys)
    assert code == 0
    assert (proofs["v1.0.0"]["state"], proofs["v1.0.0"]["files"], proofs["v1.0.0"]["problems"]) == ("aligned", 2, [])
    assert not [path for _, path in project.hub.requests if "model.safetensors" in path]


def test_deep_reads_every_byte(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    release(project, "v1.0.0")
    project.hub.forget_requests()
    code, _ = verify(capsys, "--deep")
    assert code == 0
    assert [path for _, path in project.hub.requests if "model.safetensors" in path]


def test_each_drift_is_named_and_the_exit_code_is_3(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(6):
        release(project, f"v1.{number}.0")
    api, repo = project.hub.api, project.repo_id
    # A file added to a release by hand, its Hub tag moved there.
    changed = api.upload_file(path_or_fileobj=b"x", path_in_repo="extra.txt", repo_id=repo)
    api.delete_tag(repo, tag="v1.5.0")
    api.create_tag(repo, tag="v1.5.0", revision=changed.oid)
    # A Hub tag that somebody deleted, a git tag that somebody deleted, a git tag that somebody moved.
    api.delete_tag(repo, tag="v1.1.0")
    git(project.top, "tag", "--delete", "v1.2.0")
    git(project.top, "tag", "--force", "v1.3.0", "v1.4.0")
    # A version nobody published.
    project.train({"config.json": "new"})
    project.tag("v1.6.0")
    code, proofs = verify(capsys)
    assert code == 3
    assert {tag: proof["state"] for tag, proof in proofs.items()} == {
        "v1.0.0": "aligned",
        "v1.1.0": "incomplete",
        "v1.2.0": "orphan",
        "v1.3.0": "moved",
        "v1.4.0": "aligned",
        "v1.5.0": "moved",
        "v1.6.0": "unpublished",
    }
    assert "which is no release of v1.5.0" in proofs["v1.5.0"]["problems"][0]


def test_a_hub_tree_that_differs_from_its_receipt_is_tampered_and_the_file_is_named(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """A commit that carries a release's trailers but not its files."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    release(project, "v1.0.0", **{"old.json": "1"})
    head = project.hub_state().lines["main"][0]
    forged = project.hub.api.create_commit(
        project.repo_id,
        [CommitOperationAdd("config.json", b"forged"), CommitOperationDelete("old.json")],
        commit_message=head.title,
        commit_description=head.description,
    )
    project.hub.api.delete_tag(project.repo_id, tag="v1.0.0")
    project.hub.api.create_tag(project.repo_id, tag="v1.0.0", revision=forged.oid)
    code, proofs = verify(capsys, "v1.0.0")
    assert code == 3
    assert proofs["v1.0.0"]["state"] == "tampered"
    problems = "\n".join(proofs["v1.0.0"]["problems"])
    assert "config.json has 6 bytes on the Hub, 8 in the receipt" in problems
    assert "old.json is in the receipt but not in the Hub's tree" in problems


def forge(project: Project, tag: str, **files: bytes) -> None:
    """What somebody with write access can do: other bytes, a receipt and a commit that go with them, the tag moved."""
    from dataclasses import replace
    from hashlib import sha256

    from huggingface_hub import CommitOperationAdd

    from hfver.receipt import dump_receipt, parse_receipt
    from hfver.trailers import parse_trailers, render_trailers

    head = next(commit for commit in project.hub_state().lines["main"] if commit.title.startswith(tag))
    receipt = parse_receipt(project.hub_bytes(tag, ".hfver/release.json"), where=tag)
    forged = tuple(
        file._replace(size=len(files[file.path]), sha256=sha256(files[file.path]).hexdigest())
        if file.path in files
        else file
        for file in receipt.files
    )
    receipt = replace(receipt, files=forged, hash_name="md5-dos2unix")
    trailers = parse_trailers(head.description)
    assert trailers is not None
    commit = project.hub.api.create_commit(
        project.repo_id,
        [
            *(CommitOperationAdd(name, data) for name, data in files.items()),
            CommitOperationAdd(".hfver/release.json", dump_receipt(receipt)),
        ],
        commit_message=head.title,
        commit_description=render_trailers(replace(trailers, tree=receipt.tree)),
    )
    project.hub.api.delete_tag(project.repo_id, tag=tag)
    project.hub.api.create_tag(project.repo_id, tag=tag, revision=commit.oid)


@pytest.mark.parametrize("size", [len(BIG), 100])
def test_a_receipt_forged_to_go_with_swapped_weights_is_found_where_the_right_ones_were_hashed(
    project: Project, capsys: pytest.CaptureFixture[str], size: int
) -> None:
    release(project, "v1.0.0")
    forge(project, "v1.0.0", **{"model.safetensors": b"x" * size})
    code, proofs = verify(capsys)
    assert code == 3
    assert proofs["v1.0.0"]["state"] == "tampered"
    assert "model.safetensors has sha256" in proofs["v1.0.0"]["problems"][0]


def test_a_forged_receipt_does_not_change_what_was_hashed_here(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    release(project, "v1.0.0")
    forge(project, "v1.0.0", **{"model.safetensors": b"x" * len(BIG)})
    release(project, "v1.1.0")  # builds on the forged one
    assert verify(capsys, "v1.0.0")[1]["v1.0.0"]["state"] == "tampered"


def test_another_clone_finds_a_forged_receipt_by_reading(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    release(project, "v1.0.0")
    forge(project, "v1.0.0", **{"model.safetensors": b"x" * len(BIG)})
    clone = project.clone(tmp_path / "clone")
    monkeypatch.chdir(clone.top)
    code, proofs = verify(capsys, "--deep")
    assert code == 3
    assert "model.safetensors downloads with md5" in proofs["v1.0.0"]["problems"][0]


def test_a_forged_small_file_is_found_by_any_clone(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    release(project, "v1.0.0")
    forge(project, "v1.0.0", **{"config.json": b"forged"})
    clone = project.clone(tmp_path / "clone")
    monkeypatch.chdir(clone.top)
    code, proofs = verify(capsys)
    assert code == 3
    assert "config.json is on the Hub with md5" in proofs["v1.0.0"]["problems"][0]


def test_gc_keeps_the_right_bytes_when_the_hub_has_forged_ones(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """This machine has forgotten what it hashed: the bytes in the cache say it again."""
    release(project, "v1.0.0")
    project.train({"model.safetensors": b"new", "config.json": "new"})
    forge(project, "v1.0.0", **{"model.safetensors": b"x" * len(BIG)})
    (project.top / ".git" / "hfver" / "state.db").unlink()
    assert run(["gc", "--json"]) == 0
    answer = capsys.readouterr()
    assert json.loads(answer.out)["drop"] == []
    assert "v1.0.0: tampered" in answer.err


def test_a_model_that_moved_in_git_is_looked_for_where_it_was(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    from hfver.adapters.dvc_outputs import DvcProject

    release(project, "v1.0.0")
    git(project.top, "rm", "--quiet", "model.dvc")
    (project.top / "model").rename(project.top / "weights")
    config = project.top / "config.yaml"
    config.write_text(config.read_text().replace("model_path: model", "model_path: weights"), encoding="utf-8")
    (project.top / "weights" / "config.json").write_text("moved")
    DvcProject.find(project.top).add(project.top / "weights")
    project.commit()
    project.tag("v1.1.0")
    project.release("v1.1.0")
    code, proofs = verify(capsys)
    assert (code, {tag: proof["problems"] for tag, proof in proofs.items()}) == (0, {"v1.0.0": [], "v1.1.0": []})


def test_a_model_that_is_part_of_an_output_is_proved_too(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    config = project.top / "config.yaml"
    config.write_text(config.read_text().replace("model_path: model", "model_path: model/best"), encoding="utf-8")
    project.train({"best/a.json": "1", "last/a.json": "2"})
    project.tag("v1.0.0")
    project.release("v1.0.0")
    assert verify(capsys)[0] == 0
    project.train({"best/a.json": "other", "last/a.json": "2"})
    git(project.top, "tag", "--delete", "v1.0.0")
    forged = _with_commit_of_now(project)
    project.tag("v1.0.0")
    code, proofs = verify(capsys)
    assert code == 3, forged
    assert "model.dvc records" in "\n".join(proofs["v1.0.0"]["problems"])


def _with_commit_of_now(project: Project) -> str:
    """A release whose receipt and trailers name another commit than the one it was made from."""
    from dataclasses import replace

    from huggingface_hub import CommitOperationAdd

    from hfver.receipt import GitOrigin, dump_receipt, parse_receipt
    from hfver.trailers import parse_trailers, render_trailers

    now = git(project.top, "rev-parse", "HEAD")
    head = project.hub_state().lines["main"][0]
    receipt = parse_receipt(project.hub_bytes("v1.0.0", ".hfver/release.json"), where="v1.0.0")
    trailers = parse_trailers(head.description)
    assert trailers is not None
    commit = project.hub.api.create_commit(
        project.repo_id,
        [CommitOperationAdd(".hfver/release.json", dump_receipt(replace(receipt, git=GitOrigin(now))))],
        commit_message=head.title,
        commit_description=render_trailers(replace(trailers, commit=now)),
    )
    project.hub.api.delete_tag(project.repo_id, tag="v1.0.0")
    project.hub.api.create_tag(project.repo_id, tag="v1.0.0", revision=commit.oid)
    return now


def test_a_mirror_tag_that_was_moved_is_found(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    config = project.top / "config.yaml"
    config.write_text(config.read_text().replace("[model]", "[model, config]"), encoding="utf-8")
    for number in range(2):
        project.train({"config.json": f"{number}"})
        project.tag(f"v1.{number}.0")
    assert run(["push", "--all-missing"]) == 0
    capsys.readouterr()
    assert verify(capsys)[0] == 0
    api, mirror = project.hub.api, f"{project.repo_id}-configs"
    tags = {ref.name: ref.target_commit for ref in api.list_repo_refs(mirror).tags}
    api.delete_tag(mirror, tag="v1.1.0")
    api.create_tag(mirror, tag="v1.1.0", revision=tags["v1.0.0"])
    code, proofs = verify(capsys)
    assert code == 3
    assert proofs["v1.1.0"]["problems"] == [f"{mirror}@v1.1.0 has no releases/v1.1.0.json"]


def test_shards_divide_the_versions_between_machines(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(4):
        release(project, f"v1.{number}.0")
    parts = [set(verify(capsys, "--shard", f"{index}/3")[1]) for index in (1, 2, 3)]
    assert set.union(*parts) == {f"v1.{number}.0" for number in range(4)}
    assert sum(map(len, parts)) == 4


def test_repair_puts_a_lost_hub_tag_back_and_leaves_the_rest_alone(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    release(project, "v1.0.0")
    release(project, "v1.1.0")
    before = project.hub_state().refs
    project.hub.api.delete_tag(project.repo_id, tag="v1.0.0")
    assert run(["repair", "--yes"]) == 0
    out = capsys.readouterr().out
    assert "v1.0.0 (incomplete): finish the release (committed on the Hub, its tag is missing)" in out
    assert project.hub_state().refs == before
    assert run(["repair", "--yes"]) == 0
    assert capsys.readouterr().out == "Nothing to mend.\n"


def test_repair_asks_and_without_a_terminal_says_so(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    release(project, "v1.0.0")
    project.hub.api.delete_tag(project.repo_id, tag="v1.0.0")
    assert run(["repair"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert not project.hub_state().refs.tags


def test_a_squashed_main_is_recognised_and_nothing_is_overwritten(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    release(project, "v1.0.0")
    release(project, "v1.1.0")
    project.hub.api.super_squash_history(project.repo_id, branch="main", commit_message="squashed")
    code, proofs = verify(capsys)
    assert code == 0, "the tags still hold the releases, and so do their commits"
    project.train({"config.json": "2"})
    project.tag("v1.2.0")
    project.release("v1.2.0")
    assert project.hub_bytes("v1.1.0", "config.json") == b'"v1.1.0"'
    assert project.hub_bytes("v1.2.0", "config.json") == b"2"
    assert set(proofs) == {"v1.0.0", "v1.1.0"}


def test_a_release_without_its_mirror_is_incomplete_until_it_is_repaired(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    config = project.top / "config.yaml"
    config.write_text(config.read_text().replace("[model]", "[model, config]"), encoding="utf-8")
    release(project, "v1.0.0")
    code, proofs = verify(capsys)
    assert code == 3
    assert proofs["v1.0.0"]["problems"] == ["released, but its configs are not in the mirror"]
    assert run(["repair", "--yes"]) == 0
    capsys.readouterr()
    assert verify(capsys)[0] == 0
