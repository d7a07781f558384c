"""Files of named values: what they say, and what there is too much of."""

from __future__ import annotations

import time

import pytest

from hfver.experiments.value_files import UnusableError, read_dvc_values, read_values
from tests.unit.test_yaml_bounds import ALIASED, laughs

DEEP = "is nested more than 40 levels deep"


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        ("p.json", b'{"a": {"b": 0.5}}'),
        ("p.toml", b"a.b = 0.5\n"),
        ("p.yaml", b"a: {b: 0.5}\n"),
        ("p.yml", b"a: {b: 0.5}"),
    ],
)
def test_each_kind_is_read_by_its_ending(path: str, raw: bytes) -> None:
    assert read_values(path, raw) == {"a": {"b": 0.5}}


@pytest.mark.parametrize(("path", "raw"), [("a.json", b"[1]"), ("a.yaml", b"- 1"), ("a.csv", b"a,b"), ("json", b"{}")])
def test_what_names_no_values_has_none(path: str, raw: bytes) -> None:
    assert read_values(path, raw) == {}


def test_whole_numbers_no_float_could_hold_become_infinite() -> None:
    assert read_values("a.json", b'{"a": 1' + b"0" * 4000 + b"}") == {"a": float("inf")}


@pytest.mark.parametrize(
    ("path", "raw", "said"),
    [
        ("a.yaml", laughs(9), f"{ALIASED} (line 6)"),
        ("a.yaml", b"a:\n\tb: 1\n", "is not YAML: YAML does not allow tabs"),
        ("a.json", b"[" * 500 + b"]" * 500, DEEP),
        ("a.json", b"[" * 500_000, DEEP),
        ("a.json", b" " * 4_194_305, "is 4,194,305 bytes; at most 4,194,304 are read"),
        ("a.json", b"{", "is not JSON"),
        ("a.toml", b"a = " + b"[" * 500 + b"]" * 500, DEEP),
        ("a.toml", b"a = " + b"[" * 5000 + b"]" * 5000, DEEP),
        ("a.toml", b"a." * 400_000 + b"a = 1\n", DEEP),
        ("a.toml", b"x = { y = 1, " + b"a . " * 100_000 + b"a = 1 }\n", DEEP),
        ("a.toml", b"[[" + b"a." * 100_000 + b"a]]\n", DEEP),
        ("a.toml", b"a = \xff", "is not TOML"),
        ("a.toml", b" " * 1_048_577, "is 1,048,577 bytes"),
    ],
)
def test_more_than_anybody_writes_is_refused_at_once(path: str, raw: bytes, said: str) -> None:
    begun = time.process_time()
    with pytest.raises(UnusableError) as caught:
        read_values(path, raw)
    assert str(caught.value).startswith(said)
    assert time.process_time() - begun < 2


def test_lists_of_numbers_are_no_long_keys() -> None:
    assert read_values("a.toml", b"a = [" + b"1.5, " * 500 + b"]\n")["a"] == [1.5] * 500
    assert len(read_values("a.toml", b"a = [\n" + b"1.5,\n" * 500 + b"]\n")["a"]) == 500
    assert read_values("a.toml", b"a.b.c = 1\nt = '" + b"Well. " * 500 + b"'\n")["a"] == {"b": {"c": 1}}


def test_dvcs_own_files_may_be_larger_but_no_deeper() -> None:
    lock = b"# " + b"x" * 2_000_000 + b"\nstages: {train: {params: {params.yaml: {lr: 0.1}}}}\n"
    assert read_dvc_values(lock)["stages"]["train"]["params"] == {"params.yaml": {"lr": 0.1}}
    for raw, said in (
        (laughs(9), f"{ALIASED} (line 6)"),
        (b"[" * 41 + b"]" * 41, f"{DEEP} (line 1)"),
        (b"a: [", "is not YAML"),
    ):
        with pytest.raises(UnusableError) as caught:
            read_dvc_values(raw)
        assert str(caught.value) == said
