"""Secrets known by their value: found in every spelling, and nothing else is."""

from __future__ import annotations

import base64
import html
import json
import random
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from hfver.secret_values import SecretValues

PLAIN = "plainSelfHostedToken0123456789"
ODD = "p@ss w/rd&\"x'\\ü<é>#%+=\U0001f511"


def replaced(text: str, *values: str) -> str:
    known = SecretValues()
    for value in values:
        known.add(value)
    return known.replaced(text, "[hidden]")


def basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda value: value,
    "percent-encoded": lambda value: quote(value, safe=""),
    "percent-encoded but for slashes": quote,
    "percent-encoded, small letters": lambda value: quote(value, safe="").replace("%2F", "%2f").replace("%26", "%26"),
    "in a form": quote_plus,
    "JSON": lambda value: json.dumps(value)[1:-1],
    "JSON, all characters": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    "JSON in JSON": lambda value: json.dumps(json.dumps(value)),
    "repr": repr,
    "repr of the repr": lambda value: repr(repr(value)),
    "ascii": ascii,
    "repr of bytes": lambda value: repr(value.encode()),
    "HTML": html.escape,
    "HTML, numbered": lambda value: value.encode("ascii", "xmlcharrefreplace").decode(),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 for addresses": lambda value: base64.urlsafe_b64encode(f"a:{value}".encode()).decode(),
    "base64 in an address": lambda value: quote(base64.b64encode(f"ab{value}c".encode()).decode(), safe=""),
}


@pytest.mark.parametrize("value", [PLAIN, ODD, "hunter22", "0123456789abcdef"], ids=ascii)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_is_found_however_it_is_spelt(value: str, spelling: str) -> None:
    found = replaced(f"said: <{SPELLINGS[spelling](value)}>, and no more", value)
    assert "[hidden]" in found
    for part in (value[:5], value[-5:]):
        assert part not in found
    assert found.startswith("said: <")
    assert found.endswith(">, and no more")


@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "someone"])
def test_basic_authorization_gives_no_password_away(user: str) -> None:
    found = replaced(f"Basic {basic(user, PLAIN)}", PLAIN)
    readable = base64.b64decode(found.removeprefix("Basic ").partition("[hidden]")[0] + "==")
    assert "[hidden]" in found
    assert len(readable) <= len(user) + 2


@settings(deadline=None)
@given(st.text(min_size=16, max_size=40), st.text(max_size=20), st.text(max_size=20))
@example("aaaaaaaaaaaaaaaa1", "a", "a1")
@example("\\" * 16, "\\", "\\")
def test_no_text_holds_a_known_value(value: str, before: str, after: str) -> None:
    value = value.strip()
    assume(len(value) >= 16 and "hidden" not in value)  # shorter ones may be words: see below
    found = replaced(before + value + after, value)
    # What is left and right of a secret may become one together with the word in its place, and only with that.
    assert all(value not in part for part in found.split("[hidden]"))
    assert replaced(found, value) == found


@given(st.text(alphabet="abcXYZ019_-./:@ \n", max_size=300))
def test_other_text_stays_as_it_is(text: str) -> None:
    assume(PLAIN not in text)
    assert replaced(text, PLAIN, ODD) == text


@given(st.lists(st.text(alphabet="ab1-", min_size=8, max_size=12), max_size=6), st.text(alphabet="ab1-", max_size=80))
def test_of_secrets_that_overlap_none_is_left(values: list[str], text: str) -> None:
    found = replaced(text, *values)
    left = [value for value in values if any(value in part for part in found.split("[hidden]"))]
    assert all(value.strip("ab") == "" or value.isdigit() for value in left), left  # words: next to other letters


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        ("abc", "abc", "abc"),
        ("test", "a test of tests", "a test of tests"),
        ("none", "none", "none"),
        ("1234", "port 1234", "port 1234"),
        ("s3cr3t", "s3cr3t, but as3cr3tb", "[hidden], but as3cr3tb"),
        ("password", "the passwords: password", "the passwords: [hidden]"),
        ("12345678", "sha 012345678, id 12345678", "sha 012345678, id [hidden]"),
        ("correcthorsebatterystaple", "xcorrecthorsebatterystaplex", "x[hidden]x"),
        ("", "", ""),
    ],
)
def test_what_may_be_a_word_is_taken_out_as_a_word_or_not_at_all(value: str, text: str, expected: str) -> None:
    assert replaced(text, value) == expected


