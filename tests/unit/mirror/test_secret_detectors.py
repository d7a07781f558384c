"""Shown single lines, detect-secrets finds what it finds in a file, under the same hashes."""

from __future__ import annotations

from pathlib import Path

import pytest
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.potential_secret import PotentialSecret
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import transient_settings

from hfver.mirror.secret_detectors import find_in_lines

RANDOM = "dGhpc2lzYXZlcnlsb25nYW5kcmFuZG9tc3RyaW5nMTIzNDU2"
YAML = f"""\
password: hunter2long  # of the test account
quoted: "plain"
api_key: 'correct-horse'
seed: {RANDOM}
nested:
  - secret: abcDEF123
  - {{db_pass: "zzz9 \\"q\\"", other: 1}}
block: |
  -----BEGIN RSA PRIVATE KEY-----
  MIIEpAIBAAKCAQEA
use_secret: true
secret_number: 12345
folded: >
  some text
  and more
pwd: &anchor hunter3long
copy: *anchor
templated_secret: ${{SECRET}}
password_of: get_password(x)
url: postgres://ann:hunter22@db.example/x
aws: AKIAIOSFODNN7EXAMPLA
user_id: {RANDOM}
binary: !!binary aGVsbG8gd29ybGQ=
"""
SAMPLES = {
    "a.yaml": YAML,
    "not.yaml": "password: hunter2long\nlist: [\n",
    "a.ini": f'[db]\npassword = hunter2long\nseed = {RANDOM}\nlist =\n  one\n  {RANDOM}2\nq = "{RANDOM}3"\n\n;\n',
    "a.cfg": "password = hunter2long\n",
    "a.properties": "db.password=hunter2long\n",
    "a.toml": '[db]\npassword = "hunter2long"\napi_key = "correct-horse"  # of the test account\n',
    "a.json": f'{{\n "api_key": "correct-horse",\n "seed": "{RANDOM}"\n}}\n',
    "one-line.json": f'{{"api_key": "correct-horse", "seed": "{RANDOM}"}}',
    "a.py": 'password = "hunter2long"\nsecret = get_secret("a")\nmine = password\nif "hunter22" == password: pass\n',
    "a.txt": "the password: hunter2long is\nold\n",
    "a.go": 'password := "hunter2long"\n',
    "a.env": "API_KEY=hunter2long\nSECRET='abc def'\n# SECRET=no\n",
    "a.lock": "password: hunter2long\n",
}


def theirs(path: Path) -> set[tuple[str, str]]:
    unsuitable = {"HexHighEntropyString", "IPPublicDetector"}
    names = {plugin.__name__ for plugin in get_mapping_from_secret_type_to_class().values()} - unsuitable
    with transient_settings({"plugins_used": [{"name": name} for name in names]}):
        return {(found.type, found.secret_hash) for found in scan_file(str(path))}


def ours(path: Path) -> set[tuple[str, str]]:
    lines = path.read_text().split("\n")
    found = find_in_lines(path.name, lines, lambda: None)
    return {(kind, PotentialSecret.hash_secret(secret)) for _, kind, secret in found}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_same_is_found(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(SAMPLES[name])
    if name in ("a.env", "a.toml"):  # it looks at bare values where it has found nothing else, and not behind a comment
        assert ours(path) > theirs(path) != set()
    else:
        assert ours(path) == theirs(path)
        assert ours(path) or name in ("a.lock", "a.txt")


def test_yaml_is_read_as_such_whatever_tags_it_has() -> None:
    """It cannot: it takes the lines as they are then, comments and switches and all."""
    text = "use_secret: true\ncustom: !Ref x\npassword: hunter2long  # of the test account\n# password: of yours\n"
    found = list(find_in_lines("a.yaml", text.split("\n"), lambda: None))
    assert found == [(3, "Secret Keyword", "hunter2long")]


def test_a_line_is_looked_at_whole_however_long() -> None:
    for at in (0, 1_490, 1_990, 2_000, 9_000):
        line = "x " * (at // 2) + ' password = "hunter2long" ' + " x" * 5_000
        found = {(number, kind, secret) for number, kind, secret in find_in_lines("a.py", ["", line], lambda: None)}
        assert found == {(2, "Secret Keyword", "hunter2long")}


def test_the_search_can_be_ended() -> None:
    class EnoughError(Exception):
        pass

    def enough() -> None:
        raise EnoughError

    for name, lines in (("a.yaml", ["a: 1"]), ("a.py", ["a = 1"])):
        with pytest.raises(EnoughError):
            list(find_in_lines(name, lines, enough))
