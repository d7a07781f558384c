"""What may be loaded, and that it is told quickly."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hfver.yaml_bounds import MOST_ALIASED, POINTERS, SETTINGS, find_excess
from hfver.yaml_loading import PointerLoader, SettingsLoader, load

ALIASED = "has aliases that stand for more than 100,000 values, or for themselves; write the values out"


def laughs(levels: int, width: int = 9, *, merge: bool = False) -> bytes:
    """Aliases of aliases: ``width ** levels`` values."""
    first = "{x: 1}" if merge else "[x]"
    lines = [f"a0: &a0 {first}"]
    for n in range(1, levels + 1):
        inside = ",".join([f"*a{n - 1}"] * width)
        lines.append(f"a{n}: &a{n} " + (f"{{<<: [{inside}]}}" if merge else f"[{inside}]"))
    return "\n".join(lines).encode()


def reason(raw: bytes) -> str | None:
    excess = find_excess(raw, SETTINGS)
    return str(excess) if excess is not None else None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"a: 1\n",
        b"cmd: a && b & c * d **kw *.csv\n",
        b"base: &base {lr: 0.1}\none: {<<: *base, seed: 1}\ntwo: {<<: *base}\n",
        b"a: &a x\n" + b"b: [" + b"*a, " * 50_000 + b"]\n",
        laughs(3),
        b"a: " + b"[" * 39 + b"]" * 39,
        b"\n".join(b"- ${item.a} and ${item.b[0]} {x}" for _ in range(100)),
        b"# %TAG is a word\n" * 5,
    ],
    ids=["empty", "plain", "signs", "merge keys", "one alias often", "some", "deep", "templates", "tag"],
)
def test_what_people_write_may_be_loaded(raw: bytes) -> None:
    assert reason(raw) is None


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (laughs(9), ALIASED),
        (laughs(9, merge=True), ALIASED),
        (laughs(17, width=2), ALIASED),
        (b"a: &a [*a]\n", ALIASED),
        (b"a: &a {b: *a}\n", ALIASED),
        (b"&a a: &b {c: [1, *b]}\n", ALIASED),
        (b"a: &a [" + b"1," * 1000 + b"]\nb: [" + b"*a," * 101 + b"]\n", ALIASED),
        (b"[" * 41 + b"]" * 41, "is nested more than 40 levels deep"),
        (b"{a: " * 100_000, "is nested more than 40 levels deep"),
        (b"[a: " * 100_000, "is nested more than 40 levels deep"),
        (
            b"a0: &a0 [x]\n" + b"".join(b"a%d: &a%d [*a%d]\n" % (n, n, n - 1) for n in range(1, 60)),
            "is nested more than 40 levels deep",
        ),
        ("a: 1\n".encode("utf-16"), "is UTF-16; save the file as UTF-8"),
        (b"%TAG !a! b\n" * 50_000, "has more than 20 %TAG directives"),
        (b"x" * 1_048_577, "is 1,048,577 bytes; at most 1,048,576 are read"),
    ],
    ids=[
        "laughs", "merged laughs", "doubled", "itself", "itself by key", "itself below", "much and often", "lists",
        "mappings", "pairs", "aliases of aliases", "utf-16", "directives", "size",
    ],
)  # fmt: skip
def test_what_would_grow_or_recurse_is_refused_at_once(raw: bytes, said: str) -> None:
    begun = time.process_time()
    assert reason(raw) == said
    assert time.process_time() - begun < 2


def test_the_line_is_named() -> None:
    excess = find_excess(laughs(9), SETTINGS)
    assert excess is not None
    assert excess.line == 6


def test_errors_of_the_syntax_are_left_to_the_loader() -> None:
    assert reason(b"a: [&a 1, *b, }") is None


def test_an_ordinary_lock_costs_little_beside_loading_it() -> None:
    stage = "  train@{0}:\n    cmd: python t.py --seed {0} && echo\n    outs:\n    - path: m/{0}\n      md5: {0:032x}\n"
    raw = ("schema: '2.0'\nstages:\n" + "".join(stage.format(n) for n in range(2000))).encode()
    begun = time.process_time()
    assert find_excess(raw, POINTERS) is None
    looked = time.process_time()
    load(raw, PointerLoader)
    assert looked - begun < (time.process_time() - looked) / 3


# -- whatever aliases and merge keys there are ------------------------------------------------------------------------

scalars = st.sampled_from(["1", "x", "null", "'a b'"])


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Mappings in which later values repeat and merge earlier ones, in flow and in block style."""
    names: list[str] = []
    mappings: list[str] = []
    lines = []
    for n in range(draw(st.integers(1, 14))):
        kind = draw(st.sampled_from(["list", "mapping", "merge", "block"]))
        values = st.one_of(scalars, st.sampled_from(names).map(lambda name: f"*{name}")) if names else scalars
        items = draw(st.lists(values, max_size=12))
        name = f"n{n}"
        if kind == "list":
            lines.append(f"{name}: &{name} [{', '.join(items)}]")
        elif kind == "block":
            lines.append(f"{name}: &{name}\n" + "".join(f"- {item}\n" for item in items or ["x"]).rstrip())
        else:
            pairs = [f"k{at}: {item}" for at, item in enumerate(items)]
            if kind == "merge" and mappings:
                merged = draw(st.lists(st.sampled_from(mappings), min_size=1, max_size=12))
                pairs.insert(0, f"<<: [{', '.join('*' + one for one in merged)}]")
            lines.append(f"{name}: &{name} {{{', '.join(pairs)}}}")
            mappings.append(name)
        names.append(name)
    return "\n".join(lines) + "\n"


def expanded(value: Any, most: int) -> int:
    """How many values there are, counted one by one as whoever writes them out meets them; stops beyond ``most``."""
    count, left = 0, [value]
    while left and count <= most:
        one = left.pop()
        count += 1
        left += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    return count


@settings(max_examples=40)
@given(documents())
def test_any_aliases_are_within_the_bound_or_refused_quickly(text: str) -> None:
    raw = text.encode()
    begun = time.process_time()
    excess = find_excess(raw, SETTINGS)
    if excess is None:
        for loader in (SettingsLoader, PointerLoader):
            value = load(raw, loader)
            assert expanded(value, len(raw) + MOST_ALIASED) <= len(raw) + MOST_ALIASED
            assert value is None or yaml.safe_load(raw).keys() == value.keys()
    assert time.process_time() - begun < 5


@given(
    st.lists(st.sampled_from(["mapping", "list", "list at the column of its key", "inline list"]), max_size=30),
    st.lists(st.sampled_from(["[", "{a: ", "[a: ", "[? ", "{? "]), max_size=25),
)
def test_the_look_at_the_bytes_overlooks_no_level(blocks: list[str], brackets: list[str]) -> None:
    text, column = "", 0
    line = ""
    for block in blocks:
        if block == "inline list":
            line, column = line + "- ", column + 2
            continue
        if block == "list at the column of its key" and text and not line.strip():
            line = line[:-1]
            column -= 1
        text += line + ("a:" if block == "mapping" else "-") + "\n"
        column += 1
        line = " " * column
    text += line + "".join(brackets)  # left open: depth is met before the end is
    depth = deepest = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CBaseLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            deepest = max(depth, deepest)
    except yaml.YAMLError:
        pass
    assert (find_excess(text.encode(), SETTINGS) is not None) == (deepest > SETTINGS.levels)
