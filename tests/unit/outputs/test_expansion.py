"""How much a pipeline becomes, told without expanding it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from hfver.outputs.expansion import expands_beyond_measure

BIG = {"big": list(range(100_000)), "text": "x" * 5_000_000, "names": ["a", "b"], "n": {"m": {"x": 1}}}


def stage(**body: Any) -> dict[str, Any]:
    return {"stages": {"train": body}}


@pytest.mark.parametrize(
    "definition",
    [
        {},
        stage(cmd="train ${n.m.x} ${names[0]}", outs=["model"]),
        stage(foreach="${names}", do={"cmd": "train ${item}", "vars": [{"a": 1}]}),
        stage(matrix={"a": "${names}", "b": [1, 2, 3], "c": ["x"]}, cmd="train ${item.a} ${item.b}"),
        stage(foreach=[{"name": "a", "layers": list(range(50))}] * 100, do={"cmd": "${item.name}", "meta": "${item}"}),
        stage(cmd="${big}"),
        {"stages": "none", "vars": 7},
        stage(foreach=7, do="x"),
    ],
)
def test_what_people_write_is_within_measure(definition: dict[str, Any]) -> None:
    assert not expands_beyond_measure(definition, [BIG])


@pytest.mark.parametrize(
    "definition",
    [
        stage(matrix={f"k{at}": list(range(10)) for at in range(8)}, cmd="x"),
        stage(matrix={"a": "${big}", "b": "${names}"}, cmd="x"),
        stage(foreach="${big}", do={"cmd": "x"}),
        stage(cmd="x", meta=["${big}"] * 100),
        stage(cmd="${text}" * 100),
        stage(foreach=list(range(1000)), do={"cmd": "x", "vars": [{"a": 1}]}),
        stage(foreach=[["x"] * 1000] * 1000, do={"meta": ["${item}"] * 10}),
        stage(foreach=list(range(20_001)), do={"cmd": "x"}),
        {"artifacts": {"a": {"meta": ["${big}"] * 100}}},
    ],
    ids=[
        "a matrix", "named values", "a long loop", "much often", "text", "copied for each", "items", "stages",
        "elsewhere",
    ],
)  # fmt: skip
def test_what_would_take_hours_is_beyond(definition: dict[str, Any]) -> None:
    begun = time.process_time()
    assert expands_beyond_measure(definition, [BIG])
    assert time.process_time() - begun < 5


def test_what_only_dvc_can_read_counts_as_all_it_may_be() -> None:
    definition = stage(meta=["${in_python}"] * 100)
    assert not expands_beyond_measure(definition, [BIG])
    assert expands_beyond_measure(definition, [BIG], unknown=100_000)
