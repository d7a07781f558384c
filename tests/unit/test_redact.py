"""No secret in any text, be it known or not."""

from __future__ import annotations

import base64
import json
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hfver.errors import StateError
from hfver.redact import redact, redact_all, redact_json, redacted_errors
from hfver.secret_values import KNOWN

TOKEN = "hf_" + "aB3" * 12
PLAIN = "plainSelfHostedToken0123456789"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_123"
SIGNED = "https://bucket.s3.amazonaws.com/ab/cdef"

FORMS = [
    (f"401 for {TOKEN}!", "401 for [hidden]!"),
    (f"Authorization: Bearer {TOKEN}", "Authorization: Bearer [hidden]"),
    ("authorization='Bearer abc.def'", "authorization='Bearer [hidden]'"),
    ("https://ann:hunter2@host/x y", "https://host/x y"),
    (f"bad hf_oauth_{'aB3_' * 12}", "bad [hidden]"),
    ("bad api_org_" + "aB3" * 12, "bad [hidden]"),
    # headers as programs print them
    ("{'Authorization': 'Basic bWU6cHc='}", "{'Authorization': 'Basic [hidden]'}"),
    ("(b'authorization', b'Bearer abc')", "(b'authorization', b'Bearer [hidden]')"),
    ('{\\"authorization\\": \\"token abc\\"}', '{\\"authorization\\": \\"token [hidden]\\"}'),
    ("Proxy-Authorization: Basic bWU6cHc=", "Proxy-Authorization: Basic [hidden]"),
    ("not valid here: Bearer selfhosted0123", "not valid here: Bearer [hidden]"),
    ("not valid here: basic bWU6cHc=", "not valid here: basic [hidden]"),
    # addresses
    ("http://me@proxy:3128 and https://a:b@c:d@host", "http://proxy:3128 and https://host"),
    ("fatal: unable to access 'https://x-access-token:abc@host/r.git/'", "fatal: unable to access 'https://host/r.git/'"),
    ("ssh://git:pw@host/x", "ssh://git@host/x"),
    ("/cb?code=1&access_token=abc&x=2", "/cb?code=1&access_token=[hidden]&x=2"),
    ("https://host/x?token=abc'", "https://host/x?token=[hidden]'"),
    ("https://host/x%3Ftoken%3Dabc", "https://host/x%3Ftoken%3D[hidden]"),
    # presigned addresses
    (f"{SIGNED}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=me%2Fus&X-Amz-Signature=0a1b&x-id=GetObject",
     f"{SIGNED}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=[hidden]&X-Amz-Signature=[hidden]&x-id=GetObject"),
    (f"{SIGNED}?AWSAccessKeyId=me&Signature=a%2Bb&Expires=1",
     f"{SIGNED}?AWSAccessKeyId=[hidden]&Signature=[hidden]&Expires=1"),
    ("https://a.blob.core.windows.net/c/o?sv=2024&sig=a%2Bb%3D&se=1",
     "https://a.blob.core.windows.net/c/o?sv=2024&sig=[hidden]&se=1"),
    ("https://storage.googleapis.com/b/o?X-Goog-Credential=me&amp;X-Goog-Signature=0a",
     "https://storage.googleapis.com/b/o?X-Goog-Credential=[hidden]&amp;X-Goog-Signature=[hidden]"),
    ('{"url":"https://s3/x?a=1\\u0026X-Amz-Signature=0a1b"}', '{"url":"https://s3/x?a=1\\u0026X-Amz-Signature=[hidden]"}'),
    ("x-amz-security-token: abc/def", "x-amz-security-token: [hidden]"),
    ("AccountName=me;AccountKey=a+b/c==;EndpointSuffix=x", "AccountName=me;AccountKey=[hidden];EndpointSuffix=x"),
    # what services answer
    ('{"access_token": "abcdefgh", "expires": 3600}', '{"access_token": "[hidden]", "expires": 3600}'),
    ("{'password': 'correct-horse'}", "{'password': '[hidden]'}"),
    ("InvalidAccessKeyId: AKIAIOSFODNN7EXAMPLE", "InvalidAccessKeyId: [hidden]"),
    (f"cas said no to {JWT}", "cas said no to [hidden]"),
    ("bad ghp_" + "a1" * 18, "bad [hidden]"),
    ("bad glpat-" + "a1" * 10, "bad [hidden]"),
    ("POST https://hooks.slack.com/services/T0/B0/abc: 404", "POST https://hooks.slack.com/services/[hidden]: 404"),
    ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
     "-----BEGIN RSA PRIVATE KEY-----[hidden]-----END RSA PRIVATE KEY-----"),
]  # fmt: skip

HARMLESS = [
    "hf_hub_download and hf_xet stay",
    "hf_raise_for_status(response); hf_hub_download_with_retries2",
    'export HF_ENDPOINT=http://127.0.0.1:8000 HF_TOKEN="$(hfver hub token)"',
    "Bearer authentication is needed; the bearer token is missing",
    'WWW-Authenticate: Bearer realm="hub", error="invalid_token"',
    "Basic authentication failed for user me",
    "HTTP basic auth",
    "ssh://git@host/me/repo and git@host:me/repo",
    "https://host/@user/page?mail=me@host",
    "https://huggingface.co/me/bert/tree/v1.0.0 (see token=... in the docs)",
    'tokenizer: {"pad_token": "[PAD]", "token": "<s>", "eos_token": "</s>"}',
    "authorization: required",
    "configs/train.yaml:3:1: learning_rate: expected a number, got \"fast\"",
    "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "eyJ is how base64 of JSON begins; AKIA is not a key",
    "set HF_TOKEN to a token with write access, or run `hf auth login`",
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FORMS)
def test_what_has_the_form_of_a_secret_leaves_a_text(text: str, expected: str) -> None:
    assert redact(text) == expected
    assert redact(f"a\n{text}\nb") == f"a\n{expected}\nb"


