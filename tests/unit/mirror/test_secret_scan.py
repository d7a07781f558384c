"""What counts as a secret, where it is found, and that no text keeps the search busy."""

from __future__ import annotations

import hashlib
import json
import random
import string
from collections.abc import Sequence

import pytest

from hfver.errors import RefusedError
from hfver.mirror import secret_scan
from hfver.mirror.secret_scan import (
    LARGEST,
    LARGEST_RESULT,
    Baseline,
    Finding,
    find,
    hide_values,
    in_files,
    in_names,
    in_texts,
    may_be_text,
    refuse_secrets,
    scan,
    without_secrets,
)

TOKEN = "hf_" + "aBcD1234" * 5
AWS = "AKIA" + "IOSFODNN7EXAMPL3"
KEY_BLOCK = "-----BEGIN RSA " + "PRIVATE KEY-----"
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
    files = {"config.yaml": CLEAN, "dvc.lock": CLEAN, "plot.png": b"\x89PNG\0" + AWS.lower().encode(), "x": b"\xff\xfe"}
    assert scan(files) == []


@pytest.mark.parametrize(
    ("path", "line", "kind"),
    [
        ("configs/a.yaml", f"token: {TOKEN}", "Hugging Face token"),
        ("configs/a.yaml", f"aws: {AWS}", "AWS Access Key"),
        ("configs/a.yaml", 'password: "correct-horse-battery"', "Secret Keyword"),
        ("configs/a.json", '{"api_key": "correct-horse-battery"}', "Secret Keyword"),
        ("configs/密.ini", "[db]\nurl = postgres://ann:hunter22@db.example/x", "Basic Auth Credentials"),
        ("configs/key.pem", KEY_BLOCK, "Private Key"),
        ("configs/a.yaml", "password: hunter2long  # of the test account", "Secret Keyword"),
        ("configs/a.yaml", "nested: {db_pass: hunter2long}", "Secret Keyword"),
        ("configs/a.yaml", "flags: [--lr=1, --api_key=hunter2long]", "Secret Keyword"),
        ("configs/a.yaml", "seed: dGhpc2lzYXZlcnlsb25nYW5kcmFuZG9tc3RyaW5nMTIzNDU2", "Base64 High Entropy String"),
        ("configs/a.ini", "[db]\npassword = hunter2long", "Secret Keyword"),
        ("configs/.env", "API_KEY=hunter2long", "Secret Keyword"),
        ("configs/.env", "SEED=dGhpc2lzYXZlcnlsb25nYW5kcmFuZG9tc3RyaW5nMTIzNDU2", "Base64 High Entropy String"),
        ("configs/a.toml", '[db]\npassword = "hunter2long"  # of the test account', "Secret Keyword"),
        ("configs/plot.png", f"\0{TOKEN}", "Hugging Face token"),
        ("experiments/a/results/notes.ipynb", '{"source": ["login()\\n' + TOKEN + '"]}', "Hugging Face token"),
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
    baseline = Baseline.read(json.dumps({"results": {"a.yaml": [{"hashed_secret": digest}]}}).encode())
    assert scan({"a.yaml": raw}, baseline) == []
    assert scan({"b.yaml": raw}, baseline) == [Finding("b.yaml", 1, "Secret Keyword")]


def test_a_baseline_of_what_detect_secrets_itself_finds_allows_it() -> None:
    """Hashes are those of the value as it would read it: without quotes, and without the comment behind it."""
    raw = f"password: correct-horse  # of the test account\naws: {AWS}\nkey: |\n  {KEY_BLOCK}\n".encode()
    secrets = ("correct-horse", AWS, KEY_BLOCK.strip("-"))
    entries = [{"hashed_secret": hashlib.sha1(one.encode(), usedforsecurity=False).hexdigest()} for one in secrets]
    assert {one.kind for one in scan({"a.yaml": raw})} == {"Secret Keyword", "AWS Access Key", "Private Key"}
    assert scan({"a.yaml": raw}, Baseline.read(json.dumps({"results": {"a.yaml": entries}}).encode())) == []


@pytest.mark.parametrize("baseline", [b"{}", b"[" * 100_000, b'{"results": 1}', b"\0", b" " * 17_000_000])
def test_a_hostile_baseline_is_no_crash(baseline: bytes) -> None:
    with pytest.raises(RefusedError, match="is not a baseline"):
        Baseline.read(None, baseline)


def test_a_line_may_be_allowed_by_the_one_before() -> None:
    marked = b"# pragma: allowlist nextline secret\npassword: correct-horse\n"
    assert scan({"a.yaml": marked}) == []
    assert scan({"a.yaml": marked + b"password: correct-horse\n"}) == [Finding("a.yaml", 3, "Secret Keyword")]
    assert scan({"a.txt": marked.replace(b"password: correct-horse", AWS.encode())}) == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "latin-1"])
