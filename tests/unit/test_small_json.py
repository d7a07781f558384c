from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfver.small_json import parse_json, read_json, read_small

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_json_writes_is_read(value: Any) -> None:
    assert parse_json(json.dumps(value)) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_value_error(data: bytes) -> None:
    with suppress(ValueError):
        parse_json(data)


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":', "  [ "])
def test_deep_texts_are_a_value_error_however_they_are_written(opening: str) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json(opening * 100_000)


@pytest.mark.parametrize(("depth", "fits"), [(1, True), (5, True), (6, False), (900, False)])
def test_the_bound_counts_lists_and_objects(depth: int, fits: bool) -> None:
    for text in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
        if fits:
            parse_json(text, deepest=5)
        else:
            with pytest.raises(ValueError, match=r"more than 5 levels|nested too deeply"):
                parse_json(text, deepest=5)


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "small.json"
    path.write_text('{"a": 1}')
    assert read_json(path, largest=8) == {"a": 1}
    with pytest.raises(ValueError, match="more than 7 bytes"):
        read_json(path, largest=7)


def test_what_is_no_file_is_said_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "directory").mkdir()
    for path in (tmp_path / "pipe", tmp_path / "directory", Path("/dev/zero")):
        with pytest.raises(ValueError, match="no regular file"):
            read_small(path)
    with pytest.raises(FileNotFoundError):
        read_small(tmp_path / "none")
