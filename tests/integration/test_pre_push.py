"""What `git push` is stopped for, and that it is not stopped for anything else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hfver.hooks.seen import SeenRefs
from tests.support.hook_project import HookProject, new_hook_project
from tests.support.hub import HubForTests

END = "hfver: so nothing was pushed; to push all the same: git push --no-verify\n"


@pytest.fixture
def project(tmp_path: Path, hub: HubForTests) -> HookProject:
    return new_hook_project(tmp_path, hub)


def with_remote(project: HookProject) -> None:
    remote = project.top.parent / "dvc-remote"
    (project.top / ".dvc" / "config").write_text(f"[core]\n    remote = r\n['remote \"r\"']\n    url = {remote}\n")
    project.project.commit("Add a DVC remote")


def dvc_push(project: HookProject) -> None:
    from dvc.repo import Repo as DvcRepo

    with DvcRepo(str(project.top)) as repo:
        repo.push()


def refused(project: HookProject, *args: str) -> str:
    done = project.repo.run("push", "--quiet", *args, check=False)
    assert done.returncode == 1, done.stderr
    assert END in done.stderr
    assert project.origin.git("for-each-ref") == ""
    assert done.stdout == ""
    return done.stderr


# -- tags -------------------------------------------------------------------------------------------------------------

WAYS: dict[str, list[str]] = {
    "the tag alone": ["origin", "v1.0.0"],
    "--tags": ["--tags", "origin"],
    "--follow-tags": ["--follow-tags", "origin", "main"],
    "--mirror": ["--mirror", "origin"],
    "under another name of the commit": ["origin", "HEAD:refs/tags/v1.0.0"],
    "--dry-run": ["--dry-run", "origin", "v1.0.0"],
}


def test_a_version_that_is_not_released_is_not_pushed_in_any_way(project: HookProject) -> None:
    project.repo.git("tag", "-a", "-m", "one", "v1.0.0", HFVER_SKIP="1")
    for arguments in WAYS.values():
        assert "hfver: v1.0.0 is not released yet\nhfver: hint: hfver push v1.0.0\n" in refused(project, *arguments)
    project.repo.git("push", "--quiet", "--no-verify", "origin", "v1.0.0")


def test_a_released_version_is_pushed_in_every_way(project: HookProject, tmp_path: Path) -> None:
    project.repo.git("tag", "-a", "-m", "one", "v1.0.0")
    for number, arguments in enumerate(WAYS.values()):
        project.repo.git("init", "--quiet", "--bare", str(tmp_path / f"{number}.git"))
        project.repo.git("remote", "set-url", "origin", str(tmp_path / f"{number}.git"))
        project.repo.git("push", "--quiet", *arguments)


def test_what_failed_last_time_is_said(project: HookProject) -> None:
    project.repo.run("tag", "v1.0.0", env={"HF_ENDPOINT": "http://127.0.0.1:9"})
    assert "hfver: v1.0.0 is not released yet (last attempt: " in refused(project, "origin", "v1.0.0")


def test_a_version_released_by_another_machine_is_asked_of_the_hub(project: HookProject, hub: HubForTests) -> None:
    project.repo.git("tag", "v1.0.0")
    (project.repo.common_dir / "hfver" / "seen").unlink()
    hub.forget_requests()
    project.repo.git("push", "--quiet", "origin", "v1.0.0")
    assert {method for method, _ in hub.requests} == {"GET"}


def test_a_version_released_from_another_commit_is_not_pushed(project: HookProject) -> None:
    project.repo.git("tag", "v1.0.0")
    first = project.repo.git("rev-parse", "HEAD")
    second = project.project.train({"weights.bin": "two"})
    project.repo.git("tag", "-f", "v1.0.0", HFVER_SKIP="1")
    text = refused(project, "origin", "v1.0.0")
    assert f"v1.0.0 is commit {second[:12]} here, but it was released from {first[:12]}" in text


def test_a_hub_that_is_down_stops_no_push(project: HookProject) -> None:
    project.repo.git("tag", "v1.0.0", HFVER_SKIP="1")
    done = project.repo.run("push", "--quiet", "origin", "v1.0.0", env={"HF_ENDPOINT": "http://127.0.0.1:9"})
    assert "hfver: the Hub was not asked, so releases are not checked: " in done.stderr
    assert project.origin.git("tag") == "v1.0.0"


def test_unreleased_versions_may_be_pushed_where_the_project_says_so(project: HookProject) -> None:
    details = project.top / "configs" / "huggingface_config.yaml"
    details.write_text(details.read_text() + "hooks: {require_published: false}\n")
    project.project.commit("Push first")
    project.repo.git("tag", "v1.0.0", HFVER_SKIP="1")
    project.repo.git("push", "--quiet", "origin", "v1.0.0")


def test_a_project_that_releases_in_ci_pushes_its_tags_without_further_settings(project: HookProject) -> None:
    config = project.top / "config.yaml"
    config.write_text(config.read_text() + "  auto_sync: false\n")
    project.project.commit("Release in CI")
    project.repo.git("tag", "v1.0.0")
    project.repo.git("push", "--quiet", "origin", "v1.0.0")
    assert project.origin.git("tag") == "v1.0.0"


def test_other_tags_branches_and_deletions_are_free(project: HookProject, hub: HubForTests) -> None:
    project.repo.git("tag", "nightly-7")
    hub.forget_requests()
    project.repo.git("push", "--quiet", "origin", "main", "nightly-7", "HEAD:refs/heads/side")
    project.repo.git("push", "--quiet", "origin", "--delete", "nightly-7")
    project.repo.git("push", "--quiet", "origin", "main")
    assert hub.requests == []


def test_many_versions_that_are_not_released_are_one_problem(project: HookProject) -> None:
    for number in range(7):
        project.repo.git("tag", f"v1.0.{number}", HFVER_SKIP="1")
    text = refused(project, "--tags", "origin")
    assert text.startswith(
        "hfver: 7 versions are not released yet: v1.0.0, v1.0.1, v1.0.2, v1.0.3, v1.0.4 and 2 more\n"
        "hfver: hint: hfver push --all-missing\n"
        "hfver: so nothing was pushed"
    )


def test_what_is_released_is_not_looked_at_again(project: HookProject) -> None:
    """What an old version holds cannot be mended any more, whatever the checks have learnt since."""
    config = project.top / "config.yaml"
    config.write_text(config.read_text() + "  of_another_age: true\n")
    commit = project.project.commit("As it was then")
    project.repo.git("tag", "v1.0.0", HFVER_SKIP="1")
    SeenRefs(project.repo.common_dir).add([("refs/tags/v1.0.0", commit)], "released")
    project.repo.git("push", "--quiet", "origin", "v1.0.0")


def test_each_of_two_push_urls_is_checked(project: HookProject, tmp_path: Path) -> None:
    second = tmp_path / "second.git"
    project.repo.git("init", "--quiet", "--bare", str(second))
    for url in (project.origin.path, second):
        project.repo.git("remote", "set-url", "--add", "--push", "origin", str(url))
    project.repo.git("tag", "v1.0.0")
    project.repo.git("push", "--quiet", "origin", "v1.0.0")
    assert (second / "refs" / "tags" / "v1.0.0").is_file()


# -- content ----------------------------------------------------------------------------------------------------------


def test_every_problem_of_both_files_is_shown(project: HookProject) -> None:
    config = project.top / "config.yaml"
    config.write_text(config.read_text() + "  auto_sink: true\n")
    details = project.top / "configs" / "huggingface_config.yaml"
    details.write_text(details.read_text() + "hooks: {publish: sometimes}\n")
    project.project.commit("Break both")
    text = refused(project, "origin", "main")
    assert "main:config.yaml:5:3: huggingface.auto_sink: " in text
    assert "main:configs/huggingface_config.yaml:8:18: hooks.publish: " in text
    assert "hint: hfver validate-config" in text


def test_a_secret_in_what_would_be_mirrored_stops_the_push(project: HookProject) -> None:
    details = project.top / "configs" / "huggingface_config.yaml"
    details.write_text(details.read_text().replace("mirror: {branches: []}", "mirror: {branches: [main]}"))
    (project.top / "configs" / "train.yaml").write_text("aws:\n  key: AKIAIOSFODNN7EXAMPLA\n")
    project.project.commit("Oops")
    text = refused(project, "origin", "main")
    assert "configs/train.yaml:2: AWS Access Key" in text
    assert "AKIA" not in text


def test_a_secret_where_nothing_is_mirrored_is_not_our_business(project: HookProject) -> None:
    (project.top / "configs" / "train.yaml").write_text("aws:\n  key: AKIAIOSFODNN7EXAMPLA\n")
    project.project.commit("Oops")
    project.repo.git("push", "--quiet", "origin", "main")


# -- bytes ------------------------------------------------------------------------------------------------------------


def test_a_forgotten_dvc_push_is_noticed(project: HookProject) -> None:
    with_remote(project)
    text = refused(project, "origin", "main")
    assert "hfver: model at main: model is not on the DVC remote 'r'\nhfver: hint: dvc push model.dvc\n" in text
    dvc_push(project)
    project.repo.git("push", "--quiet", "origin", "main")


def test_a_file_the_remote_lost_is_named(project: HookProject) -> None:
    with_remote(project)
    dvc_push(project)
    for path in (project.top.parent / "dvc-remote").rglob("*"):
        if path.is_file() and path.read_bytes() == b"one":
            path.unlink()
    assert "model at main: weights.bin is not on the DVC remote 'r'" in refused(project, "origin", "main")


def test_bytes_of_a_release_need_no_dvc_remote(project: HookProject) -> None:
    with_remote(project)
    project.repo.git("tag", "v1.0.0")
    project.repo.git("push", "--quiet", "origin", "main", "v1.0.0")


def test_only_what_the_push_brings_is_looked_at(project: HookProject) -> None:
    with_remote(project)
    project.repo.git("push", "--quiet", "--no-verify", "origin", "main")
    (project.top / "notes.txt").write_text("unrelated\n")
    project.project.commit("Unrelated")
    project.repo.git("push", "--quiet", "origin", "main")


def test_a_new_branch_brings_only_what_the_remote_does_not_have(project: HookProject) -> None:
    with_remote(project)
    project.repo.git("push", "--quiet", "--no-verify", "origin", "main")
    project.repo.git("push", "--quiet", "origin", "main:same")
    project.repo.git("checkout", "--quiet", "-b", "side")
    (project.top / "notes.txt").write_text("unrelated\n")
    project.project.commit("Unrelated")
    project.repo.git("push", "--quiet", "origin", "side")
    project.project.train({"weights.bin": "two"})
    done = project.repo.run("push", "--quiet", "origin", "HEAD:other", check=False)
    assert "hfver: model at other: model is not on the DVC remote 'r'" in done.stderr


def test_a_hub_that_is_down_is_asked_once(project: HookProject) -> None:
    project.repo.git("tag", "v1.0.0")
    with_remote(project)
    project.repo.git("branch", "side")
    done = project.repo.run(
        "push", "origin", "main", "side", check=False, env={"HF_ENDPOINT": "http://127.0.0.1:9"}
    )  # fmt: skip
    assert done.stderr.count("the Hub was not asked") == 1


def test_a_dvc_remote_that_cannot_be_used_stops_no_push(project: HookProject) -> None:
    config = project.top / ".dvc" / "config"
    config.write_text("[core]\n    remote = r\n['remote \"r\"']\n    url = ssh://nowhere/dvc\n")
    project.project.commit("A remote that cannot be used from here")
    done = project.repo.run("push", "--quiet", "origin", "main")
    assert "whether the bytes of main are on the DVC remote was not checked: " in done.stderr


# -- who else pushes --------------------------------------------------------------------------------------------------

FREE: dict[str, Callable[[HookProject], None]] = {
    "hfver is switched off": lambda project: (project.top / "config.yaml").write_text(  # type: ignore[dict-item]
        (project.top / "config.yaml").read_text() + "  enabled: false\n"
    ),
    "the project does not use hfver": lambda project: (project.top / "config.yaml").unlink(),
}


@pytest.mark.parametrize("change", FREE.values(), ids=FREE)
def test_pushes_are_free_where(project: HookProject, change: Callable[[HookProject], None]) -> None:
    change(project)
    project.project.commit("Change")
    project.repo.git("tag", "v1.0.0", HFVER_SKIP="1")
    project.repo.git("push", "--quiet", "origin", "main", "v1.0.0")


def test_a_push_after_hfver_is_gone_works(project: HookProject, tmp_path: Path) -> None:
    (project.repo.common_dir / "hfver" / "launcher").write_text("/gone/bin/hfver\n")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("git", "sh", "tr"):
        (tools / name).symlink_to(shutil.which(name) or "")
    done = project.repo.run("push", "--quiet", "origin", "main", env={"PATH": str(tools)})
    assert done.stderr == (
        f"hfver: the program is gone, so this push is not checked (remove {done.stderr.rpartition('remove ')[2]}"
    )
    assert "/pre-push if it shall stay so)" in done.stderr
