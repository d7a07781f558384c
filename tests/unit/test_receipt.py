from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfver.errors import IntegrityError
from hfver.model import OutputFile
from hfver.receipt import ConfigsRevision, GitOrigin, Receipt, dump_receipt, parse_receipt, tree_digest

WHERE = "me/m@abc"

names = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="/\\:"), min_size=1, max_size=12)
files = st.builds(
    OutputFile,
    path=names.filter(lambda name: name.strip(".") != "" and name.lower() != ".git"),
    md5=st.binary(min_size=16, max_size=16).map(bytes.hex),
    size=st.integers(0, 2**50),
    sha256=st.binary(min_size=32, max_size=32).map(bytes.hex),
    isexec=st.booleans(),
)
receipts = st.builds(
    Receipt,
    version=st.just("1.2.3"),
    tag=st.just("v1.2.3"),
    git=st.none() | st.just(GitOrigin("a" * 40, "b" * 40, "https://example.org/x.git")),
    name=names,
    path=names,
    md5=st.just("c" * 32 + ".dir"),
    files=st.lists(files, unique_by=lambda file: file.path).map(
        lambda listed: tuple(sorted(listed, key=lambda file: file.path))
    ),
    params=st.dictionaries(names, st.integers()),
    configs=st.none() | st.just(ConfigsRevision("me/m-configs", "d" * 40)),
    generated_card=st.none() | names,
)


@given(receipts)
def test_a_receipt_survives_writing_and_reading(receipt: Receipt) -> None:
    assert parse_receipt(dump_receipt(receipt), where=WHERE) == receipt


def receipt_body() -> dict[str, Any]:
    file = OutputFile("w.bin", "0" * 32, 3, "1" * 64)
    receipt = Receipt("1.0.0", "v1.0.0", GitOrigin("a" * 40), "m", "model", "2" * 32 + ".dir", (file,))
    body: dict[str, Any] = json.loads(dump_receipt(receipt))
    return body


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", ".git/config", "a\\b", "", "C:x", "a\nb", "./a"])
def test_a_receipt_that_names_a_path_outside_its_directory_is_refused(path: str) -> None:
    body = receipt_body()
    body["files"][0]["path"] = path
    with pytest.raises(IntegrityError, match="me/m@abc"):
        parse_receipt(json.dumps(body).encode(), where=WHERE)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("md5", "xyz"),
        ("sha256", "0" * 63),
        ("size", -1),
        ("size", "3"),
        ("size", None),
        ("size", True),
        ("size", 1 << 63),
        ("path", 7),
    ],
)
def test_a_receipt_with_a_malformed_entry_is_refused(key: str, value: object) -> None:
    body = receipt_body()
    body["files"][0][key] = value
    with pytest.raises(IntegrityError, match="not a receipt this hfver can read"):
        parse_receipt(json.dumps(body).encode(), where=WHERE)


def test_a_receipt_whose_tree_does_not_add_up_is_refused() -> None:
    body = receipt_body()
    body["files"][0]["size"] = 4
    with pytest.raises(IntegrityError, match="tree digest"):
        parse_receipt(json.dumps(body).encode(), where=WHERE)


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{}", b"\xff", b'{"schema": 2}', b"[" * 100_000, b"\0"])
def test_what_is_not_a_receipt_is_an_error_naming_the_revision(data: bytes) -> None:
    with pytest.raises(IntegrityError, match="me/m@abc"):
        parse_receipt(data, where=WHERE)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("git", {"commit": "a" * 40, "tag_object": 7}),
        ("git", {"commit": "a" * 40, "remote": []}),
        ("generated_card", 7),
        ("tools", {"dvc": 3}),
        ("tools", []),
        ("params", 7),
        ("metrics", {"deep": json.loads("[" * 300 + "]" * 300)}),
    ],
)
def test_values_of_the_wrong_kind_are_refused(key: str, value: object) -> None:
    with pytest.raises(IntegrityError, match="not a receipt this hfver can read"):
        parse_receipt(json.dumps({**receipt_body(), key: value}).encode(), where=WHERE)


def test_the_tree_digest_does_not_depend_on_the_order_of_files() -> None:
    one = OutputFile("a", "0" * 32, 1, "0" * 64)
    two = OutputFile("b", "1" * 32, 2, "1" * 64)
    assert tree_digest([one, two]) == tree_digest([two, one])
    assert tree_digest([one]) != tree_digest([one, two])
