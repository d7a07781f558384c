"""What is to be private is sent to no repository that others can see, whatever way it takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

import hfver.adapters.hub_client
from hfver import HuggingFaceManager, record_run
from hfver.adapters.hub_client import HubClient
from hfver.cli.main import run
from hfver.cli.owed import publish_owed
from hfver.doctor import Verdict, examine
from hfver.errors import EXIT_DONE, EXIT_REFUSED, RefusedError, UnreachableError
from hfver.hub_session import open_hub
from hfver.hub_state import EMBEDDED
from hfver.local_hub.repos import Repo
from hfver.local_hub.routes import info, repos
from hfver.outbox import Owed
from hfver.owed import Work, do_owed, intend
from hfver.visibility import Visibility, require_private
from tests.support.gitting import git
from tests.support.hub import HubForTests, running_hub
from tests.support.hub_process import hub_process
from tests.support.project import Project, new_project

EMPTY = {".gitattributes"}  # what a repository holds before anybody sends anything


@pytest.fixture
def project(tmp_path: Path, hub: HubForTests, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project in the current directory, as a user of this Hub has it."""
    return in_it(new_project(tmp_path / "repo", hub), monkeypatch)


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project with a Hub of its own, which can misbehave."""
    with running_hub(tmp_path / "store") as own:
        yield in_it(new_project(tmp_path / "repo", own), monkeypatch)


@pytest.fixture
def ignores_visibility(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Hub on which every new repository is public, as KohakuHub does with what the client asks for."""

    def public(*fields: Any) -> Repo:
        made = list(fields)
        made[5] = "public"
        return Repo(*made)

    monkeypatch.setattr(repos, "Repo", public)