def test_white_space_around_a_value_is_no_part_of_it() -> None:
    assert replaced(f"a {PLAIN} b", f" {PLAIN}\n") == "a [hidden] b"


def test_a_secret_within_another_does_not_keep_half_of_it() -> None:
    assert replaced("abcdefgh-12345678", "abcdefgh-1", "abcdefgh-12345678") == "[hidden]"


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("http://me:pass-word1@proxy:3128", "pass-word1"),
        ("http://me:p%40ssword@proxy:3128", "p@ssword"),
        ("http://me:p%40ssword@proxy:3128", "p%40ssword"),
        ("https://me:what?#ever1@host/x", "what?#ever1"),
        ("https://0123456789abcdef0123@host/x", "0123456789abcdef0123"),
    ],
)
def test_the_password_of_an_address_is_known(url: str, secret: str) -> None:
    known = SecretValues()
    known.add_address(url)
    assert known.replaced(f"said {secret}.", "[hidden]") == "said [hidden]."


@pytest.mark.parametrize(
    "url", ["https://host/a@b", "git@host:me/repo", "ssh://git@host/x", "https://john.smith@host", "me:secret-1@host"]
)
def test_an_address_without_a_password_holds_no_secret(url: str) -> None:
    known = SecretValues()
    known.add_address(url)
    assert known.replaced(url, "[hidden]") == url


@pytest.mark.parametrize(
    "name",
    [
        "HF_TOKEN", "HUGGINGFACE_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HFVER_WEBHOOK_TOKEN", "HFVER_SMTP_PASSWORD",
        "HFVER_SIGNING_PASSPHRASE", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN",
        "AZURE_STORAGE_KEY", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_SAS_TOKEN", "WANDB_API_KEY",
        "HFVER_WEBHOOK_URL",
        "access_key_id", "secret_access_key", "password", "sas_token", "connection_string", "account_key",
        "gdrive_client_secret", "oss_key_secret",
    ],
)  # fmt: skip
def test_secrets_are_known_by_the_names_of_variables_and_of_dvc_options(name: str) -> None:
    known = SecretValues()
    known.add_named({name: "value-0123"})
    assert known.replaced("a value-0123 b", "[hidden]") == "a [hidden] b"


@pytest.mark.parametrize("name", ["HF_ENDPOINT", "HOME", "TOKENIZERS_PARALLELISM", "HF_TOKEN_PATH", "SSH_AUTH_SOCK"])
def test_other_variables_hold_no_secret(name: str) -> None:
    known = SecretValues()
    known.add_named({name: "value-0123"})
    assert known.replaced("a value-0123 b", "[hidden]") == "a value-0123 b"


def test_a_variable_that_says_where_a_secret_is_holds_none(tmp_path: Path) -> None:
    place = str(tmp_path)
    known = SecretValues()
    known.add_named({"GOOGLE_APPLICATION_CREDENTIALS": place})
    assert known.replaced(place, "[hidden]") == place


def test_the_path_of_a_webhook_is_as_secret_as_its_address() -> None:
    known = SecretValues()
    known.add_named({"HFVER_WEBHOOK_URL": "https://hooks.example/services/T01/B02/0123456789"})
    assert known.replaced("POST /services/T01/B02/0123456789", "-") == "POST /-"


def test_text_without_a_secret_is_searched_for_marks_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pattern costs some 20 ns for each character of a listing of ten thousand versions."""
    known = SecretValues()
    for value in (PLAIN, "with-signs-only", basic("me", "secret!")):
        known.add(value)
    monkeypatch.setattr("hfver.secret_values._pattern", None)
    text = " ".join(f"v1.{number}.0 {random.Random(number).getrandbits(160):040x}" for number in range(1000))
    assert known.replaced(text, "[hidden]") == text
