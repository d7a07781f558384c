"""What no honest client sends is refused in words, breaks nothing, and above all nothing for others."""

from __future__ import annotations

import base64
import json

import pytest

from tests.support.hub import HubForTests
from tests.support.raw_http import call

HALF = "\ud800"


def ask(hub: HubForTests, method: str, path: str, body: object = None) -> int:
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    status, answer, _ = call(method, hub.endpoint + path, data, Authorization=f"Bearer {hub.token}")
    assert status not in (500, 503), answer
    return status


def commit(hub: HubForTests, repo: str, key: str, value: dict[str, str], summary: str = "m") -> int:
    lines = [{"key": "header", "value": {"summary": summary}}, {"key": key, "value": value}]
    return ask(hub, "POST", f"/api/models/{repo}/commit/main", "\n".join(map(json.dumps, lines)).encode())


@pytest.mark.parametrize(
    "metadata",
    [b'license: "\\ud800"', b"x: 0x" + b"f" * 5000, b"0x" + b"f" * 5000 + b": 1", b'tags: ["\\udfff"]\n"\\ud800": 1'],
)
def test_a_card_that_json_cannot_say_does_not_break_the_list_of_all_repositories(
    hub: HubForTests, metadata: bytes
) -> None:
    repo = hub.repo()
    card = base64.b64encode(b"---\n" + metadata + b"\n---\n").decode()
    assert commit(hub, repo, "file", {"path": "README.md", "content": card, "encoding": "base64"}) == 200
    assert hub.api.model_info(repo).id == repo
    assert [found.id for found in hub.api.list_models(author=hub.namespace)] == [repo]
    assert ask(hub, "GET", f"/{repo}") == 200


def test_half_a_character_is_refused_wherever_a_text_is_expected(hub: HubForTests) -> None:
    repo = hub.repo()
    assert commit(hub, repo, "file", {"path": "a", "content": HALF}) == 400
    assert commit(hub, repo, "deletedFile", {"path": ".gitattributes"}, summary=HALF) == 400
    api = f"/api/models/{repo}"
    assert ask(hub, "POST", f"{api}/tag/main", {"tag": HALF}) == 400
    assert ask(hub, "POST", f"{api}/tag/main", {"tag": "v1", "message": HALF}) == 400
    assert ask(hub, "POST", f"{api}/branch/b", {"startingPoint": HALF}) == 400
    assert ask(hub, "POST", f"{api}/discussions", {"title": HALF}) == 400
    assert ask(hub, "POST", "/api/repos/create", {"name": HALF}) == 400
    assert ask(hub, "DELETE", "/api/repos/delete", {"name": HALF}) == 400
    assert ask(hub, "POST", "/api/repos/move", {"fromRepo": f"{HALF}/a", "toRepo": "a/b"}) == 400


def test_a_name_does_not_end_at_its_first_nul(hub: HubForTests) -> None:
    repo = hub.repo()
    api = f"/api/models/{repo}"
    assert ask(hub, "GET", f"{api}/revision/main%00x") == 404
    assert ask(hub, "DELETE", f"{api}/branch/main%00") == 404
    assert ask(hub, "POST", f"{api}/branch/b%00c", {}) == 400
    assert ask(hub, "POST", f"{api}/tag/main", {"tag": "v\0"}) == 400
    assert ask(hub, "GET", f"{api}/tree/main/a%00b%01") == 404
    refs = hub.api.list_repo_refs(repo)
    assert ([branch.name for branch in refs.branches], refs.tags) == (["main"], [])


def test_numbers_and_digests_of_any_shape_are_refused(hub: HubForTests) -> None:
    repo = hub.repo()
    for number in ("99999999999999999999", "9" * 5000):
        assert ask(hub, "GET", f"/api/models/{repo}/discussions/{number}") == 501
        assert ask(hub, "GET", f"/{repo}/discussions/{number}") == 404
    files = [{"sha256": "zz"}]
    assert ask(hub, "POST", f"/api/models/{repo}/lfs-files/duplicate", {"files": files}) == 400
    bob = hub.server.hub.accounts.add(f"bob{hub.namespace}")
    headers = {"Authorization": f"Bearer {hub.server.hub.accounts.issue_token(bob)}"}
    url = f"{hub.endpoint}/api/models/{repo}/commit/refs%2Fpr%2F99999999999999999999"
    assert call("POST", url, b"", **headers)[0] == 403


def test_a_form_of_millions_of_fields_is_refused_before_it_is_taken_apart(hub: HubForTests) -> None:
    repo = hub.repo()
    assert ask(hub, "POST", f"/api/models/{repo}/paths-info/main", b"a&" * 50_001) == 400


def test_a_commit_of_endless_operations_is_refused(hub: HubForTests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hfver.local_hub.commit_body.MOST_OPERATIONS", 10)
    line = json.dumps({"key": "deletedFile", "value": {"path": "a"}})
    header = json.dumps({"key": "header", "value": {"summary": "m"}})
    body = "\n".join([header, *[line] * 11]).encode()
    assert ask(hub, "POST", f"/api/models/{hub.repo()}/commit/main", body) == 413
