"""Releases where the setup is not the plain one: several models, shallow clones, many files, two workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from hfver.errors import IntegrityError, StateError
from hfver.owed import do_owed, intend
from hfver.reporting import Silent
from tests.support.gitting import git
from tests.support.hub import HubForTests
from tests.support.project import Project, new_project
from tests.support.together import together

TWO_MODELS = """\
huggingface:
  upload_items: [model]
  models:
    - {{name: bert, path: models/bert, repo: {namespace}/bert}}
    - {{name: gpt, path: models/gpt, repo: {namespace}/gpt, tag_prefix: gpt/}}
"""


@pytest.fixture
def project(tmp_path: Path, hub: HubForTests) -> Project:
    return new_project(tmp_path / "project", hub, mirror=False)


def add_output(project: Project, path: str, content: str) -> None:
    from hfver.adapters.dvc_outputs import DvcProject

    place = project.top / path
    place.mkdir(parents=True, exist_ok=True)
    (place / "weights.txt").write_text(content, encoding="utf-8")
    DvcProject.find(project.top).add(place)


def test_several_models_have_repositories_tags_and_histories_of_their_own(project: Project, hub: HubForTests) -> None:
    (project.top / "config.yaml").write_text(TWO_MODELS.format(namespace=hub.namespace), encoding="utf-8")
    for number in (1, 2):
        add_output(project, "models/bert", f"bert {number}")
        add_output(project, "models/gpt", f"gpt {number}")
        project.commit(f"Train {number}")
        project.tag(f"bert-v{number}.0.0")
        project.tag(f"gpt/v{number}.0.0")
        for tag in (f"bert-v{number}.0.0", f"gpt/v{number}.0.0"):
            assert project.release(tag).branch == "main"
    for name, tags in (("bert", {"bert-v1.0.0", "bert-v2.0.0"}), ("gpt", {"gpt/v1.0.0", "gpt/v2.0.0"})):
        project.repo_id = f"{hub.namespace}/{name}"
        assert set(project.hub_state().refs.tags) == tags
        newest = max(tags)
        assert project.hub_bytes(newest, "weights.txt") == f"{name} 2".encode()


def test_a_shallow_clone_says_which_command_deepens_it(project: Project, tmp_path: Path) -> None:
    project.train({"model.bin": "1"})
    project.tag("v1.0.0")
    project.release("v1.0.0")
    project.train({"model.bin": "2"})
    project.tag("v1.1.0")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth", "1", "--branch", "v1.1.0", f"file://{project.top}", str(shallow))
    with pytest.raises(StateError, match="this clone is shallow") as caught:
        Project(shallow, project.hub, project.repo_id).release("v1.1.0")
    assert caught.value.hints == ["git fetch --unshallow --tags"]


def test_a_merge_of_two_released_lines_follows_main(project: Project) -> None:
    project.train({"model.bin": "1"})
    project.tag("v1.0.0")
    project.release("v1.0.0")
    git(project.top, "checkout", "--quiet", "-b", "fix")
    fix = project.train({"model.bin": "fix"})
    git(project.top, "checkout", "--quiet", "main")
    project.train({"model.bin": "2"})
    project.tag("v2.0.0")
    second = project.release("v2.0.0")
    project.tag("v1.0.1", fix)
    assert project.release("v1.0.1").branch == "release/1.0"
    git(project.top, "merge", "--quiet", "--strategy", "ours", "--no-edit", "fix")
    project.train({"model.bin": "merged"})
    project.tag("v2.1.0")
    merged = project.release("v2.1.0")
    assert merged.branch == "main"
    line = [commit.sha for commit in project.hub_state().lines["main"]]
    assert line[:2] == [merged.revision, second.revision]


def test_two_workers_in_one_clone_do_no_work_twice(project: Project) -> None:
    for number in range(4):
        project.train({"model.bin": str(number)})
        project.tag(f"v1.{number}.0")
    worktree = project.top.parent / "worktree"
    git(project.top, "worktree", "add", "--quiet", "--detach", str(worktree))
    with project.opened() as (workspace, _):
        intend(workspace, [f"v1.{number}.0" for number in range(4)], "a test")

    def work(top: Path) -> int:
        with Project(top, project.hub, project.repo_id).opened() as (workspace, client):
            done = do_owed(workspace, client, Silent())
            assert [failure.error.message for failure in done.failed] == []
            return len(done.released)

    project.hub.forget_requests()
    results = together(lambda: work(project.top), lambda: work(worktree))
    assert [result for result in results if isinstance(result, BaseException)] == []
    assert sorted(map(str, results)) == ["0", "4"]
    commits = [path for method, path in project.hub.requests if method == "POST" and "/commit/" in path]
    assert len(commits) == 4


def test_what_cannot_be_published_is_named_before_anything_is_sent(project: Project) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"
    project.train({"model.safetensors": pointer, ".hfver/x": "1", "CON.json": "2"})
    project.tag("v1.0.0")
    with pytest.raises(IntegrityError) as caught:
        project.release("v1.0.0")
    assert "git-lfs pointer" in caught.value.message
    assert ".hfver/" in caught.value.message
    assert not project.hub_state().exists


@pytest.mark.slow
def test_twenty_thousand_files_are_one_release(project: Project) -> None:
    project.train({f"shard/{number // 1000:02}/{number:05}.json": str(number) for number in range(20_000)})
    project.tag("v1.0.0")
    assert project.release("v1.0.0").sent == 20_000
    assert len(project.hub_files("v1.0.0")) == 20_003
    (project.top / "model" / "shard" / "00" / "00001.json").write_text("changed", encoding="utf-8")
    from hfver.adapters.dvc_outputs import DvcProject

    DvcProject.find(project.top).add(project.top / "model")
    project.commit("One changed")
    project.tag("v1.0.1")
    assert project.release("v1.0.1").sent == 1


def test_a_release_from_another_work_tree_finds_the_bytes_where_they_were_made(project: Project) -> None:
    project.train({"model.bin": "1"})
    project.tag("v1.0.0")
    worktree = project.top.parent / "worktree"
    git(project.top, "worktree", "add", "--quiet", "--detach", str(worktree))
    assert Project(worktree, project.hub, project.repo_id).release("v1.0.0").sent == 1
    assert project.hub_bytes("v1.0.0", "model.bin") == b"1"


def test_a_tag_message_of_any_bytes_is_read_and_released(project: Project) -> None:
    """Somebody fetches such a tag: it must break neither its own release nor any other command."""
    import subprocess

    project.train({"model.bin": "1"})
    message = b"caf\xe9 \xf0\x9f\x8e\x89\x1b[31m\n\nModel-Path: mod\n  el\n"
    subprocess.run(["git", "tag", "-a", "-F", "-", "v0.9.0"], cwd=project.top, input=message, check=True)
    subprocess.run(["git", "tag", "-a", "-F", "-", "v1.0.0"], cwd=project.top, input=message[:20], check=True)
    assert project.release("v1.0.0").tag == "v1.0.0"
    with pytest.raises(StateError, match="DVC does not track mod el"):
        project.release("v0.9.0")


@pytest.fixture
def inside(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project as the current directory, its Hub in the environment."""
    for name, value in project.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(project.top)
    return project


