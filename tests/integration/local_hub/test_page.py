"""The pages of the embedded hub, as a browser asks for them."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from hfver.local_hub.serve import EmbeddedHub
from tests.support.hub import HubForTests

CARD = b"""---
license: mit
tags: [tiny]
---
# Title <script>alert('card')</script>

<img src="x.png" onerror="alert(1)"> <a href="javascript:alert(1)" onclick="x()">bad</a> <style>*{}</style>
[config](config.json) ![plot](plots/a.png) [up](../../../etc) <iframe src="http://evil"></iframe> [web](https://example.org)
"""
HOSTILE = '<b onload="x">&"\'.txt'
RECEIPT = {
    "version": "1.0.0",
    "git": {"commit": "abc", "remote": "<script>alert(2)</script>"},
    "model": {"path": "model", "size": 1234567, "nfiles": 2, "md5": "d41d8cd9"},
    "metrics": {"accuracy": 0.91, "eval": {"f1": 0.5}},
}


@pytest.fixture
def repo(hub: HubForTests) -> str:
    repo = hub.repo()
    files = {
        "README.md": CARD,
        HOSTILE: b"<script>alert('file')</script>",
        "sub dir/x#.txt": b"x",
        ".hfver/release.json": json.dumps(RECEIPT).encode(),
        "w.bin": bytes(2 << 20),
    }
    operations = [CommitOperationAdd(path, data) for path, data in files.items()]
    message = "v1.0.0: <script>alert('title')</script>"
    hub.api.create_commit(repo, operations, commit_message=message, commit_description="Why.\n\nGit-Tag: v1.0.0")
    hub.api.create_tag(repo, tag="v1.0.0")
    hub.api.create_branch(repo, branch="feature/x")
    hub.api.create_commit(repo, [CommitOperationAdd("n.txt", b"new\n")], commit_message="<i>pr</i>", create_pr=True)
    return repo


def get(hub: HubForTests, path: str, **options: object) -> httpx2.Response:
    return httpx2.get(f"{hub.endpoint}{path}", **options)  # type: ignore[arg-type]


class Links(HTMLParser):
    """Every address on a page, and every tag."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value for name, value in attrs if name in ("href", "src") and value]


def parsed(text: str) -> Links:
    links = Links()
    links.feed(text)
    return links


def test_every_page_reached_by_links_is_harmless_html(hub: HubForTests, repo: str) -> None:
    waiting, seen = [f"/{repo}"], set()
    while waiting:
        path = waiting.pop()
        if path in seen or "/resolve/" in path or path == "/login":
            continue
        seen.add(path)
        answer = get(hub, path)
        assert answer.status_code == 200 or "plots/" in path or "config.json" in path, path
        if path.startswith("/assets/"):
            continue
        page = parsed(answer.text)
        assert not page.tags & {"script", "iframe", "object", "style"}, path
        assert not {name for name in page.attributes if name.startswith("on")}, path
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert not [address for address in page.addresses if address.lower().startswith("javascript:")]
        waiting += [address for address in page.addresses if address.startswith(f"/{repo}")]
    assert {f"/{repo}", f"/{repo}/tree/v1.0.0", f"/{repo}/tree/feature%2Fx", f"/{repo}/refs"} <= seen
    assert f"/{repo}/discussions/1" in seen
    assert f"/{repo}/blob/main/sub%20dir/x%23.txt" in seen
    assert len(seen) > 15


def test_the_card_is_rendered_with_links_into_the_repo(hub: HubForTests, repo: str) -> None:
    page = parsed(get(hub, f"/{repo}").text)
    assert f"/{repo}/blob/main/config.json" in page.addresses
    assert f"/{repo}/resolve/main/plots/a.png" in page.addresses
    assert "https://example.org" in page.addresses
    assert not [address for address in page.addresses if "etc" in address]


def test_a_release_shows_its_receipt(hub: HubForTests, repo: str) -> None:
    text = get(hub, f"/{repo}/tree/v1.0.0").text
    for shown in ("Release", "1.0.0", "1.2 MB", "eval.f1", "0.91", "&lt;script&gt;alert(2)"):
        assert shown in text, shown


@pytest.mark.parametrize(
    "receipt", [b"[]", b"{", b'{"git": 3, "metrics": [1], "model": {"size": "x"}}', b"[" * 100_000]
)
def test_a_broken_receipt_does_not_break_the_page(hub: HubForTests, receipt: bytes) -> None:
    repo = hub.repo()
    hub.api.upload_file(path_or_fileobj=receipt, path_in_repo=".hfver/release.json", repo_id=repo)
    assert get(hub, f"/{repo}/tree/main").status_code == 200


def test_commits_show_their_trailers(hub: HubForTests, repo: str) -> None:
    text = get(hub, f"/{repo}/commits/main").text
    assert "<dt>Git-Tag</dt><dd>v1.0.0</dd>" in text
    assert "&lt;script&gt;alert(&#x27;title&#x27;)" in text


def test_a_commit_address_from_the_api_leads_to_a_page(hub: HubForTests, repo: str) -> None:
    commit = hub.api.upload_file(path_or_fileobj=b"1", path_in_repo="one.txt", repo_id=repo)
    text = httpx2.get(commit.commit_url).text
    assert "one.txt" in text
    assert "added" in text


def test_a_long_patch_ends_with_the_file_that_exceeds_the_bound(
    hub: HubForTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = hub.repo()
    operations = [CommitOperationAdd(f"{name}.txt", b"line\n" * 50) for name in "abc"]
    hub.api.create_commit(repo, operations, commit_message="m", create_pr=True)
    assert (hub.api.get_discussion_details(repo, 1).diff or "").count("diff --git") == 3
    monkeypatch.setattr("hfver.local_hub.routes.discussions.LONGEST_DIFF", 500)
    assert (hub.api.get_discussion_details(repo, 1).diff or "").count("diff --git") == 2


def test_private_repos_are_shown_after_signing_in_only(hub: HubForTests) -> None:
    repo = hub.repo("secret", private=True)
    assert repo.rpartition("/")[2] not in get(hub, f"/?q={hub.namespace}").text
    refused = get(hub, f"/{repo}")
    assert (refused.status_code, "signing in" in refused.text) == (401, True)
    assert "hfver hub token" in refused.text
    challenge = get(hub, "/login")
    assert (challenge.status_code, challenge.headers["WWW-Authenticate"].split()[0]) == (401, "Basic")
    signed = ("me", hub.token)
    assert get(hub, "/login", auth=signed).status_code == 303
    assert get(hub, f"/{repo}", auth=signed).status_code == 200
    assert "secret" in get(hub, f"/?q={hub.namespace}", auth=signed).text
    assert get(hub, f"/{repo}", auth=("me", "wrong")).status_code == 401


def test_a_hub_with_only_private_repos_does_not_say_that_it_is_empty(tmp_path: Path) -> None:
    with EmbeddedHub(tmp_path / "store") as own:
        signed = ("me", own.token)
        assert "Nothing has been pushed" in httpx2.get(f"{own.endpoint}/", auth=signed).text
        HfApi(own.endpoint, token=own.token).create_repo("me/secret", private=True)
        stranger = httpx2.get(f"{own.endpoint}/").text
        assert ("Nothing has been pushed" in stranger, "signing in" in stranger) == (False, True)
        assert "secret" not in stranger
        assert "signing in" not in httpx2.get(f"{own.endpoint}/?q=nothing-like-it", auth=signed).text


def test_a_browsers_password_cannot_change_anything(hub: HubForTests) -> None:
    """A form on a foreign page would be sent with the password the browser remembers."""
    repo = hub.repo()
    answer = httpx2.post(f"{hub.endpoint}/api/models/{repo}/branch/evil", auth=("me", hub.token), json={})
    assert answer.status_code == 401
    assert [branch.name for branch in hub.api.list_repo_refs(repo).branches] == ["main"]


def test_unknown_addresses_are_pages_too(hub: HubForTests, repo: str) -> None:
    for path, status in ((f"/{repo}/tree/gone", 404), (f"/{repo}/blob/main/gone", 404), (f"/{repo}x", 401)):
        answer = get(hub, path)
        assert answer.status_code == status
        assert answer.headers["Content-Type"].startswith("text/html")


def test_names_of_routes_are_no_repositories(hub: HubForTests) -> None:
    for path, status in (("/api/something", 501), ("/v1/something", 404), ("/datasets/api/x/tree/main", 404)):
        answer = get(hub, path)
        assert answer.status_code == status, path
        assert isinstance(answer.json(), dict)


def test_a_password_that_is_no_longer_right_still_leads_to_signing_in(hub: HubForTests) -> None:
    answer = get(hub, "/", auth=("me", "old"))
    assert (answer.status_code, "Sign in" in answer.text) == (200, True)


def test_a_moved_repo_leads_to_its_new_page(hub: HubForTests, repo: str) -> None:
    hub.api.move_repo(repo, f"{hub.namespace}/renamed")
    answer = get(hub, f"/{repo}/tree/main", follow_redirects=True)
    assert answer.status_code == 200
    assert str(answer.url).endswith(f"{hub.namespace}/renamed/tree/main")


def test_datasets_and_spaces_have_pages(hub: HubForTests) -> None:
    hub.api.create_repo(f"{hub.namespace}/data", repo_type="dataset")
    text = get(hub, f"/datasets/{hub.namespace}/data").text
    assert "--repo-type dataset" in text
    assert get(hub, f"/datasets/{hub.namespace}/data/tree/main").status_code == 200


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium")
def test_a_real_browser_draws_the_page_without_overflow(hub: HubForTests, repo: str, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    options += ["--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}"]
    options += ["--window-size=500,900", f"--screenshot={picture}"]
    subprocess.run(
        ["chromium", *options, f"{hub.endpoint}/{repo}/tree/v1.0.0"],
        check=True,
        capture_output=True,
        env=dict(os.environ),
    )
    header = picture.read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    asked = {re.sub(r"\?.*", "", path) for _, path in hub.requests}
    assert {f"/{repo}/tree/v1.0.0", "/assets/style.css"} <= asked


def test_basic_auth_with_garbage_is_an_ordinary_refusal(hub: HubForTests) -> None:
    for value in ("Basic !!!", "Basic " + base64.b64encode(b"\xff:\xff").decode(), "Digest x", "Bearer"):
        answer = get(hub, "/api/whoami-v2", headers={"Authorization": value})
        assert answer.status_code == 401, value
