"""Values as they stand in YAML of a clone, and what would take the loader minutes or trip it."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml

from hfver.yaml_loading import PointerLoader, SettingsLoader, load

LOADERS = (SettingsLoader, PointerLoader)
# Numbers that Python hashes alike: each is looked for among all the others.
COLLIDING = "{" + ", ".join(f"{((1 << 61) - 1) * n}: x" for n in range(1, 8_000)) + "}"


@pytest.mark.parametrize("loader", LOADERS)
def test_merge_keys_and_anchors_work(loader: type[Any]) -> None:
    text = "base: &b {a: x, b: y}\nfirst: &f {c: z}\none: {<<: *b, a: own}\ntwo: {<<: [*b, *f]}\nthree: *b\n"
    assert load(text, loader) == {
        "base": {"a": "x", "b": "y"},
        "first": {"c": "z"},
        "one": {"a": "own", "b": "y"},
        "two": {"a": "x", "b": "y", "c": "z"},
        "three": {"a": "x", "b": "y"},
    }


def test_pointers_are_text_and_settings_are_not() -> None:
    text = "md5: 00000000000000000000000000000012\nok: yes\nn: 1\nwhen: 2024-01-01\nnothing:\n"
    assert set(load(text, PointerLoader).values()) == {"00000000000000000000000000000012", "yes", "1", "2024-01-01", ""}
    assert load("n: 1\nt: 1:30\nf: 1.5\nx: 0x1f\n", SettingsLoader) == {"n": 1, "t": 90, "f": 1.5, "x": 31}


@pytest.mark.parametrize("loader", LOADERS)
def test_an_applications_own_tags_do_no_harm(loader: type[Any]) -> None:
    assert load("a: !env HOME\nb: !list [x]\nc: !map {d: y}\n", loader) == {"a": "HOME", "b": ["x"], "c": {"d": "y"}}


@pytest.mark.parametrize(
    "value",
    ["!!timestamp x", "!!int ''", "!!float ''", "!!bool x", "2001-99-99", "1:1" + ":59" * 300 + ".5", "!!set [a]",
     "!!python/name:os.system ''", "? [a]\n: b", "9" * 5000, "0x" + "f" * 5000, "[*nowhere]"],
)  # fmt: skip
def test_a_value_that_is_not_what_it_says_is_an_error_of_yaml(value: str) -> None:
    with pytest.raises(yaml.YAMLError):
        load(f"- {value}\n", SettingsLoader)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x: 1" + ":59" * 300_000, "a number has too many places"),
        ("x: 1" + ":59" * 300_000 + ".5", "a number has too many places"),
        ("x: 0x" + "f" * 500_000, "a number is too long"),
        (COLLIDING, "more than 5,000 keys of a mapping are numbers"),
    ],
    ids=["to the base of 60", "the same with a point", "hexadecimal", "keys"],
)
def test_numbers_that_take_minutes_are_refused_at_once(text: str, said: str) -> None:
    begun = time.process_time()
    with pytest.raises(yaml.YAMLError, match=said):
        load(text, SettingsLoader)
    assert time.process_time() - begun < 3