def test_what_was_never_released_is_released_in_the_order_of_history(inside: Project) -> None:
    from hfver.cli.main import run

    project = inside
    first = project.train({"model.bin": "1"})
    project.train({"model.bin": "2"})
    project.tag("exp-try-001")
    project.train({"model.bin": "3"})
    project.tag("v2.0.0")
    project.train({"model.bin": "4"})
    project.tag("v1.9.0")  # a name that is no help
    git(project.top, "checkout", "--quiet", "-b", "fix", first)
    project.train({"model.bin": "fix"})
    project.tag("v1.0.1")
    project.tag("v1.0.0", first)
    with project.opened() as (workspace, _):  # noticed out of order, days ago
        from hfver.owed import intend

        intend(workspace, ["v1.9.0"], "the hook")
    assert run(["push", "--all-missing", "--quiet"]) == 0
    lines = {name: [commit.title for commit in line] for name, line in project.hub_state().lines.items()}
    released = {name: [title.split(":")[0] for title in titles[:-1]] for name, titles in lines.items()}
    assert released == {
        "main": ["v1.9.0", "v2.0.0", "exp-try-001", "v1.0.0"],
        "release/1.0": ["v1.0.1", "v1.0.0"],
    }


def test_parts_of_what_was_never_released_are_whole_models(inside: Project, hub: HubForTests) -> None:
    from hfver.cli.main import run

    project = inside
    (project.top / "config.yaml").write_text(TWO_MODELS.format(namespace=hub.namespace), encoding="utf-8")
    for number in (1, 2, 3):
        add_output(project, "models/bert", f"bert {number}")
        add_output(project, "models/gpt", f"gpt {number}")
        project.commit()
        project.tag(f"bert-v{number}.0.0")
        project.tag(f"gpt/v{number}.0.0")
    assert run(["push", "--all-missing", "--shard", "2/3", "--quiet"]) == 0
    refs = hub.api.list_repo_refs(f"{hub.namespace}/gpt")
    assert sorted(tag.name for tag in refs.tags) == ["gpt/v1.0.0", "gpt/v2.0.0", "gpt/v3.0.0"]
    assert [branch.name for branch in refs.branches] == ["main"]
    assert not hub.api.repo_exists(f"{hub.namespace}/bert")
    assert run(["push", "--all-missing", "--shard", "3/3", "--quiet"]) == 0
    assert run(["push", "--all-missing", "--shard", "1/3", "--quiet"]) == 0
    assert len(hub.api.list_repo_refs(f"{hub.namespace}/bert").tags) == 3
