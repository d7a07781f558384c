"""Tags that could never be released are refused while they can be taken back, with the way to mend it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hfver.hooks.guard import refusal
from hfver.hooks.intent import RefChange
from hfver.hooks.repo import find_repo
from tests.support.hook_project import HookProject, new_hook_project
from tests.support.hub import HubForTests
from tests.support.published import everything
from tests.unit.test_yaml_bounds import laughs


@pytest.fixture
def project(tmp_path: Path, hub: HubForTests) -> HookProject:
    return new_hook_project(tmp_path, hub)


def break_config(project: HookProject) -> None:
    (project.top / "config.yaml").write_text("huggingface:\n  auto_sink: true\n")
    project.project.commit("Break the configuration")


def laugh(project: HookProject) -> None:
    with (project.top / "config.yaml").open("ab") as file:
        file.write(b"\n" + laughs(9) + b"\n")
    project.project.commit("Aliases of aliases")


def grow(project: HookProject) -> None:
    with (project.top / "config.yaml").open("ab") as file:
        file.write(b"\n#" + b" " * 40_000_000)
    project.project.commit("A configuration of forty megabytes, few kilobytes in git")


def untrack(project: HookProject) -> None:
    (project.top / "model.dvc").unlink()
    project.project.commit("Forget the model")


def lose_bytes(project: HookProject) -> None:
    shutil.rmtree(project.top / ".dvc" / "cache")


def lose_one_file(project: HookProject) -> None:
    for path in (project.top / ".dvc" / "cache").rglob("*"):
        if path.is_file() and path.read_bytes() == b"one":
            path.unlink()


REFUSED: dict[str, tuple[Callable[[HookProject], None], list[str]]] = {
    "configuration": (break_config, ["config.yaml:2:3: huggingface.auto_sink: ", "auto_sync"]),
    "aliases": (
        laugh,
        [" has aliases that stand for more than 100,000 values, or for themselves; write the values out"],
    ),
    "size": (grow, ["config.yaml at ", " is 40,000,", " bytes; at most 16,777,216 are read"]),
    "untracked": (untrack, ["model", "hint: "]),
    "bytes gone": (lose_bytes, ["the list of files of model at "]),
    "one file gone": (lose_one_file, ["1 of 2 files of model are nowhere to be had (weights.bin)", "dvc commit model"]),
}


@pytest.mark.parametrize(("spoil", "said"), REFUSED.values(), ids=REFUSED)
def test_a_tag_that_could_not_be_released_is_refused(
    project: HookProject, spoil: Callable[[HookProject], None], said: list[str]
) -> None:
    spoil(project)
    done = project.repo.run("tag", "v1.0.0", check=False)
    assert done.returncode == 128
    assert done.stderr.startswith("hfver: v1.0.0 is refused: ")
    for text in said:
        assert text in done.stderr
    assert "hfver: hint: to tag without releasing: HFVER_SKIP=1 git tag v1.0.0\n" in done.stderr
    assert project.repo.git("tag") == ""
    assert project.repo.owed() == set()
    project.repo.git("tag", "v1.0.0", HFVER_SKIP="1")
    assert project.repo.git("tag") == "v1.0.0"
    hub = project.project.hub
    assert list(hub.api.list_models(author=hub.namespace)) == []


def test_a_released_version_is_not_moved_to_another_commit(project: HookProject) -> None:
    project.repo.git("tag", "v1.0.0")
    released = project.project.hub_state().refs.tags
    assert set(released) == {"v1.0.0"}
    first = project.repo.git("rev-parse", "HEAD")
    project.project.train({"weights.bin": "two"})
    done = project.repo.run("tag", "-f", "v1.0.0", check=False)
    assert done.returncode == 128
    assert f"it was released from commit {first[:12]} already, and a release does not change" in done.stderr
    assert project.repo.git("rev-parse", "v1.0.0") == first
    again = project.repo.run("tag", "-f", "-a", "-m", "with a message", "v1.0.0", first)
    assert "refused" not in again.stderr
    assert project.project.hub_state().refs.tags == released


def test_bytes_that_may_be_elsewhere_are_not_asked_for(project: HookProject) -> None:
    """With a DVC remote, or any version that may be on the Hub, the guard cannot know and lets the tag be made."""
    lose_bytes(project)
    config = project.top / ".dvc" / "config"
    config.write_text("[core]\n    remote = r\n['remote \"r\"']\n    url = /nowhere\n")
    done = project.repo.run("tag", "v1.0.0", check=False)
    assert done.returncode == 0
    assert project.repo.owed() == {("v1.0.0", project.repo.tag_object("v1.0.0"))}


def test_an_older_version_in_git_may_have_the_bytes(project: HookProject) -> None:
    project.repo.git("tag", "v0.9.0", HFVER_SKIP="1")
    lose_bytes(project)
    assert project.repo.run("tag", "v1.0.0", check=False).returncode == 0


def test_a_switched_off_guard_refuses_nothing(project: HookProject) -> None:
    untrack(project)
    details = project.top / "configs" / "huggingface_config.yaml"
    details.write_text(details.read_text() + "hooks: {tag_guard: false}\n")
    project.project.commit("Trust me")
    done = project.repo.run("tag", "v1.0.0")
    assert "refused" not in done.stderr
    assert project.repo.owed() == {("v1.0.0", project.repo.tag_object("v1.0.0"))}


def test_a_guard_that_fails_itself_allows(project: HookProject, monkeypatch: pytest.MonkeyPatch) -> None:
    untrack(project)
    change = RefChange("0" * 40, project.repo.git("rev-parse", "HEAD"), "refs/tags/v1.0.0")
    assert refusal(find_repo(project.top), change) is not None

    def broken(*_arguments: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("hfver.hooks.guard.settings_at", broken)
    assert refusal(find_repo(project.top), change) is None


def test_what_was_refused_once_is_not_said_again_with_every_tag(project: HookProject) -> None:
    project.repo.git("tag", "v1.0.0")
    done = project.repo.run("tag", "v1.0.1")
    assert "v1.0.1 has the same model content as v1.0.0" in done.stderr
    project.project.train({"weights.bin": "two"})
    done = project.repo.run("tag", "v1.1.0")
    assert "v1.1.0 released" in done.stderr
    assert "v1.0.1" not in done.stderr


# -- secrets ----------------------------------------------------------------------------------------------------------

TOKEN = "hf_" + "NotARealToken" * 2 + "NotAReal"
AWS = "AKIA" + "IOSFODNN7EXAMPL3"


def refused_for_a_secret(project: HookProject, *arguments: str) -> str:
    done = project.repo.run("tag", *arguments, check=False)
    assert done.returncode == 128, done.stderr
    assert TOKEN not in done.stderr
    assert AWS not in done.stderr
    assert project.repo.git("tag") == ""
    assert project.repo.owed() == set()
    assert list(project.project.hub.api.list_models(author=project.project.hub.namespace)) == []
    return done.stderr


def test_a_secret_in_a_commits_subject_is_refused_and_a_message_is_the_way_out(project: HookProject) -> None:
    project.project.commit(f"Use {TOKEN} in CI\n\nand more")
    commit = project.repo.git("rev-parse", "--short=12", "HEAD")
    said = refused_for_a_secret(project, "v1.0.0")
    assert said.startswith(
        "hfver: v1.0.0 is refused: what looks like a secret stands in\n"
        f"  the subject of commit {commit}: Hugging Face token\n"
        "hfver: hint: take it out, and revoke it if it was real\n"
        "hfver: hint: git commit --amend gives the commit another, as long as it is not pushed\n"
        "hfver: hint: or let the tag have a message of its own: git tag --annotate --message 'another message' v1.0.0\n"
    )
    done = project.repo.run("tag", "--annotate", "--message", "another message", "v1.0.0")
    assert "v1.0.0 released" in done.stderr
    assert TOKEN.encode() not in everything(project.project.hub)


def test_a_secret_in_a_tags_message_is_refused(project: HookProject) -> None:
    said = refused_for_a_secret(project, "-a", "-m", f"made with {TOKEN}Z", "v1.0.0")
    assert "  the message of tag v1.0.0: Hugging Face token\n" in said
    assert "hint: git tag --annotate --message 'another message' v1.0.0\n" in said
    said = refused_for_a_secret(project, "-a", "-m", f"made with\n{TOKEN}", "v1.0.0")
    assert "  the message of tag v1.0.0: Hugging Face token\n" in said
    done = project.repo.run("tag", "-a", "-m", "First", "-m", "text that is published nowhere", "v1.0.0")
    assert "v1.0.0 released" in done.stderr


def test_a_secret_in_a_tags_name_is_refused_and_not_repeated(project: HookProject) -> None:
    said = refused_for_a_secret(project, f"exp-{TOKEN}-001")
    assert said.startswith("hfver: exp-[hidden]-001 is refused: what looks like a secret stands in\n")
    assert "hint: choose another name for the version\n" in said


def test_a_secret_in_the_configs_of_a_release_is_refused(project: HookProject) -> None:
    (project.top / "params.yaml").write_text(f"lr: 1\naws: {AWS}\n")
    project.project.commit("Oops")
    said = refused_for_a_secret(project, "v1.0.0")
    assert "  params.yaml:2: AWS Access Key\n" in said
    assert "hint: then commit, and git tag v1.0.0\n" in said
    main = project.top / "config.yaml"
    main.write_text(main.read_text() + "  upload_items: [model]\n")
    project.project.commit("Configs are not published")
    done = project.repo.run("tag", "v1.0.0")
    assert "left out of the receipt and the card: aws: AWS Access Key" in done.stderr
    assert "v1.0.0 released" in done.stderr
    assert AWS.encode() not in everything(project.project.hub)


def test_the_guard_needs_nothing_heavy_to_find_secrets(project: HookProject) -> None:
    program = (
        "import sys\n"
        "from hfver.hooks.guard import refusal\n"
        "from hfver.hooks.intent import RefChange\n"
        "from hfver.hooks.repo import find_repo\n"
        "repo = find_repo()\n"
        "assert refusal(repo, RefChange('0' * 40, repo.ask('rev-parse', 'HEAD'), 'refs/tags/v1.0.0')) is not None\n"
        "print('detect_secrets' in sys.modules)\n"
    )
    project.project.commit(f"Use {TOKEN} in CI")
    done = subprocess.run([sys.executable, "-c", program], cwd=project.top, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
