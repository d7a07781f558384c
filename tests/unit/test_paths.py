from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfver.paths import name_problems, unsafe_reason


@pytest.mark.parametrize(
    "path", ["model.safetensors", "1_Pooling/config.json", "模型/权重.bin", "a b#%+.txt", ".gitignore"]
)
def test_ordinary_names_have_no_problem(path: str) -> None:
    assert name_problems([path]) == []


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/a",
        "..",
        "a/../b",
        "a//b",
        "a/",
        ".git/config",
        "x/.GIT/y",
        "a\\b",
        "C:\\x",
        "a\x00b",
        "x" * 256,
        "\udcff",
        "\ud800/a",
    ],
)
def test_names_that_could_escape_are_unsafe(path: str) -> None:
    assert unsafe_reason(path) is not None
    assert any(problem.fatal for problem in name_problems([path]))


@pytest.mark.parametrize("path", [".hfver/release.json", ".cache/huggingface/x"])
def test_names_hfver_or_the_client_keep_for_themselves_are_fatal(path: str) -> None:
    assert [problem.fatal for problem in name_problems([path])] == [True]


@pytest.mark.parametrize("path", ["aux.json", "COM1", "a/nul.txt", "what?.txt", "trailing.", "trailing "])
def test_names_windows_cannot_store_are_a_warning(path: str) -> None:
    assert [problem.fatal for problem in name_problems([path])] == [False]


@pytest.mark.parametrize(
    ("one", "two"), [("README.md", "readme.md"), ("caf\u00e9", "cafe\u0301"), ("straße", "STRASSE")]
)
def test_names_that_collide_on_other_systems_are_a_warning(one: str, two: str) -> None:
    (problem,) = name_problems([one, two])
    assert not problem.fatal
    assert repr(one) in problem.reason


def test_a_file_cannot_also_be_a_directory() -> None:
    assert any(problem.fatal for problem in name_problems(["a", "a/b"]))


@given(st.text(max_size=40))
def test_a_safe_path_stays_below_its_directory(path: str) -> None:
    if unsafe_reason(path) is None:
        assert not path.startswith("/")
        assert ".." not in path.split("/")
