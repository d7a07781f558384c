from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hfver.ancestry import ancestors, nearest_ancestors

Graph = dict[str, tuple[str, ...]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Commits c0, c1, …, each with up to three earlier ones as parents."""
    graph: Graph = {}
    for number in range(draw(st.integers(1, 12))):
        known = sorted(graph)
        graph[f"c{number}"] = tuple(draw(st.lists(st.sampled_from(known), max_size=3, unique=True)) if known else ())
    return graph


def slow_ancestors(graph: Graph, commit: str) -> set[str]:
    return {commit}.union(*(slow_ancestors(graph, parent) for parent in graph[commit]))


@given(graphs(), st.data())
def test_nearest_ancestors_are_those_below_no_other_candidate(graph: Graph, data: st.DataObject) -> None:
    commit = data.draw(st.sampled_from(sorted(graph)))
    candidates = data.draw(st.sets(st.sampled_from(sorted(graph))))
    below = {candidate for candidate in candidates if candidate in slow_ancestors(graph, commit)} - {commit}
    expected = {
        candidate
        for candidate in below
        if not any(candidate in slow_ancestors(graph, other) for other in below - {candidate})
    }
    found = nearest_ancestors(graph, commit, candidates)
    assert set(found) == expected
    assert len(found) == len(set(found))
    assert ancestors(graph, commit) == slow_ancestors(graph, commit)


def test_a_hotfix_line_has_its_own_nearest_ancestor() -> None:
    graph: Graph = {"v1": (), "v2": ("v1",), "fix": ("v1",)}
    assert nearest_ancestors(graph, "fix", {"v1", "v2"}) == ("v1",)


def test_a_merge_of_two_released_lines_names_the_first_parents_line_first() -> None:
    graph: Graph = {"root": (), "left": ("root",), "right": ("root",), "merge": ("left", "right")}
    assert nearest_ancestors(graph, "merge", {"root", "left", "right"}) == ("left", "right")


def test_a_long_history_does_not_exhaust_the_stack() -> None:
    graph: Graph = {str(number): (str(number - 1),) if number else () for number in range(20_000)}
    assert nearest_ancestors(graph, "19999", {"0"}) == ("0",)
