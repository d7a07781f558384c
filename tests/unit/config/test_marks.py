# ruff: noqa: E501 - messages are quoted whole
"""YAML with positions, and YAML that is hostile or wrong."""

from __future__ import annotations

import pytest

from hfver.config.marks import dotted, parse_yaml
from hfver.config.problems import InvalidConfigError


def problems(raw: bytes) -> list[str]:
    return [str(problem) for problem in parse_yaml(raw, "config.yaml")[1]]


def test_every_key_and_value_has_a_position() -> None:
    document, found = parse_yaml("a:\n  b: [1, 二, {c: d}]\n".encode(), "config.yaml")
    assert found == []
    assert document.data == {"a": {"b": [1, "二", {"c": "d"}]}}
    assert document.position(("a", "b"), of_key=True) == (2, 3)
    assert document.position(("a", "b", 1)) == (2, 10)
    assert document.position(("a", "b", 2, "c")) == (2, 17)
    assert document.position(("a", "b", 9, "x")) == (2, 6), "the deepest part that exists"
    assert dotted(("a", "b", 2, "c")) == "a.b[2].c"


def test_merged_keys_have_the_position_of_their_origin() -> None:
    document, found = parse_yaml(b"base: &base\n  x: 1\nhere:\n  <<: *base\n  y: 2\n", "config.yaml")
    assert found == []
    assert document.data["here"] == {"x": 1, "y": 2}
    assert document.position(("here", "x")) == (2, 6)


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    document, found = parse_yaml(b"\xef\xbb\xbfa: 1\r\nb: x\r\n", "config.yaml")
    assert (document.data, found) == ({"a": 1, "b": "x"}, [])


def test_an_applications_own_tags_are_read_as_plain_values() -> None:
    document, found = parse_yaml(b"a: !env HOME\nb: !seq [1]\nc: !map {d: 1}\n", "config.yaml")
    assert (document.data, found) == ({"a": "HOME", "b": [1], "c": {"d": 1}}, [])


def test_an_empty_file_is_an_empty_mapping() -> None:
    assert parse_yaml(b"# nothing yet\n", "config.yaml")[0].data == {}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"a:\n\tb: 1\n", "config.yaml:2:1: is not YAML: YAML does not allow tabs for indentation; use spaces\n    2 | \tb: 1"),
        (b"a: 1\nb: 2\na: 3\n", 'config.yaml:3:1: "a" is set twice (first on line 1); keep one\n    3 | a: 3'),
        (b"a: 1\nb: \xff\n", "config.yaml:2:4: is not UTF-8: byte 0xff; save the file as UTF-8"),
        (b"a: x\x07y\n", "config.yaml:1:5: is not YAML: character U+0007 is not allowed\n    1 | a: x\x07y"),
        (b"a: 1\n---\nb: 2\n", "config.yaml:2:1: is not YAML: expected a single document in the stream: but found another document\n    2 | ---"),
        (b"[" * 100_000, "config.yaml:1:1: is nested more than 40 levels deep"),
        (b"a: &a [*a]\n", "config.yaml:1:1: has aliases that stand for more than 100,000 values, or for themselves; write the values out"),
        (b"x" * 1_048_577, "config.yaml: is 1,048,577 bytes; at most 1,048,576 are read"),
        (b"a: !!timestamp x\n", "config.yaml:1:1: is not YAML: a value is not what its tag says ('NoneType' object has no attribute 'groupdict')\n    1 | a: !!timestamp x"),
    ],
    ids=["tab", "twice", "encoding", "control", "documents", "deep", "cycle", "large", "tag"],
)  # fmt: skip
def test_what_is_no_plain_yaml_is_named_with_its_place(raw: bytes, message: str) -> None:
    assert problems(raw) == [message]


def test_python_objects_are_never_made() -> None:
    assert "could not determine a constructor" in problems(b"a: !!python/object/apply:os.system ['true']\n")[0]


def test_aliases_that_stand_for_millions_of_values_are_refused_at_once() -> None:
    lines = ["a0: &a0 {x: 1}"] + [f"a{n}: &a{n} {{<<: [{','.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 10)]
    (problem,) = problems("\n".join(lines).encode())
    assert problem.startswith("config.yaml:6:1: has aliases that stand for more than 100,000 values")


def test_thousands_of_keys_are_no_work_for_minutes() -> None:
    """The line of each key was looked up, with the whole text taken apart for it."""
    raw = b"a: 1\n" * 20_000
    document, found = parse_yaml(raw, "config.yaml")
    assert (document.data, len(found)) == ({"a": 1}, 19_999)
    said = InvalidConfigError(found).message.splitlines()
    assert (len(said), said[-1]) == (201, "and more: only the first 100 are told")


def test_a_token_is_an_error_even_in_a_comment_and_is_not_repeated() -> None:
    token = "hf_" + "Ab3" * 11
    found = problems(f"a: 1\n# token: {token}\nb: '{token}'\n".encode())
    assert [line.split(": ")[0] for line in found] == ["config.yaml:2:10", "config.yaml:3:5"]
    assert not any(token in line for line in found)
    assert found[0].endswith("    2 | # token: [hidden]")
