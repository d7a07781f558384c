"""Listing refs without the Hub client, and what is left to the client."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from hfver.adapters.hub_client import HubClient
from hfver.adapters.hub_listing import HubListing
from hfver.errors import UnreachableError
from tests.support.hub import HubForTests, running_hub
from tests.support.project import new_project


def no_client() -> HubClient:
    raise AssertionError("the client was asked for")


def listing_of(hub: HubForTests) -> HubListing:
    return HubListing(hub.endpoint, hub.token, no_client, agent="test", place="test")


def with_client(hub: HubForTests, endpoint: str | None = None) -> HubListing:
    client = HubClient(hub.endpoint, hub.token, library_version="0")
    return HubListing(endpoint or hub.endpoint, hub.token, lambda: client, agent="test", place="test")


@contextmanager
def serving(status: int, body: bytes, location: str = "") -> Iterator[tuple[str, list[str | None]]]:
    """A server that always gives this answer; yields its address and the tokens it was sent."""
    tokens: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            tokens.append(self.headers["Authorization"])
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", tokens
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_refs_are_those_the_client_lists_in_one_request_without_it(hub: HubForTests, kind: str) -> None:
    repo = hub.repo(repo_type=kind, private=True)
    hub.api.create_tag(repo, tag="v1.0.0", repo_type=kind)
    hub.api.create_branch(repo, branch="release/1.0", repo_type=kind)
    hub.forget_requests()
    found = listing_of(hub).refs(repo, repo_type=kind)
    assert hub.requests == [("GET", f"/api/{kind}s/{repo}/refs")]
    assert found is not None
    assert found == HubClient(hub.endpoint, hub.token, library_version="0").refs(repo, repo_type=kind)
    assert found.tags.keys() == {"v1.0.0"}


def test_a_missing_repository_is_none_because_the_client_says_so(hub: HubForTests) -> None:
    assert with_client(hub).refs(f"{hub.namespace}/nothing") is None


def test_an_error_is_the_clients_error(tmp_path: Path) -> None:
    with running_hub(tmp_path) as hub:
        repo = hub.repo()
        hub.faults.fail("GET", f"{repo}/refs", 503, times=2)
        with pytest.raises(UnreachableError, match="listing refs failed with HTTP 503"):
            with_client(hub).refs(repo)
        hub.faults.cut("GET", f"{repo}/refs", after_bytes=10)
        assert with_client(hub).refs(repo) is not None


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"branches": [], "tags": [{}]}', b'{"branches": 1, "tags": 2}'])
def test_an_answer_that_is_none_is_left_to_the_client(hub: HubForTests, body: bytes) -> None:
    repo = hub.repo()
    with serving(200, body) as (address, _):
        found = with_client(hub, address).refs(repo)
    assert found is not None
    assert found.branches.keys() == {"main"}


def test_a_redirect_does_not_get_the_token(hub: HubForTests) -> None:
    repo = hub.repo()
    empty = json.dumps({"branches": [], "tags": []}).encode()
    with serving(200, empty) as (elsewhere, leaked), serving(307, b"", f"{elsewhere}/x") as (address, asked):
        assert with_client(hub, address).refs(repo) is not None
    assert asked == [f"Bearer {hub.token}"]
    assert leaked == []


@pytest.mark.parametrize(("name", "value"), [("HF_HUB_OFFLINE", "1"), ("HTTP_PROXY", "http://127.0.0.1:9")])
def test_what_the_environment_changes_is_left_to_the_client(
    hub: HubForTests, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    repo = hub.repo()
    monkeypatch.setenv(name, value)
    with pytest.raises(AssertionError, match="the client was asked for"):
        listing_of(hub).refs(repo)


def test_status_of_what_is_known_asks_the_hub_once_and_never_loads_the_client(hub: HubForTests, tmp_path: Path) -> None:
    project = new_project(tmp_path / "project", hub, mirror=False)
    project.train({"config.json": "1"})
    project.tag("v1.0.0")
    project.release("v1.0.0")
    project.hub_state()  # the first time its history is listed, which takes the client
    hub.forget_requests()
    program = (
        "import os, sys\n"
        f"os.chdir({str(project.top)!r})\n"
        "from hfver.cli.main import run\n"
        "assert run(['status']) == 0\n"
        "print(sorted({'huggingface_hub', 'httpx2', 'dvc', 'git'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], env=project.environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "aligned" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
    assert hub.requests == [("GET", f"/api/models/{project.repo_id}/refs")]
