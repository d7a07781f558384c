"""What others repeat of what they were sent: the Hub at each step of a release, git, remotes of DVC, proxies."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from hfver.adapters.git_process import GitCommandFailed
from hfver.adapters.git_repo import GitRepo
from hfver.cli.main import run
from hfver.errors import HfverError
from hfver.manager import HuggingFaceManager
from hfver.outbox import Outbox
from tests.support.echoing import MANNERS, EchoingHub, echoing_hub, kept_in, shown_in
from tests.support.gitting import git
from tests.support.hook_project import HFVER, HookProject, new_hook_project
from tests.support.hub import HubForTests
from tests.support.project import Project, Told, new_project

TOKEN = "plainSelfHostedToken0123456789"


@pytest.fixture
def hub() -> Iterator[EchoingHub]:
    with echoing_hub() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, own_hub: HubForTests) -> Project:
    """On a Hub that can be told to repeat the token at any step; large enough for Xet."""
    made = new_project(tmp_path / "repo", own_hub)
    made.train({"config.json": "{}", "weights.bin": os.urandom(2_000_000)})
    made.tag("v1.0.0")
    return made


def home() -> Path:
    return Path(os.environ["HOME"]).parent


STEPS = {
    "listing refs": ("GET", "/refs$"),
    "creating the repository": ("POST", "/api/repos/create"),
    "asking how to send": ("POST", "/preupload/"),
    "Xet's token": ("GET", "/xet-write-token/"),
    "sending to Xet": ("POST", "/v1/(xorbs|shards)"),
    "committing": ("POST", "/commit/"),
    "tagging": ("POST", "/tag/"),
}


@pytest.mark.parametrize("step", STEPS)
def test_no_step_of_a_release_gives_the_token_away(
    step: str, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = project.hub.token
    method, path = STEPS[step]
    project.hub.faults.fail(method, path, 403, times=100, echo=True, message=f"refused while {step}")
    done = subprocess.run(
        [sys.executable, "-m", "hfver", "push", "v1.0.0", "--json"],
        cwd=project.top,
        # hf_xet keeps logs of its own, which tests switch off.
        env={**project.environ, "LOG_LEVEL": "DEBUG", "HF_XET_LOG_DEST": f"{home()}/xet-logs/"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode != 0
    assert f"refused while {step}: Bearer [hidden]" in done.stdout or "Xet" in step  # whose client keeps it to itself
    assert shown_in(done.stdout + done.stderr, [token]) == []
    kept = [line for line in kept_in([tmp_path, home()], [token]) if str(project.hub.server.store) not in line]
    assert kept == []
    (owed,) = Outbox(project.top / ".git").entries().owed
    assert owed.last_error is not None


# -- hooks ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def hooked(tmp_path: Path, project: Project, hub: EchoingHub) -> HookProject:
    """A project with hooks whose Hub repeats the token."""
    made = new_hook_project(tmp_path / "hooked", project.hub)
    made.repo.environment.update(HF_ENDPOINT=hub.url, HF_TOKEN=TOKEN, LOG_LEVEL="DEBUG")
    return made


def test_hooks_of_git_give_no_token_away(hooked: HookProject, hub: EchoingHub, tmp_path: Path) -> None:
    tagged = hooked.repo.run("tag", "v1.0.0")
    pushed = hooked.repo.run("push", "origin", "v1.0.0", check=False)
    committed = hooked.repo.run("commit", "--allow-empty", "--message", "more", env={"CI": "1"})
    for done in (tagged, pushed, committed):
        assert shown_in(done.stdout + done.stderr, [TOKEN]) == []
    assert "not valid here: Bearer [hidden]" in tagged.stderr
    assert "last attempt: " in pushed.stderr
    assert any(TOKEN in request for request in hub.requests)
    assert kept_in([tmp_path, home()], [TOKEN]) == []


def test_the_address_of_a_push_reaches_no_other_program(hooked: HookProject, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    shim, log = tmp_path / "bin" / "git", tmp_path / "arguments"
    shim.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>"{log}"\nexec "{shutil.which("git")}" "$@"\n')
    shim.chmod(0o755)
    address = f"https://me:{TOKEN}@hub.example/repo.git"
    head = hooked.repo.git("rev-parse", "HEAD")
    done = subprocess.run(
        [HFVER, "hook", "pre-push", address, address],
        cwd=hooked.top,
        env={**os.environ, **hooked.repo.environment, "PATH": f"{shim.parent}{os.pathsep}{os.environ['PATH']}"},
        input=f"refs/heads/main {head} refs/heads/main {'0' * 40}\n",
        capture_output=True,
        text=True,
    )
    asked = log.read_text()
    assert "ls-tree" in asked
    assert TOKEN not in done.stdout + done.stderr + asked


def test_the_worker_gives_no_token_away(hooked: HookProject, hub: EchoingHub, tmp_path: Path) -> None:
    hooked.repo.run("tag", "v1.0.0")
    environment = {**os.environ, **hooked.repo.environment}
    done = subprocess.run([HFVER, "hook", "worker"], cwd=hooked.top, env=environment, capture_output=True, text=True)
    assert done.stdout + done.stderr == ""
    log = (hooked.top / ".git" / "hfver" / "worker.log").read_text()
    assert "not valid here: Bearer [hidden]" in log
    assert "DEBUG hfver" in log
    assert kept_in([tmp_path, home()], [TOKEN]) == []


# -- where the token comes from ---------------------------------------------------------------------------------------


def test_a_token_that_only_the_login_has_is_known(project: Project, hub: EchoingHub, tmp_path: Path) -> None:
    login = tmp_path / "login"
    login.write_text(f"{TOKEN}\r\n")
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_TOKEN_PATH": str(login), "LOG_LEVEL": "DEBUG"}
    done = subprocess.run(
        [HFVER, "push", "v1.0.0"], cwd=project.top, env=environment, capture_output=True, text=True, timeout=60
    )
    assert "not valid here: Bearer [hidden]" in done.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert kept_in([tmp_path, home()], [TOKEN], except_in=[login]) == []


def test_an_endpoint_with_a_password_is_refused_without_showing_it(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project.top)
    for number, command in enumerate((["status"], ["doctor", "--json"], ["config", "show", "--json"], ["push"])):
        monkeypatch.setenv("HF_ENDPOINT", f"https://me:{TOKEN}{number}@hub.example")
        assert run(command) != 0
        told = capsys.readouterr()
        assert TOKEN not in told.out + told.err
        assert "must not hold a user or password" in told.out + told.err


@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY"])
def test_the_password_of_a_proxy_is_not_told(variable: str, project: Project, hub: EchoingHub) -> None:
    hub.manner = lambda sent, _: MANNERS["the reason"](f"{sent} by way of me:{TOKEN}", "")
    proxy = hub.url.replace("//", f"//me:{TOKEN}@")
    environment = {
        **{name: value for name, value in os.environ.items() if name.lower() != "no_proxy"},
        "HF_ENDPOINT": "http://hub.example", "HF_TOKEN": "anotherToken-0123456789", variable: proxy,
    }  # fmt: skip
    done = subprocess.run(
        [HFVER, "status"], cwd=project.top, env=environment, capture_output=True, text=True, timeout=60
    )
    assert "by way of me:[hidden]" in done.stderr
    assert shown_in(done.stdout + done.stderr, [TOKEN, "anotherToken-0123456789"]) == []


# -- git --------------------------------------------------------------------------------------------------------------


def test_what_git_says_of_a_remote_is_told_without_its_password(project: Project, hub: EchoingHub) -> None:
    repo = GitRepo.discover(project.top)
    address = hub.url.replace("//", f"//x-access-token:{TOKEN}@") + "/me/repo.git"
    hub.manner = lambda sent, _: MANNERS["the reason"](f"{sent} {TOKEN}", "")
    with pytest.raises(GitCommandFailed) as caught:
        repo.run("-c", "credential.helper=", "ls-remote", address)
    assert TOKEN not in caught.value.message + caught.value.stderr
    git(project.top, "remote", "add", "origin", f"https://me:{TOKEN}@hub.example/me/repo.git")
    assert repo.remote_url() == "https://hub.example/me/repo.git"
    assert str(HfverError(f"said: {TOKEN}")) == "said: [hidden]"


# -- DVC --------------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:The 'auth' parameter is deprecated:DeprecationWarning")  # DVC's use of aiohttp
def test_a_remote_of_dvc_that_repeats_its_password_does_not_give_it_away(
    project: Project, hub: EchoingHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.manner = lambda sent, _: MANNERS["the reason"](f"{sent} of {TOKEN}, /x?X-Amz-Signature=0123abcd&x=1", "")
    options = {"url": f"{hub.url}/store", "auth": "basic", "user": "me", "password": TOKEN}
    lines = "".join(f"    {name} = {value}\n" for name, value in options.items())
    (project.top / ".dvc" / "config").write_text("[core]\n    remote = shop\n")
    local = project.top / ".dvc" / "config.local"
    local.write_text(f"['remote \"shop\"']\n{lines}")
    monkeypatch.chdir(project.top)
    for name in ("HF_ENDPOINT", "HF_TOKEN"):
        monkeypatch.setenv(name, project.environ[name])
    for object_ in (project.top / ".dvc" / "cache" / "files" / "md5").rglob("*"):
        if object_.is_file() and object_.suffix != ".dir":  # the list of files stays, their bytes have to be asked for
            object_.unlink()
    shutil.rmtree(project.top / "model")
    shown = ""
    for command in (["checkout", "v1.0.0", "--force"], ["push", "v1.0.0", "--json"], ["pull", "v1.0.0"], ["doctor"]):
        run(command)
        told = capsys.readouterr()
        shown += told.out + told.err
    assert "Conflict with Basic [hidden] of [hidden], /x?X-Amz-Signature=[hidden]&x=1" in shown
    assert shown_in(shown, [TOKEN, "0123abcd"]) == []
    assert kept_in([project.top, home()], [TOKEN, "0123abcd"], except_in=[local]) == []


# -- Python -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("manner", MANNERS)
def test_what_the_python_api_raises_and_reports_holds_no_token(
    manner: str, project: Project, hub: EchoingHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.manner = MANNERS[manner]
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN}
    told = Told()
    manager = HuggingFaceManager(project.top / "config.yaml", environ=environment, reporter=told)
    raised = []
    for call in (
        manager.list_versions,
        lambda: manager.upload_model(project.top / "model", "v1.1.0", allow_same=True),
        lambda: manager.download_model("v1.0.0", project.top / "got"),
    ):
        try:
            call()
        except Exception as error:  # answers that are none end in errors of every kind
            raised.append("".join(traceback.format_exception(error)))
    assert raised
    assert any(TOKEN in request for request in hub.requests)
    assert shown_in("\n".join([*raised, *told.notes, *told.warnings]), [TOKEN]) == []