def test_any_encoding_is_read(encoding: str) -> None:
    raw = f"# für später\ntoken: {TOKEN}\n".encode(encoding)
    assert Finding("a.cfg", 2, "Hugging Face token") in scan({"a.cfg": raw})
    assert in_files([("a.cfg", raw)]) == [Finding("a.cfg", 2, "Hugging Face token")]


def test_lines_may_end_in_any_way() -> None:
    for end in ("\r\n", "\r", "\u2028"):
        found = scan({"a.yaml": end.join(("a: 1", "password: hunter2long", "b: 1", "")).encode()})
        assert found == [Finding("a.yaml", 2, "Secret Keyword")]


# -- bounds -----------------------------------------------------------------------------------------------------------


def doubling(first: str, line: str) -> bytes:
    return (first + "".join(line.format(at=at, before=at - 1) for at in range(1, 12))).encode()


FILL = 60_000
HOSTILE = {
    "aliases.yaml": doubling("a0: &a0 [x]\n", "a{at}: &a{at} [" + "*a{before}, " * 9 + "]\n"),
    "interpolation.ini": doubling("[s]\na0 = x\n", "a{at} = " + "%(a{before})s" * 9 + "\n"),
    "brackets.yaml": b"[" * FILL,
    "braces.yaml": b'{"a": ' * (FILL // 6),
    "dashes.yaml": b"- " * (FILL // 2),
    "keys.yaml": b"? " * (FILL // 2),
    "anchors.yaml": b"".join(b"a%d: &a%d [*a%d]\n" % (at, at, at) for at in range(FILL // 25)),
    "spaces.json": (" " * 900 + '="\n').encode() * (FILL // 900),
    "one-line.json": b'{"a": "' + b"x" * FILL + b'"}',
    "quotes.json": b'"' * FILL,
    "lines.yaml": b"\n" * FILL,
    "keys.txt": b"sk-sk-T3BlbkFJ " * (FILL // 15),
    "slack.txt": b"xoxb-1" * (FILL // 6),
    "addresses.txt": b"://a:" * (FILL // 5),
    "hub.txt": b"hf_" * (FILL // 3),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_keeps_the_search_busy(name: str) -> None:
    """What detect-secrets itself makes of the first two has no end; some take it an hour, and these are small."""
    assert scan({name: HOSTILE[name]}) == []


def test_a_file_that_would_take_too_long_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"a.yaml": b"lr: 1\n", "b.yaml": b"password" * 2_000, "c.yaml": b"text: of a later one\n"}
    scan({"other.yaml": b"lr: 1\n"})  # the detectors are loaded once
    monkeypatch.setattr(secret_scan, "MOST_SECONDS", 0.1)
    found = scan(files)
    assert [str(finding) for finding in found] == ["b.yaml: the search was given up after 0.1 seconds"]
    with pytest.raises(RefusedError) as caught:
        refuse_secrets(found, "me/bert-configs")
    assert caught.value.message == (
        "not sent to me/bert-configs: these files could not be searched for secrets:\n"
        "  b.yaml: the search was given up after 0.1 seconds"
    )
    assert caught.value.hints == ["leave them out with mirror.exclude, or let DVC track them"]


@pytest.mark.parametrize(
    ("path", "raw", "said"),
    [
        ("configs/a.yaml", b"a: 1\n" * (LARGEST // 5 + 1), "1,048,580 bytes; a configuration has at most 1,048,576"),
        ("configs/notes", b"a " * LARGEST, "2,097,152 bytes; a configuration has at most 1,048,576"),
        ("configs/a.yaml", b"a: \0\n", "no text, as its name says it is"),
        ("configs/weights.bin", b"\0" * (LARGEST + 1), None),
        ("configs/logo.png", b"\x89PNG\0", None),
        ("experiments/a/results/all.csv", b"1,2\n" * LARGEST_RESULT, None),
        ("experiments/a/results/odd.json", b"\0", None),
    ],
)
def test_what_cannot_be_searched_is_named_but_for_data(path: str, raw: bytes, said: str | None) -> None:
    assert [str(finding) for finding in scan({path: raw})] == ([] if said is None else [f"{path}: {said}"])


def test_a_token_is_found_however_large_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_scan, "_PART", 10_000)
    raw = b"1,2\n" * LARGEST_RESULT
    for at in (0, 9_998, 10_000, 50_002, len(raw)):  # also where two parts of the file meet
        line = raw.count(b"\n", 0, at) + 1
        found = in_files([("all.csv", raw[:at] + TOKEN.encode() + raw[at:])])
        assert found == [Finding("all.csv", line, "Hugging Face token")]


def test_so_many_findings_are_not_all_told() -> None:
    found = scan({"a.txt": f"{TOKEN}\n".encode() * 5_000, "b.txt": TOKEN.encode()})
    assert len(found) == 100
    with pytest.raises(RefusedError) as caught:
        refuse_secrets(found, "me/bert-configs")
    assert caught.value.message.count("\n") == 21
    assert caught.value.message.endswith("  a.txt:20: Hugging Face token\n  and 80 more")


class Memory:
    def __init__(self) -> None:
        self.keys: set[str] = set()

    def known_clean(self, keys: Sequence[str]) -> set[str]:
        return self.keys & set(keys)

    def remember_clean(self, keys: Sequence[str]) -> None:
        self.keys |= set(keys)


def test_what_was_clean_is_not_searched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory()
    files = {"a.yaml": b"lr: 1\n", "b.yaml": TOKEN.encode()}
    first = scan(files, memory=memory)
    assert len(memory.keys) == 1
    searched: list[str] = []
    by_form = secret_scan._by_form

    def noted(path: str, raw: bytes, baseline: Baseline) -> list[Finding]:
        searched.append(path)
        return by_form(path, raw, baseline)

    monkeypatch.setattr(secret_scan, "_by_form", noted)
    assert scan(files, memory=memory) == first
    assert searched == ["b.yaml"]
    searched.clear()
    scan({"a.yaml": b"lr: 2\n", "c.yaml": b"lr: 1\n"}, memory=memory)
    scan({"a.yaml": b"lr: 1\n"}, Baseline(frozenset({("a.yaml", "1")}), "1"), memory)
    assert searched == ["a.yaml", "c.yaml", "a.yaml"]


# -- by form ----------------------------------------------------------------------------------------------------------

FORMS = {
    "Hugging Face token": [TOKEN, "api_org_" + "aB1" * 12, "hf_oauth_eyJhbGciOiJFZERTQSJ9.eyJzY29wZSI6WyJyIl19.a-b_c"],
    "Private Key": [KEY_BLOCK, "-----BEGIN OPENSSH " + "PRIVATE KEY-----", "-----BEGIN " + "PRIVATE KEY-----"],
    "AWS Access Key": [AWS, "ASIA" + "IOSFODNN7EXAMPL3"],
    "GitHub Token": ["ghp_" + "aB1" * 12, "github_pat_" + "aB1_" * 20],
    "GitLab Token": ["glpat-" + "aB1-" * 5],
    "Slack Token": ["xoxb-" + "123456789012-" * 2 + "aB1" * 8],
    "OpenAI Token": ["sk-" + "a" * 20 + "T3BlbkFJ" + "b" * 20, "sk-proj-" + "a_" * 37 + "T3BlbkFJ" + "b-" * 37],
    "Anthropic API Key": ["sk-ant-api03-" + "aB1-" * 23 + "AA"],
    "Google API Key": ["AIza" + "aB1_-" * 7],
    "NPM tokens": ["npm_" + "aB1" * 12],
    "Basic Auth Credentials": ["https://me:hunter22@example.org/x"],
}
HARMLESS = [
    "hf_bert-base-uncased-finetuned-v2", "hf_xet", "HF_TOKEN=hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "HF_TOKEN=hf_...",
    "https://user:$PASSWORD@host", "https://<user>:<password>@host", "git@github.com:me/x.git", "ssh://git@host:22/x",
    "http://localhost:8080/a@b", "4b825dc642cb6eb9a060e54bf8d69288fbee4904", "the PRIVATE KEY of the test", "AKIA",
    "sk-learn 1.0", "MAKIARVLPGSDQTWYFHCENKIARVLPG",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "secret"), [(kind, one) for kind, all_ in FORMS.items() for one in all_])
def test_keys_are_known_by_their_form(kind: str, secret: str) -> None:
    for text in (secret, f"use {secret} in CI", f'"{secret}"', f"\\n{secret}", f"x={secret}\nnext"):
        assert find(text) == kind
        assert secret not in without_secrets(text)
        assert find(without_secrets(text)) is None


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_key_is_none(text: str) -> None:
    assert find(text) is None


def test_data_of_a_model_is_no_false_alarm() -> None:
    """Of half a million characters each, as they stand in vocabularies, embeddings and lists of proteins."""
    draw = random.Random(1)
    for alphabet in (string.ascii_letters + string.digits + "+/", "ACDEFGHIKLMNPQRSTVWY", string.hexdigits):
        for line in (76, 500_000):
            rows = ("".join(draw.choices(alphabet, k=line)) for _ in range(500_000 // line))
            assert in_files([("tokenizer.json", "\n".join(rows).encode())]) == []


def test_what_shows_nothing_does_not_hide_a_token() -> None:
    for gap in ("\r", "\0", "\u200b", "\u00ad", "\x1b", "\ufeff"):
        text = f"use {TOKEN[:15]}{gap}{TOKEN[15:]} in CI"
        assert find(text) == "Hugging Face token"
        assert without_secrets(text) == "use [hidden] in CI"
    assert in_files([("a.txt", TOKEN[:15].encode() + b"\r" + TOKEN[15:].encode())]) != []


def test_short_texts_are_named_by_what_they_are() -> None:
    found = in_texts({"the message of tag v1.0.0": f"use {TOKEN}", "the subject of commit 1234": "Train"})
    assert [str(one) for one in found] == ["the message of tag v1.0.0: Hugging Face token"]
    names = in_names("the name of", ["model/config.json", f"model/{TOKEN}.json"])
    assert [str(one) for one in names] == ["the name of model/[hidden].json: Hugging Face token"]
    assert [str(one) for one in scan({f"configs/{TOKEN}.yaml": AWS.encode()})] == [
        "configs/[hidden].yaml:1: AWS Access Key"
    ]


def test_values_are_hidden_and_named() -> None:
    values = {"lr": 0.1, "train": {"key": AWS, "steps": [1, f"--token={TOKEN}"]}, TOKEN: None, "name": "bert"}
    clean, found = hide_values(values)
    assert clean == {
        "lr": 0.1,
        "train": {"key": "[hidden]", "steps": [1, "--token=[hidden]"]},
        "[hidden]": None,
        "name": "bert",
    }
    assert [str(one) for one in found] == [
        "train.key: AWS Access Key",
        "train.steps[1]: Hugging Face token",
        "[hidden]: Hugging Face token",
    ]


def test_a_false_alarm_in_any_file_can_be_allowed_but_for_a_hub_token() -> None:
    raw = f"key = '{AWS}'  # pragma: allowlist secret\n".encode()
    assert in_files([("model/a.py", raw)]) == []
    assert in_files([("model/a.py", raw.replace(AWS.encode(), TOKEN.encode()))]) != []
    for secret, taken in ((AWS, AWS), ("ghp_" + "aB1" * 12, "ghp"), (KEY_BLOCK, KEY_BLOCK.strip("-"))):
        digest = hashlib.sha1(taken.encode(), usedforsecurity=False).hexdigest()
        baseline = Baseline(frozenset({("model/a.json", digest)}))
        assert in_files([("model/a.json", secret.encode())], baseline) == []
        assert in_files([("model/b.json", secret.encode())], baseline) != []


def test_names_tell_what_may_be_text() -> None:
    for name in ("README.md", "a/config.json", "notes.IPYNB", ".env", ".env.local", "id_rsa", "Dockerfile", ".netrc"):
        assert may_be_text(name), name
    for name in ("model.safetensors", "a.b/weights.bin", "photo.jpg", "data.parquet"):
        assert not may_be_text(name), name


# -- refusing ---------------------------------------------------------------------------------------------------------


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
