"""Patterns of paths, those with many stars as those with few."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfver.globs import matches


@pytest.mark.parametrize(
    ("pattern", "paths", "others"),
    [
        ("config.yaml", ["config.yaml"], ["a/config.yaml", "configXyaml"]),
        ("./configs/", ["configs/a", "configs/a/b"], ["configs", "xconfigs/a"]),
        ("configs/**", ["configs/a", "configs/a/b"], ["configs"]),
        ("**/*.yaml", ["a.yaml", "b/c/a.yaml"], ["a.yaml/b"]),
        ("**/conf*/*.y?ml", ["conf/a.yaml", "x/y/configs/a.yaml"], ["conf.yaml", "x/conf/y/a.yaml", "conf/a.y/ml"]),
        ("**/a/**/b/**", ["a/b/c", "x/a/y/z/b/c/d"], ["a/b", "x/a/c"]),
        ("*a*a*a", ["aaa", "xaxaxa"], ["aa", "a/aa"]),
    ],
)
def test_stars_mean_what_people_mean(pattern: str, paths: list[str], others: list[str]) -> None:
    assert [path for path in paths if not matches(path, [pattern])] == []
    assert [path for path in others if matches(path, [pattern])] == []


def as_expression(pattern: str) -> str:
    known = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(known.get(token) or re.escape(token) for token in re.split(r"(\*\*/|\*\*|\*|\?)", pattern) if token)


@given(
    st.lists(st.sampled_from(["a", "b", "/", "*", "**", "**/", "?", "."]), min_size=1, max_size=9).map("".join),
    st.text(alphabet="ab/.\n", max_size=9),
)
def test_many_stars_mean_the_same_as_few(pattern: str, path: str) -> None:
    if not pattern.endswith("/") and not pattern.startswith("./"):
        assert matches(path, [pattern]) == (re.fullmatch(as_expression(pattern), path) is not None)


@pytest.mark.parametrize("pattern", ["*a" * 40 + "b", "**/" * 40 + "b", "**a" * 40 + "b", "*" * 999 + "b"])
def test_a_name_that_almost_fits_takes_no_time(pattern: str) -> None:
    begun = time.process_time()
    assert not matches("a" * 200 + "/a" * 100, [pattern])
    assert time.process_time() - begun < 2


def test_what_nobody_writes_fits_nothing() -> None:
    assert not matches("a" * 5000, ["a*"])
    assert not matches("a", ["*" * 2000])