@pytest.mark.parametrize("text", [text for text, _ in FORMS])
def test_redacted_text_stays_as_it_is(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("page", sorted((Path(__file__).parents[2] / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_so_does_every_page_of_the_documentation(page: Path) -> None:
    """What commands print is in them, word by word."""
    text = page.read_text(encoding="utf-8")
    assert redact(text) == text


@given(
    st.lists(st.sampled_from([*(text for text, _ in FORMS), *HARMLESS, PLAIN]), max_size=4),
    st.lists(st.text(alphabet="ab1 :/@=&?'\"{}\\\n", max_size=12), min_size=5, max_size=5),
)
def test_no_known_secret_stays_whatever_stands_around_it(texts: list[str], between: list[str]) -> None:
    KNOWN.add(PLAIN)
    text = "".join(part for pair in zip(between, [*texts, ""] + [""] * 4, strict=False) for part in pair)
    found = redact(text)
    assert PLAIN not in found
    assert redact(found) == found


def test_a_known_value_is_hidden_before_the_form_around_it_is_looked_at() -> None:
    KNOWN.add("two words: and a sign")
    assert redact("Bearer two words: and a sign!") == "Bearer [hidden]!"


def test_a_password_is_hidden_once_in_what_is_made_of_it() -> None:
    KNOWN.add(PLAIN)
    encoded = base64.b64encode(f"me:{PLAIN}".encode()).decode()
    assert redact(f"bad Basic {encoded}!") == "bad Basic [hidden]!"


def test_an_address_that_is_a_secret_is_one_without_its_password_too() -> None:
    KNOWN.add("https://hooks.example/a-long-path")
    assert redact("https://me:pw@hooks.example/a-long-path") == "[hidden]"


@given(st.lists(st.sampled_from([*(text for text, _ in FORMS), *HARMLESS]), max_size=8))
def test_many_texts_are_redacted_as_each_of_them_is(texts: list[str]) -> None:
    assert list(redact_all(texts)) == [redact(text) for text in texts]


def json_values() -> st.SearchStrategy[Any]:
    texts = st.sampled_from([*(text for text, _ in FORMS), *HARMLESS, 'quoted "', "back\\slash"])
    plain = st.none() | st.booleans() | st.integers() | texts
    return st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))


@given(json_values())
def test_json_keeps_its_shape(value: Any) -> None:
    found = redact_json(value)
    assert type(found) is type(value)
    assert json.loads(json.dumps(found)) == found
    assert redact(json.dumps(found)).count("hunter2") == 0


def test_names_in_json_are_texts_as_well() -> None:
    assert redact_json({f"x {TOKEN}": [TOKEN, 1, {"a": f"b {TOKEN}"}]}) == {
        "x [hidden]": ["[hidden]", 1, {"a": "b [hidden]"}]
    }


def test_errors_hold_no_secret_from_the_start() -> None:
    KNOWN.add(PLAIN)
    error = StateError(f"403: not valid here: {PLAIN}", hints=[f"hfver trust https://me:{PLAIN}@host"])
    assert (str(error), error.message) == ("403: not valid here: [hidden]",) * 2
    assert error.args == ("403: not valid here: [hidden]",)
    assert error.hints == ["hfver trust https://host"]


def test_neither_do_what_caused_them_and_their_notes() -> None:
    KNOWN.add(PLAIN)

    def answer() -> None:
        try:
            try:
                raise KeyError(f"Bearer {PLAIN}")
            except KeyError as error:
                raise OSError(5, f"refused {PLAIN}", f"/x/{PLAIN}") from error
        except OSError as error:
            error.add_note(f"sent: {PLAIN}")
            raise StateError("the Hub refused") from error

    with pytest.raises(StateError) as caught, redacted_errors():
        answer()
    shown = "".join(traceback.format_exception(caught.value))
    assert PLAIN not in shown
    for words in ("KeyError", "OSError: [Errno 5] refused [hidden]", "sent: [hidden]", "raise OSError(5"):
        assert words in shown


def test_a_mistake_of_ours_holds_none_either() -> None:
    KNOWN.add(PLAIN)
    with pytest.raises(LookupError) as caught, redacted_errors():
        try:
            raise ValueError(PLAIN)
        except ValueError:
            error = LookupError(f"no {PLAIN}", 3)
            error.add_note(PLAIN)
            raise error  # noqa: B904 (the other one is its context)
    assert caught.value.args == ("no [hidden]", 3)
    assert PLAIN not in "".join(traceback.format_exception(caught.value))


def test_a_cause_without_a_secret_is_left_alone() -> None:
    cause = ValueError("nothing secret")
    with pytest.raises(StateError) as caught, redacted_errors():
        raise StateError("no") from cause
    assert caught.value.__cause__ is cause


def test_errors_that_caused_each_other_come_to_an_end() -> None:
    first, second = ValueError("one"), ValueError("two")
    first.__cause__, second.__cause__ = second, first
    with pytest.raises(ValueError, match="one"), redacted_errors():
        raise first


@given(st.text(max_size=200))
def test_any_text_can_be_redacted(text: str) -> None:
    assume("hf_" not in text)
    found = redact(text)
    assert redact(found) == found
