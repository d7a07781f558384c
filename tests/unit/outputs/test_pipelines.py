"""Pipelines with templates, loops and matrices: matched and counted, never expanded without a bound."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfver.errors import StateError
from hfver.outputs.pipelines import _fits, around_templates, parse_pipeline

MD5 = "0123456789abcdef0123456789abcdef"


def stages_of(definition: str, *names: str) -> list[str | None]:
    recorded = "".join(f"  '{name}': {{outs: [{{path: 'o/{name}', md5: {MD5}}}]}}\n" for name in names)
    lock = f"schema: '2.0'\nstages:\n{recorded}"
    return [pointer.stage for pointer in parse_pipeline(definition.encode(), lock.encode(), "dvc.yaml").outputs]


def test_only_stages_that_a_loop_or_a_matrix_still_makes_count() -> None:
    loop = "stages:\n  t:\n    foreach: [a, b]\n    do: {outs: ['o/${item}', 'o/t@${item}']}\n"
    assert stages_of(loop, "t@a", "t@c", "u@a", "t") == ["t@a"]
    matrix = "stages:\n  t:\n    matrix: {x: [a, b-c], y: [1, 2]}\n    outs: ['o/${any}']\n"
    assert stages_of(matrix, "t@a-1", "t@b-c-2", "t@b-1", "t@a-3") == ["t@a-1", "t@b-c-2"]
    unknown = "stages:\n  t:\n    matrix: {x: '${xs}', y: [1]}\n    outs: ['o/${any}']\n"
    assert stages_of(unknown, "t@whatever") == ["t@whatever"]


@pytest.mark.parametrize(
    "matrix",
    [
        ", ".join(f"k{n}: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]" for n in range(1000)),
        f"a: [{', '.join(['x' * 20_000, *map(str, range(300))])}], b: [{', '.join(map(str, range(300)))}]",
    ],
    ids=["many stages", "long names"],
)
def test_a_matrix_beyond_measure_is_refused_at_once(matrix: str) -> None:
    begun = time.process_time()
    definition = f"stages:\n  t:\n    matrix: {{{matrix}}}\n    outs: [a]\n"
    with pytest.raises(StateError, match=r"^dvc\.yaml makes more stages than can be told: over 100,000$"):
        stages_of(definition, "t@1-1")
    assert time.process_time() - begun < 2


def test_many_stages_of_one_loop_are_told_in_the_time_of_reading_them() -> None:
    names = [f"n{at}" for at in range(4000)]
    begun = time.process_time()
    found = stages_of(
        f"stages:\n  t:\n    foreach: [{', '.join(names)}]\n    do: {{outs: ['o/${{item}}']}}\n",
        *(f"t@{name}" for name in names),
    )
    assert len(found) == 4000
    assert time.process_time() - begun < 10


def test_outputs_and_templates_beyond_measure_are_refused() -> None:
    outs = "".join(f"    - 'x{at}${{n}}'\n" for at in range(1100))
    recorded = "".join(f"    - {{path: y{at}, md5: {MD5}}}\n" for at in range(1000))
    lock = f"schema: '2.0'\nstages:\n  t:\n    outs:\n{recorded}"
    with pytest.raises(StateError, match="stage 't' has 1000 outputs and 1100 templates for them"):
        parse_pipeline(f"stages:\n  t:\n    outs:\n{outs}".encode(), lock.encode(), "dvc.yaml")


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a", ["a"]),
        ("${x}", ["", ""]),
        ("a${x}b${y}${z}", ["a", "b", "", ""]),
        ("a${x", ["a${x"]),
        ("}${", ["}${"]),
        ("${a${b}", ["", ""]),
        ("${" * 300_000, ["${" * 300_000]),
    ],
)
def test_text_around_templates(text: str, pieces: list[str]) -> None:
    assert around_templates(text) == pieces


@given(st.lists(st.text(alphabet="ab", max_size=3), min_size=2, max_size=5), st.text(alphabet="ab", max_size=14))
def test_a_path_fits_as_the_pattern_says(pieces: list[str], path: str) -> None:
    assert _fits(pieces, path) == (re.fullmatch(".+".join(map(re.escape, pieces)), path) is not None)


def test_a_path_that_almost_fits_takes_no_time() -> None:
    begun = time.process_time()
    assert not _fits(["x"] * 60, "x" * 4000 + "y")
    odd = "1" + "." * 200_000 + "\n"  # how DVC spells such a number is not asked for the square of its length
    assert stages_of(f'stages:\n  t:\n    foreach: ["{odd[:-1]}\\n"]\n    do: {{outs: [a]}}\n', "t@1") == ["t@1"]
    assert time.process_time() - begun < 2
