"""Questions to the graph of commits, given as ``commit -> parents``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping


def nearest_ancestors(
    graph: Mapping[str, tuple[str, ...]], commit: str, candidates: Collection[str]
) -> tuple[str, ...]:
    """The candidates among the proper ancestors of ``commit`` that no other such candidate descends from.

    One for a linear history; several when a merge joins lines that each have one. In the order in which a walk along
    first parents meets them.
    """
    wanted = set(candidates) - {commit}
    covered: set[str] = set()  # an ancestor of a candidate that was met before
    nearest = []
    for current in _children_first(graph, commit):
        if current in wanted and current not in covered:
            nearest.append(current)
        if current in wanted or current in covered:
            covered.update(graph.get(current, ()))
    return tuple(nearest)


def ancestors(graph: Mapping[str, tuple[str, ...]], commit: str) -> frozenset[str]:
    """The commit and everything it descends from."""
    return frozenset(_children_first(graph, commit))


def _children_first(graph: Mapping[str, tuple[str, ...]], start: str) -> Iterator[str]:
    """Every commit reachable from ``start``, each after all of its reachable children."""
    finished: list[str] = []
    seen = {start}
    # Last parents are followed first, so that the reversed order keeps to first parents where it may.
    pending = [(start, iter(reversed(graph.get(start, ()))))]
    while pending:
        current, parents = pending[-1]
        following = next((parent for parent in parents if parent not in seen), None)
        if following is None:
            finished.append(current)
            pending.pop()
        else:
            seen.add(following)
            pending.append((following, iter(reversed(graph.get(following, ())))))
    return reversed(finished)
