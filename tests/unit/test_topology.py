from __future__ import annotations

from hfver.hub_state import HubCommit, HubRefs, HubState, PublishedRelease
from hfver.topology import choose_line, nearest_releases
from hfver.trailers import Trailers, render_trailers

ROOT = HubCommit("0" * 40, "initial commit", "", "2026-01-01T00:00:00Z")


def release_commit(tag: str, git_commit: str) -> HubCommit:
    return HubCommit(f"hub-{tag}", tag, render_trailers(Trailers(tag, "tree", git_commit)), "2026-01-01T00:00:00Z")


def foreign_commit(name: str) -> HubCommit:
    return HubCommit(name, "Update README.md", "", "2026-01-01T00:00:00Z")


def hub_with(**branches: list[HubCommit]) -> HubState:
    lines = {name.replace("__", "/").replace("_", "."): (*commits, ROOT) for name, commits in branches.items()}
    refs = HubRefs(
        branches={name: line[0].sha for name, line in lines.items()},
        tags={commit.title: commit.sha for line in lines.values() for commit in line if commit.sha.startswith("hub-")},
    )
    return HubState("me/m", exists=True, refs=refs, lines=lines)


def nearest(commit: str, hub: HubState, parents: dict[str, tuple[str, ...]]) -> list[str]:
    return sorted(release.tag for release in nearest_releases(commit, list(hub.releases()), parents))


def choose(
    commit: str, hub: HubState, parents: dict[str, tuple[str, ...]], branch: str
) -> tuple[str, str | None, str | None]:
    found: tuple[PublishedRelease, ...] = nearest_releases(commit, list(hub.releases()), parents)
    line = choose_line(hub, found, branch, fallback="release/fallback")
    return line.branch, line.head, line.start


# git history used below: a - b - c - d on the trunk, x on top of b, m merging c and x.
GRAPH = {"a": (), "b": ("a",), "c": ("b",), "d": ("c",), "x": ("b",), "y": ("x",), "m": ("c", "x")}


def test_the_first_release_goes_to_main_on_top_of_the_initial_commit() -> None:
    assert choose("a", hub_with(main=[]), GRAPH, "release/1.0") == ("main", ROOT.sha, None)


def test_the_next_release_on_the_trunk_goes_to_main() -> None:
    hub = hub_with(main=[release_commit("v1.0.0", "a")])
    assert choose("c", hub, GRAPH, "release/1.1") == ("main", "hub-v1.0.0", None)


def test_a_hotfix_of_an_old_line_gets_a_branch_started_at_its_ancestor() -> None:
    hub = hub_with(main=[release_commit("v2.0.0", "c"), release_commit("v1.0.0", "b")])
    assert choose("x", hub, GRAPH, "release/1.0") == ("release/1.0", "hub-v1.0.0", "hub-v1.0.0")


def test_the_second_hotfix_continues_that_branch() -> None:
    v1 = release_commit("v1.0.0", "b")
    hub = hub_with(main=[release_commit("v2.0.0", "c"), v1], release__1_0=[release_commit("v1.0.1", "x"), v1])
    assert choose("y", hub, GRAPH, "release/1.0") == ("release/1.0", "hub-v1.0.1", None)


def test_a_branch_made_by_a_publication_that_was_cut_short_is_used() -> None:
    v1 = release_commit("v1.0.0", "b")
    hub = hub_with(main=[release_commit("v2.0.0", "c"), v1], release__1_0=[v1])
    assert choose("x", hub, GRAPH, "release/1.0") == ("release/1.0", "hub-v1.0.0", None)


def test_a_tag_older_than_every_release_starts_at_the_first_commit_of_the_repository() -> None:
    hub = hub_with(main=[release_commit("v2.0.0", "c")])
    assert choose("a", hub, GRAPH, "release/1.0") == ("release/1.0", ROOT.sha, ROOT.sha)
    left_empty = hub_with(main=[release_commit("v2.0.0", "c")], release__1_0=[])
    assert choose("a", left_empty, GRAPH, "release/1.0") == ("release/1.0", ROOT.sha, None)


def test_a_second_tag_on_the_same_commit_follows_the_first() -> None:
    hub = hub_with(main=[release_commit("v1.0.0", "b")])
    assert choose("b", hub, GRAPH, "release/1.0") == ("main", "hub-v1.0.0", None)


def test_peoples_commits_on_main_do_not_push_releases_off_it() -> None:
    hub = hub_with(main=[foreign_commit("edit"), release_commit("v1.0.0", "a")])
    assert choose("b", hub, GRAPH, "release/1.0") == ("main", "edit", None)


def test_a_merge_reaches_the_releases_of_both_sides_but_not_what_they_descend_from() -> None:
    v1, v2 = release_commit("v1.0.0", "b"), release_commit("v2.0.0", "c")
    hub = hub_with(main=[v2, v1], release__1_0=[release_commit("v1.0.1", "x"), v1])
    assert nearest("m", hub, GRAPH) == ["v1.0.1", "v2.0.0"]
    assert choose("m", hub, GRAPH, "release/2.1") == ("main", "hub-v2.0.0", None)
    linear = hub_with(main=[v2, v1])
    assert nearest("m", linear, GRAPH) == ["v2.0.0"]


def test_a_branch_with_a_history_the_release_does_not_descend_from_is_left_alone() -> None:
    v1 = release_commit("v1.0.0", "a")
    hub = hub_with(main=[release_commit("v2.0.0", "c"), v1], release__1_0=[release_commit("v1.0.1", "y"), v1])
    assert choose("b", hub, GRAPH, "release/1.0") == ("release/fallback", "hub-v1.0.0", "hub-v1.0.0")


def test_a_hotfix_follows_either_of_two_releases_of_one_commit() -> None:
    v1 = release_commit("v1.0.0", "b")
    hub = hub_with(main=[release_commit("v2.0.0", "c"), v1], release__1_0=[release_commit("v1.0.1", "b"), v1])
    assert choose("x", hub, GRAPH, "release/1.0") == ("release/1.0", "hub-v1.0.1", None)
