"""Who may get the user's token, and where a repository's configuration may reach."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hfver.errors import StateError, UnauthorisedError, UsageError
from hfver.trust import (
    Trust,
    find_token,
    may_reach_private_network,
    may_send_token,
    no_token_error,
    read_trust,
    require_trusted_url,
    require_writable,
    resolve_token,
    trust_file,
    write_trust,
)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {
        "HOME": str(tmp_path / "home"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "HF_HOME": str(tmp_path / "hf"),
    }


@pytest.mark.parametrize(
    ("endpoint", "more", "allowed"),
    [
        ("https://huggingface.co", {}, True),
        ("https://huggingface.co:443", {}, True),
        ("http://huggingface.co", {}, False),
        ("https://huggingface.co.evil.example", {}, False),
        ("https://evil.example/huggingface.co", {}, False),
        ("https://hub.example", {}, False),
        ("https://hub.example", {"HF_ENDPOINT": "https://hub.example/"}, True),
        ("https://hub.example:8443", {"HF_ENDPOINT": "https://hub.example"}, False),
        ("https://hub.example", {"HFVER_ENDPOINT": "https://hub.example"}, True),
        ("embedded", {"HFVER_ENDPOINT": "embedded"}, False),
        ("http://127.0.0.1:9999", {}, False),
    ],
)
def test_only_known_endpoints_get_a_token(
    environ: dict[str, str], endpoint: str, more: dict[str, str], allowed: bool
) -> None:
    environ = environ | more | {"HF_TOKEN": "secret"}
    assert may_send_token(endpoint, environ) is allowed
    assert resolve_token(endpoint, environ) == ("secret" if allowed else None)


def test_trust_is_kept_in_the_users_directory_and_can_be_taken_back(environ: dict[str, str]) -> None:
    path = write_trust(Trust().with_entry("https://hub.example/some/path").with_entry("/data/../data/backups"), environ)
    assert path == trust_file(environ)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_trust(environ) == Trust(("https://hub.example",), ("/data/backups",))
    assert may_send_token("https://hub.example", environ)
    write_trust(read_trust(environ).without_entry("https://hub.example"), environ)
    assert not may_send_token("https://hub.example", environ)
    with pytest.raises(UsageError, match="was not trusted"):
        read_trust(environ).without_entry("https://other.example")


@pytest.mark.parametrize(
    "entry", ["https://user:secret@hub.example", "hub.example", "./relative", "https://", "http://h:x"]
)
def test_what_is_no_server_or_absolute_path_cannot_be_trusted(entry: str) -> None:
    with pytest.raises(UsageError):
        Trust().with_entry(entry)


def test_a_server_may_be_named_by_its_ipv6_address(environ: dict[str, str]) -> None:
    write_trust(Trust().with_entry("https://[2001:db8::1]:8443/hook"), environ)
    known = read_trust(environ)
    assert known.urls == ("https://[2001:db8::1]:8443",)
    assert known.knows_url("https://[2001:db8::1]:8443/other")
    assert not known.knows_url("https://[2001:db8::2]:8443/")


def test_that_a_name_may_lead_into_a_private_network_is_said_of_it_alone(environ: dict[str, str]) -> None:
    url = "https://hooks.internal/x"
    write_trust(Trust().with_entry(url).with_entry("https://other.internal"), environ)
    assert not may_reach_private_network(url, environ)
    write_trust(read_trust(environ).with_entry(url, private_network=True), environ)
    assert read_trust(environ).urls == ("https://hooks.internal", "https://other.internal")
    assert may_reach_private_network("https://hooks.internal/y", environ)
    for other in ("https://other.internal", "https://hooks.internal:8443", "http://hooks.internal"):
        assert not may_reach_private_network(other, environ)
    write_trust(read_trust(environ).with_entry(url), environ)
    assert may_reach_private_network(url, environ), "what was said stays said"
    write_trust(read_trust(environ).without_entry(url), environ)
    assert read_trust(environ) == Trust(("https://other.internal",))


def test_an_address_localhost_and_the_users_own_variable_are_consent(environ: dict[str, str]) -> None:
    for url in (
        "http://10.0.0.5/x",
        "http://[::1]:8000/x",
        "smtp://localhost:25",
        "https://LOCALHOST./x",
        "https://[::ffff:7f00:1]",
    ):
        assert may_reach_private_network(url, environ)
    own = environ | {"HFVER_WEBHOOK_URL": "https://hooks.internal"}
    assert may_reach_private_network("https://hooks.internal", own, own="HFVER_WEBHOOK_URL")
    assert not may_reach_private_network("https://hooks.internal", own)


def test_a_trust_file_from_before_there_were_private_networks_is_read(environ: dict[str, str]) -> None:
    trust_file(environ).parent.mkdir(parents=True)
    trust_file(environ).write_text('{"paths": ["/data"], "urls": ["https://hooks.internal"]}')
    assert read_trust(environ) == Trust(("https://hooks.internal",), ("/data",))
    assert not may_reach_private_network("https://hooks.internal", environ)


def test_a_directory_is_in_no_network() -> None:
    with pytest.raises(UsageError, match="^/data is a directory; --private-network is said of a server$"):
        Trust().with_entry("/data", private_network=True)


def test_a_damaged_trust_file_is_named(environ: dict[str, str]) -> None:
    trust_file(environ).parent.mkdir(parents=True)
    trust_file(environ).write_text("{")
    with pytest.raises(StateError, match=re.escape(f"{trust_file(environ)}, which says what you trust, is damaged")):
        may_send_token("https://hub.example", environ)


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        "[]",
        "{}",
        '{"urls": "https://hub.example", "paths": []}',
        '{"urls": [1], "paths": []}',
        '{"urls": [], "paths": [], "private_network": 1}',
        "\0",
        "1",
    ],
    ids=lambda content: content[:12],
)
def test_whatever_stands_in_the_trust_file_nothing_is_trusted_by_it(environ: dict[str, str], content: str) -> None:
    path = trust_file(environ)
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(StateError) as told:
        may_send_token("https://hub.example", environ)
    assert told.value.hints[0] == f"mv {path} {path}.damaged"


def test_a_directory_in_its_place_is_named_too(environ: dict[str, str]) -> None:
    trust_file(environ).mkdir(parents=True)
    with pytest.raises(StateError, match="no regular file"):
        may_send_token("https://hub.example", environ)


def test_tokens_come_from_the_environment_and_then_from_the_login(environ: dict[str, str], tmp_path: Path) -> None:
    assert find_token(environ) is None
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "token").write_text("from-login\r\n")
    assert find_token(environ) == "from-login"
    assert find_token(environ | {"HUGGINGFACE_TOKEN": "legacy"}) == "legacy"
    assert find_token(environ | {"HUGGINGFACE_TOKEN": "legacy", "HF_TOKEN": " new\n"}) == "new"
    (tmp_path / "other").write_text("elsewhere")
    assert find_token(environ | {"HF_TOKEN_PATH": str(tmp_path / "other")}) == "elsewhere"
    assert find_token({"HOME": str(tmp_path)}) is None


def test_a_missing_token_is_explained(environ: dict[str, str]) -> None:
    untrusted = no_token_error("https://hub.example", environ | {"HF_TOKEN": "x"})
    assert "not trusted: no token is sent there" in untrusted.message
    assert untrusted.hints[0] == "hfver trust https://hub.example"
    assert no_token_error("https://huggingface.co", environ).hints[0] == "hf auth login"


def test_a_webhook_host_needs_trust_unless_the_user_named_it(environ: dict[str, str]) -> None:
    url = "https://chat.example/T0/secret"
    with pytest.raises(UnauthorisedError, match=r"goes to chat\.example, which") as caught:
        require_trusted_url(url, "the notification", environ, own="HFVER_WEBHOOK_URL")
    assert caught.value.hints == ["hfver trust https://chat.example"]
    assert "secret" not in str(caught.value)
    require_trusted_url(url, "the notification", environ | {"HFVER_WEBHOOK_URL": url}, own="HFVER_WEBHOOK_URL")
    write_trust(Trust().with_entry("https://chat.example"), environ)
    require_trusted_url(url, "the notification", environ)


def test_paths_outside_the_repository_need_trust(environ: dict[str, str], tmp_path: Path) -> None:
    top = tmp_path / "repo"
    (top / ".git").mkdir(parents=True)
    outside = tmp_path / "outside"
    assert require_writable(Path("./backups"), top, "the backup", environ) == top / "backups"
    for path in (outside, Path("../outside"), Path(".git/hooks"), Path("~/x")):
        with pytest.raises(UnauthorisedError, match="without your trust"):
            require_writable(path, top, "the backup", environ)
    (top / "link").symlink_to(outside)
    with pytest.raises(UnauthorisedError):
        require_writable(Path("link/x"), top, "the backup", environ)
    own = environ | {"HFVER_CACHE_DIR": str(outside)}
    assert require_writable(outside, top, "the cache", own, own="HFVER_CACHE_DIR") == outside
    write_trust(Trust().with_entry(str(outside)), environ)
    assert require_writable(Path("../outside/a"), top, "the backup", environ) == outside / "a"