@pytest.fixture
def says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Hub whose answers do not say whether a repository is private."""
    described = info.describe

    def without(*of: Any) -> dict[str, Any]:
        return {key: value for key, value in described(*of).items() if key != "private"}

    monkeypatch.setattr(info, "describe", without)


def in_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(project.top)
    for name, value in project.hub.environment().items():
        monkeypatch.setenv(name, value)
    return project


def configure(project: Project, **keys: str) -> None:
    """Set keys of `huggingface.repository`."""
    main = project.top / "config.yaml"
    lines = "".join(f"    {key}: {value}\n" for key, value in keys.items())
    main.write_text(main.read_text().replace("  repository:\n", "  repository:\n" + lines))
    project.commit("Settings")


def published(project: Project, name: str = "", kind: str = "model") -> set[str]:
    """All files of all revisions of a repository."""
    repo = project.repo_id + name
    refs = project.hub.api.list_repo_refs(repo, repo_type=kind)
    revisions = {ref.target_commit for ref in (*refs.branches, *refs.tags)}
    return {path for one in revisions for path in project.hub.api.list_repo_files(repo, revision=one, repo_type=kind)}


def tagged(project: Project, tag: str = "v1.0.0", content: str = "1") -> None:
    project.train({"model.bin": content})
    project.tag(tag)


def work(project: Project, *tags: str, mirror: str | None = None) -> Work:
    """Do it as the hook does, and whatever else is owed."""
    with project.opened() as (workspace, client):
        intend(workspace, tags, "test")
        if mirror is not None:
            tip = git(project.top, "rev-parse", mirror)
            now = "2026-01-01T00:00:00+00:00"
            workspace.outbox.add(Owed("mirror", f"refs/heads/{mirror}", tip, "", str(project.top), "test", now))
        return do_owed(workspace, client, project.told)


def owed(project: Project) -> list[tuple[str, str, bool | None]]:
    with project.opened() as (workspace, _):
        return [(entry.kind, entry.name, entry.private) for entry in workspace.outbox.entries().owed]


def changes(hub: HubForTests) -> list[str]:
    return [path for method, path in hub.requests if method not in ("GET", "HEAD")]


def looks(hub: HubForTests, repo: str) -> int:
    return sum(path.endswith(f"s/{repo}?expand=private") for _, path in hub.requests)


def manager(project: Project) -> HuggingFaceManager:
    return HuggingFaceManager("config.yaml", environ=project.environ, reporter=project.told)


def as_typed(command: str, environ: Mapping[str, str]) -> None:
    """Run a command that hfver showed, in a shell that has the Hub this process was started with."""
    there = {"HF_ENDPOINT": constants.ENDPOINT, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"}
    done = subprocess.run(command, shell=True, env={**environ, **there}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# -- releases ---------------------------------------------------------------------------------------------------------


def test_a_release_for_a_public_repository_is_refused_until_it_is_private(project: Project) -> None:
    repo = project.hub.repo(private=False)
    tagged(project)
    project.hub.forget_requests()
    with pytest.raises(RefusedError) as caught:
        project.release("v1.0.0")
    assert caught.value.message == f"{repo} is public and is to be private: nothing was sent to it"
    make_private, again, meant = caught.value.hints
    assert make_private.endswith(f"hf repos settings {repo} --private")
    assert "`hfver push`" in again
    assert "huggingface.repository.private: false" in meant
    assert changes(project.hub) == []
    as_typed(make_private, project.environ)
    project.release("v1.0.0")
    assert project.hub_bytes("v1.0.0", "model.bin") == b"1"


@pytest.mark.usefixtures("ignores_visibility")
def test_a_repository_that_turns_out_public_when_it_is_made_stays_empty(project: Project) -> None:
    tagged(project)
    project.hub.forget_requests()
    with pytest.raises(RefusedError) as caught:
        project.release("v1.0.0")
    assert changes(project.hub) == ["/api/repos/create"], "not a byte was sent"
    assert caught.value.message == (
        f"{project.repo_id} is public, although the Hub was asked for a private one: nothing was sent to it, it stays "
        "empty"
    )
    assert published(project) == EMPTY
    with pytest.raises(RefusedError, match="is public and is to be private"):
        project.release("v1.0.0")
    as_typed(caught.value.hints[0], project.environ)
    project.release("v1.0.0")
    assert "model.bin" in published(project)


def test_a_repository_made_public_between_two_releases_gets_no_second(project: Project) -> None:
    tagged(project)
    project.release("v1.0.0")
    project.hub.api.update_repo_settings(project.repo_id, private=False)
    tagged(project, "v1.1.0", "2")
    before = published(project)
    with pytest.raises(RefusedError):
        project.release("v1.1.0")
    assert published(project) == before
    assert project.hub_state().refs.tags.keys() == {"v1.0.0"}
    assert project.release("v1.0.0").already_published, "nothing is sent for it"


def test_a_repository_made_public_while_files_are_sent_gets_no_commit(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hfver.adapters.hub_client, "_LOOK_HOLDS", 0.0)  # as if sending had taken longer
    tagged(project)

    def open_it(step: str) -> None:
        if step == "receipt":
            project.hub.api.update_repo_settings(project.repo_id, private=False)

    with pytest.raises(RefusedError):
        project.release("v1.0.0", checkpoint=open_it)
    assert published(project) == EMPTY


def test_the_tag_of_a_commit_that_was_cut_short_is_not_made_in_a_public_repository(project: Project) -> None:
    tagged(project)

    def stop(step: str) -> None:
        if step == "commit":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        project.release("v1.0.0", checkpoint=stop)
    project.hub.api.update_repo_settings(project.repo_id, private=False)
    with pytest.raises(RefusedError):
        project.release("v1.0.0")
    assert project.hub_state().refs.tags == {}


def test_a_command_looks_once_at_each_repository(project: Project) -> None:
    tagged(project)
    tagged(project, "v1.1.0", "2")
    project.hub.forget_requests()
    assert work(project, "v1.0.0", "v1.1.0").failed == ()
    assert [looks(project.hub, project.repo_id), looks(project.hub, f"{project.repo_id}-configs")] == [1, 1]
    project.hub.forget_requests()
    assert work(project, "v1.0.0").failed == ()
    assert looks(project.hub, project.repo_id) == 0, "nothing is left to be sent"


def test_only_the_models_whose_repository_is_public_are_refused(project: Project) -> None:
    space = project.hub.namespace
    models = "".join(f"    - {{name: {n}, path: model/{n}, repo: {space}/{n}, tag_prefix: {n}-}}\n" for n in "ab")
    (project.top / "config.yaml").write_text(f"huggingface:\n  models:\n{models}")
    project.hub.repo("b", private=False)
    project.train({"a/model.bin": "1", "b/model.bin": "2"})
    project.tag("a-v1.0.0")
    project.tag("b-v1.0.0")
    done = work(project, "a-v1.0.0", "b-v1.0.0")
    assert [outcome.tag for outcome in done.released] == ["a-v1.0.0"]
    (failure,) = done.failed
    assert (failure.tag, failure.error.exit_code) == ("b-v1.0.0", EXIT_REFUSED)
    assert set(project.hub.api.list_repo_files(f"{space}/b")) == EMPTY


@pytest.mark.usefixtures("says_nothing")
def test_a_hub_that_does_not_say_is_not_taken_for_private(project: Project) -> None:
    tagged(project)
    with pytest.raises(RefusedError) as caught:
        project.release("v1.0.0")
    place, repo = project.hub.endpoint, project.repo_id
    assert (
        caught.value.message
        == f"{place} does not say whether {repo} is private, which it is to be: nothing was sent to it"
    )
    assert "huggingface.repository.private: false" in caught.value.hints[0]
    assert published(project) == EMPTY
    assert run(["push", "--public", "v1.0.0"]) == EXIT_DONE
    assert "model.bin" in published(project)


ANSWERS = [
    ({"id": "me/m", "private": True}, None, Visibility.PRIVATE),
    ({"id": "me/m", "private": False}, None, Visibility.PUBLIC),
    ({"id": "me/m"}, {"id": "me/m", "private": True, "lastModified": "yesterday"}, Visibility.PRIVATE),
    ({"id": "me/m"}, {"id": "me/m", "private": False}, Visibility.PUBLIC),
    ({"id": "me/m", "private": None}, {"id": "me/m", "private": "true"}, Visibility.UNSAID),
]


@pytest.mark.parametrize(("expanded", "whole", "seen"), ANSWERS)
def test_an_answer_means_what_it_says_and_nothing_else_means_private(
    expanded: dict[str, object], whole: dict[str, object] | None, seen: Visibility
) -> None:
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            answer = json.dumps(whole if "?" not in self.path else expanded).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            client = HubClient(f"http://127.0.0.1:{server.server_port}", None, library_version="0")
            assert [client.visibility("me/m", repo_type="dataset") for _ in range(2)] == [seen, seen]
        finally:
            server.shutdown()
            thread.join()
    once = ["/api/datasets/me/m?expand=private", *(["/api/datasets/me/m"] if whole is not None else [])]
    assert asked == (once if seen is Visibility.PRIVATE else once * 2), "that it is private is not asked again"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda faults: faults.fail("GET", "expand=private", 200), "is no answer of a Hub"),
        (lambda faults: faults.cut("GET", "expand=private", after_bytes=3), "broke off|did not answer"),
        (
            lambda faults: faults.fail("GET", "expand=private", 404, headers={"X-Error-Code": "RepoNotFound"}),
            "was created, but is not to be seen yet",
        ),
    ],
    ids=["something else answers", "the answer is cut", "the repository is not there yet"],
)
def test_without_an_answer_nothing_is_sent_and_running_again_finishes_it(
    other: Project, fault: Callable[[Any], None], said: str
) -> None:
    tagged(other)
    fault(other.hub.faults)
    with pytest.raises(UnreachableError, match=said):
        other.release("v1.0.0")
    assert published(other) == EMPTY
    other.release("v1.0.0")
    assert "model.bin" in published(other)


# -- commands ---------------------------------------------------------------------------------------------------------


def test_a_dry_run_says_that_the_repository_is_public(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.hub.repo(private=False)
    tagged(project)
    assert run(["push", "--dry-run", "v1.0.0"]) == EXIT_REFUSED
    assert f"Error: {project.repo_id} is public and is to be private" in capsys.readouterr().err
    assert run(["push", "--dry-run", "--public", "v1.0.0"]) == EXIT_DONE


def test_push_all_missing_sends_nothing_and_with_public_all_of_it(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.hub.repo(private=False)
    project.hub.repo("model-configs", private=False)
    tagged(project)
    tagged(project, "v1.1.0", "2")
    project.hub.forget_requests()
    assert run(["push", "--all-missing"]) == EXIT_REFUSED
    assert changes(project.hub) == []
    assert capsys.readouterr().err.count("is public and is to be private") == 2
    assert owed(project) == [("release", "v1.0.0", None), ("release", "v1.1.0", None)]
    assert run(["push", "--all-missing", "--public"]) == EXIT_DONE
    assert project.hub_state().refs.tags.keys() == {"v1.0.0", "v1.1.0"}
    assert project.hub.api.list_repo_files(f"{project.repo_id}-configs", revision="v1.1.0")


def test_the_background_worker_sends_nothing_and_keeps_what_is_owed(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.hub.repo(private=False)
    tagged(project)
    with project.opened() as (workspace, _):
        intend(workspace, ["v1.0.0"], "test")
    project.hub.forget_requests()
    assert publish_owed(project.top, progress=False) == EXIT_REFUSED
    assert f"{project.repo_id} is public" in capsys.readouterr().err
    assert changes(project.hub) == []
    assert owed(project) == [("release", "v1.0.0", None)]
    project.hub.api.update_repo_settings(project.repo_id, private=True)
    assert publish_owed(project.top, progress=False) == EXIT_DONE
    assert owed(project) == []


def test_the_hook_of_a_tag_says_so_and_leaves_the_tag(project: Project) -> None:
    project.hub.repo(private=False)
    assert run(["hooks", "install"]) == EXIT_DONE
    project.train({"model.bin": "1"})
    done = subprocess.run(
        ["git", "tag", "v1.0.0"], cwd=project.top, env=project.environ, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert f"Error: {project.repo_id} is public and is to be private" in done.stderr
    assert f"Hint: hf repos settings {project.repo_id} --private\n" in done.stderr
    assert published(project) == EMPTY


def test_repair_finishes_nothing_in_a_public_repository(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.hub.repo(private=False)
    tagged(project)
    with project.opened() as (workspace, _):
        intend(workspace, ["v1.0.0"], "test")
    assert run(["repair", "--yes"]) == EXIT_REFUSED
    assert "is public and is to be private" in capsys.readouterr().err
    assert published(project) == EMPTY


def test_doctor_names_what_is_public_and_how_to_make_it_private(project: Project) -> None:
    configure(project, private="true")
    (project.top / "configs" / "huggingface_config.yaml").write_text("repository: {config_repo_type: dataset}\n")
    assert [one for one in examine(project.top, project.environ) if "private" in one.message] == []
    project.hub.repo(private=True)
    configs = project.hub.repo("model-configs", private=False, repo_type="dataset")
    (found,) = [one for one in examine(project.top, project.environ) if "private" in one.message]
    assert (found.verdict, found.message) == (
        Verdict.PROBLEM, f"{configs} is public and is to be private: nothing is sent to it"
    )  # fmt: skip
    assert found.mend is not None
    as_typed(found.mend, project.environ)
    assert [one for one in examine(project.top, project.environ) if "private" in one.message] == []


def test_the_command_for_the_embedded_hub_works_while_it_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFVER_HUB_DIR", str(tmp_path / "hub"))
    with open_hub(EMBEDDED, os.environ) as client:
        client.create_repo("me/m", private=False)
        with pytest.raises(RefusedError) as caught:
            require_private(client, "me/m")
    with hub_process(tmp_path / "hub") as served:
        as_typed(caught.value.hints[0], os.environ)
        with open_hub(served.endpoint, {"HF_ENDPOINT": served.endpoint, "HF_TOKEN": served.token}) as client:
            assert client.visibility("me/m") is Visibility.PRIVATE


def test_a_command_for_the_hub_that_hf_uses_anyway_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    client = HubClient("https://hub.example/", None, library_version="0")
    assert client.hf_command("x") == "HF_ENDPOINT=https://hub.example hf x"
    monkeypatch.setattr(constants, "ENDPOINT", "https://hub.example")
    assert client.hf_command("x") == "hf x"


# -- configs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_configs_are_not_sent_to_a_public_repository(project: Project, kind: str) -> None:
    (project.top / "configs" / "huggingface_config.yaml").write_text(f"repository: {{config_repo_type: {kind}}}\n")
    project.commit("Kind of the configs repository")
    configs = project.hub.repo("model-configs", private=False, repo_type=kind)
    tagged(project)
    project.hub.forget_requests()
    (failure,) = work(project, mirror="main").failed
    assert (failure.tag, failure.kind, failure.error.exit_code) == ("main", "mirror", EXIT_REFUSED)
    assert changes(project.hub) == []
    failures = work(project, "v1.0.0").failed  # the version goes on, its configs do not
    assert [(failure.tag, failure.kind) for failure in failures] == [("main", "mirror"), ("v1.0.0", "mirror")]
    assert published(project, "-configs", kind) == EMPTY
    command = failures[0].error.hints[0]
    option = "" if kind == "model" else " --repo-type dataset"
    assert command.endswith(f"hf repos settings {configs} --private{option}")
    as_typed(command, project.environ)
    assert work(project).failed == ()
    assert "releases/v1.0.0.json" in published(project, "-configs", kind)


@pytest.mark.usefixtures("ignores_visibility")
def test_a_configs_repository_that_turns_out_public_stays_empty(project: Project) -> None:
    project.hub.forget_requests()
    (failure,) = work(project, mirror="main").failed
    assert changes(project.hub) == ["/api/repos/create"]
    assert "although the Hub was asked for a private one" in failure.error.message
    assert published(project, "-configs") == EMPTY


def test_configs_that_are_there_already_are_no_reason_to_refuse(project: Project) -> None:
    assert work(project, mirror="main").failed == ()
    project.hub.api.update_repo_settings(f"{project.repo_id}-configs", private=False)
    assert work(project, mirror="main").failed == (), "nothing has to be sent"
    (project.top / "params.yaml").write_text("lr: 1\n")
    project.commit("More")
    (failure,) = work(project, mirror="main").failed
    assert failure.error.exit_code == EXIT_REFUSED
    assert "configs/params.yaml" not in published(project, "-configs")


STEPS: dict[str, Callable[[Project], object]] = {
    "upload_training_config": lambda p: manager(p).upload_training_config({"lr": 1}, "base"),
    "upload_training_results": lambda p: manager(p).upload_training_results("results.json", "base"),
    "record_run": lambda _p: record_run("base", metrics={"accuracy": 1}, send=True),
    "sync": lambda p: manager(p).sync_training_workflow("model", "base", "v1.0.0"),
    "create_repositories": lambda p: manager(p).create_repositories(),
}


@pytest.mark.parametrize("step", STEPS)
def test_nothing_of_an_experiment_goes_to_a_public_configs_repository(project: Project, step: str) -> None:
    project.hub.repo("model-configs", private=False)
    (project.top / "results.json").write_text(json.dumps({"accuracy": 1}))
    (project.top / "model").mkdir()
    (project.top / "model" / "model.bin").write_text("1")
    with pytest.raises(RefusedError, match=f"{project.repo_id}-configs is public and is to be private"):
        STEPS[step](project)
    assert published(project, "-configs") == EMPTY
    assert git(project.top, "tag") == ""


# -- the workflow -----------------------------------------------------------------------------------------------------


def test_sync_refuses_before_anything_is_recorded_or_tagged(project: Project) -> None:
    project.hub.repo(private=False)
    head = git(project.top, "rev-parse", "HEAD")
    project.write({"model.bin": "1"})
    project.hub.forget_requests()
    with pytest.raises(RefusedError):
        manager(project).sync_training_workflow("model", "base", "v1.0.0")
    assert (git(project.top, "rev-parse", "HEAD"), git(project.top, "tag"), owed(project)) == (head, "", [])
    assert changes(project.hub) == []


def test_the_command_line_decides_what_is_private(project: Project) -> None:
    configure(project, private="false")
    project.hub.repo(private=False)
    project.write({"model.bin": "1"})
    words = ["sync", "--model-path", "model", "--experiment-name", "base", "--version-tag", "v1.0.0"]
    assert run([*words, "--private"]) == EXIT_REFUSED
    assert published(project) == EMPTY
    assert run(words) == EXIT_DONE
    assert "model.bin" in published(project)


@pytest.mark.parametrize("option", ["--private", "--public"])
def test_what_the_command_line_said_stays_part_of_what_is_owed(other: Project, option: str) -> None:
    private = option == "--private"
    configure(other, private="false" if private else "true")
    other.write({"model.bin": "1"})
    other.hub.faults.fail("POST", "/repos/create", 503)
    words = ["upload-model", "--model-path", "model", "--version-tag", "v1.0.0"]
    assert run([*words, option]) == 6
    assert owed(other) == [("release", "v1.0.0", private)]
    assert work(other).failed == ()
    assert owed(other) == []
    for repo in (other.repo_id, f"{other.repo_id}-configs"):
        assert other.hub.api.repo_info(repo).private is private


def test_what_push_was_told_holds_for_the_next_attempt(other: Project) -> None:
    configure(other, private="false")
    tagged(other)
    with other.opened() as (workspace, _):
        intend(workspace, ["v1.0.0"], "test")
    other.hub.faults.fail("POST", "/repos/create", 503)
    assert run(["push", "--private"]) == 6
    assert owed(other) == [("release", "v1.0.0", True)]
    assert run(["push"]) == EXIT_DONE
    assert other.hub.api.repo_info(other.repo_id).private


def test_a_directory_without_git_is_not_released_in_public(
    tmp_path: Path, hub: HubForTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tmp_path / "plain"
    (top / "model").mkdir(parents=True)
    (top / "model" / "model.bin").write_text("1")
    repo = hub.repo(private=False)
    (top / "config.yaml").write_text(f"huggingface: {{repository: {{model_name: {repo}}}}}\n")
    monkeypatch.chdir(top)
    one = HuggingFaceManager("config.yaml", environ={**os.environ, "HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.token})
    hub.forget_requests()
    with pytest.raises(RefusedError, match=f"{repo} is public and is to be private"):
        one.sync_training_workflow("model", "base", "v1.0.0")
    assert changes(hub) == []
    hub.api.update_repo_settings(repo, private=True)
    hub.forget_requests()
    one.sync_training_workflow("model", "base", "v1.0.0")
    assert looks(hub, repo) == 1
    hub.api.update_repo_settings(repo, private=False)
    (top / "model" / "model.bin").write_text("2")
    with pytest.raises(RefusedError):
        one.upload_model("model", "v1.1.0")
    assert [ref.name for ref in hub.api.list_repo_refs(repo).tags] == ["v1.0.0"]


@pytest.mark.usefixtures("ignores_visibility")
def test_a_directory_without_git_leaves_a_repository_empty_that_turns_out_public(
    tmp_path: Path, hub: HubForTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plain" / "model").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "plain")
    Path("model/model.bin").write_text("1")
    Path("config.yaml").write_text(f"huggingface: {{repository: {{model_name: {hub.namespace}/m}}}}\n")
    one = HuggingFaceManager("config.yaml", environ={**os.environ, "HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.token})
    hub.forget_requests()
    with pytest.raises(RefusedError, match="although the Hub was asked for a private one"):
        one.upload_model("model", "v1.0.0")
    assert changes(hub) == ["/api/repos/create"]
    assert hub.api.list_repo_files(f"{hub.namespace}/m") == [".gitattributes"]


# -- public, and yet private ------------------------------------------------------------------------------------------


def test_a_private_repository_that_is_configured_as_public_is_mentioned_once(project: Project) -> None:
    configure(project, private="false")
    repo = project.hub.repo(private=True)
    tagged(project)
    project.release("v1.0.0")
    (note,) = project.told.notes
    before, _, command = note.partition("; to show it to all: ")
    assert before == f"{repo} is private and stays so, although huggingface.repository.private is false"
    assert project.hub.api.repo_info(repo).private
    project.hub.forget_requests()
    tagged(project, "v1.1.0", "2")
    project.release("v1.1.0")
    assert (project.told.notes, looks(project.hub, repo)) == ([note], 0)
    as_typed(command, project.environ)
    assert not project.hub.api.repo_info(repo).private


def test_the_configs_repository_is_mentioned_likewise(project: Project) -> None:
    configure(project, private="false")
    configs = project.hub.repo("model-configs", private=True)
    assert work(project, mirror="main").failed == ()
    assert work(project, mirror="main").failed == ()
    assert [note.split(" is private")[0] for note in project.told.notes] == [configs]


def test_nobody_is_told_in_quiet_mode_and_nobody_looks(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    configure(project, private="false")
    repo = project.hub.repo(private=True)
    tagged(project)
    assert run(["push", "--quiet", "v1.0.0"]) == EXIT_DONE
    assert "is private" not in capsys.readouterr().err
    assert looks(project.hub, repo) == 0
