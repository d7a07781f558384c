"""Secrets never reach the configs repository."""

from __future__ import annotations

import hashlib
import json

import pytest

from hfver.errors import RefusedError
from hfver.mirror.secret_scan import Finding, refuse_secrets, scan

TOKEN = "hf_" + "aBcD1234" * 5
AWS = "AKIA" + "IOSFODNN7EXAMPL3"
CLEAN = b"""\
model: bert-base-uncased
lr: 1.0e-4
commit: 4b825dc642cb6eb9a060e54bf8d69288fbee4904
md5: 9a0364b9e99bb480dd25e1f0284c8555.dir
tokenizer: {max_tokens: 512, pad_token: "<pad>"}
host: 192.168.1.10
api_key: ${API_KEY}
email: someone@example.com
"""


def test_ordinary_configuration_is_clean() -> None:
    files = {"config.yaml": CLEAN, "dvc.lock": CLEAN, "plot.png": b"\x89PNG\0" + TOKEN.encode(), "x": b"\xff\xfe"}
    assert scan(files) == []


@pytest.mark.parametrize(
    ("path", "line", "kind"),
    [
        ("configs/a.yaml", f"token: {TOKEN}", "Hugging Face token"),
        ("configs/a.yaml", f"aws: {AWS}", "AWS Access Key"),
        ("configs/a.yaml", 'password: "correct-horse-battery"', "Secret Keyword"),
        ("configs/a.json", '{"api_key": "correct-horse-battery"}', "Secret Keyword"),
        ("configs/密.ini", "[db]\nurl = postgres://ann:hunter22@db.example/x", "Basic Auth Credentials"),
        ("configs/key.pem", "-----BEGIN RSA PRIVATE KEY-----", "Private Key"),
    ],
)
def test_secrets_are_found_with_their_line(path: str, line: str, kind: str) -> None:
    found = scan({path: f"first: 1\n{line}\n".encode()})
    assert Finding(path, 2 + line.count("\n"), kind) in found


def test_a_comment_allows_a_line_unless_it_holds_a_hub_token() -> None:
    assert scan({"a.yaml": b'password: "correct-horse"  # pragma: allowlist secret\n'}) == []
    assert scan({"a.yaml": f"x: {TOKEN}  # pragma: allowlist secret\n".encode()}) == [
        Finding("a.yaml", 1, "Hugging Face token")
    ]


def test_a_baseline_allows_one_secret_in_one_file() -> None:
    raw = b'password: "correct-horse"\n'
    digest = hashlib.sha1(b"correct-horse", usedforsecurity=False).hexdigest()
    baseline = json.dumps({"results": {"a.yaml": [{"hashed_secret": digest}]}}).encode()
    assert scan({"a.yaml": raw}, baseline) == []
    assert scan({"b.yaml": raw}, baseline) == [Finding("b.yaml", 1, "Secret Keyword")]
    with pytest.raises(RefusedError, match="is not a baseline"):
        scan({"a.yaml": raw}, b"{}")


def test_the_refusal_names_every_place_and_no_secret() -> None:
    findings = scan({"a.yaml": f"t: {TOKEN}\n".encode(), "b.yaml": b'password: "correct-horse"\n'})
    with pytest.raises(RefusedError) as caught:
        refuse_secrets(findings, "me/bert-configs")
    assert caught.value.message == (
        "not sent to me/bert-configs: what looks like a secret stands in\n"
        "  a.yaml:1: Hugging Face token\n"
        "  b.yaml:1: Secret Keyword"
    )
    assert TOKEN not in str(caught.value.hints)
    refuse_secrets([], "anywhere")
