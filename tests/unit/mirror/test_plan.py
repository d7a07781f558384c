# ruff: noqa: E501 - an index is quoted whole
"""What the configs repository should hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfver.globs import matches
from hfver.mirror.plan import (
    Changes,
    GitFile,
    HubFile,
    MirrorTrailers,
    Snapshot,
    changes,
    coalesce,
    content_digest,
    read_trailers,
    render_index,
    render_message,
    snapshot_files,
    update_index,
)

INCLUDE = ("config.yaml", "configs/**", "params.yaml", "dvc.yaml")


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("config.yaml", "config.yaml", True),
        ("a/config.yaml", "config.yaml", False),
        ("configs/a/b.yaml", "configs/**", True),
        ("configs/a/b.yaml", "configs/*", False),
        ("configs/b.yaml", "configs/*.yaml", True),
        ("x/y/b.yaml", "**/*.yaml", True),
        ("b.yaml", "**/*.yaml", True),
        ("configs/a/b", "configs/", True),
        ("configs/a", "./configs/?", True),
        ("configsXa", "configs.a", False),
        ("feature/x", "feature/*", True),
    ],
)
def test_patterns_mean_what_they_look_like(path: str, pattern: str, expected: bool) -> None:
    assert matches(path, [pattern]) is expected


def files(**oids: str) -> dict[str, GitFile]:
    return {path.replace("__", "/"): GitFile(path, oid) for path, oid in oids.items()}


def test_a_snapshot_holds_what_is_included_and_the_experiments() -> None:
    entries = [
        ("config.yaml", "1"), ("configs/hf.yaml", "2"), ("configs/secret.yaml", "3"), ("src/a.py", "4"),
        ("experiments/base/experiment_metadata.json", "5"), ("experiments/base/results/eval.json", "6"),
        ("configs/bad\\name", "7"),
    ]  # fmt: skip
    every = snapshot_files(entries, INCLUDE, ("configs/secret*",), configs=True, results=True)
    assert {path: file.oid for path, file in every.items()} == {
        "configs/config.yaml": "1",
        "configs/configs/hf.yaml": "2",
        "experiments/base/experiment_metadata.json": "5",
        "experiments/base/results/eval.json": "6",
    }
    assert set(snapshot_files(entries, INCLUDE, (), configs=False, results=False)) == {
        "experiments/base/experiment_metadata.json"
    }


def test_renames_and_removals_in_git_happen_in_the_repository() -> None:
    wanted = files(configs__new="1", configs__same="2", experiments__a__r="3")
    held = {
        "configs/old": HubFile("1"),
        "configs/same": HubFile("2"),
        "experiments/a/gone": HubFile("9"),
        "experiments/synced/r": HubFile("8"),
        "README.md": HubFile("7"),
        "releases/v1.json": HubFile("6"),
    }
    before = files(experiments__a__gone="9", experiments__never__held="5")
    assert changes(wanted, held, before) == Changes(
        add=(("configs/new", wanted["configs/new"]), ("experiments/a/r", wanted["experiments/a/r"])),
        delete=("configs/old", "experiments/a/gone"),
    )


def test_equal_content_is_no_change() -> None:
    assert not changes(files(configs__a="1"), {"configs/a": HubFile("1")}, {})


def snapshot(number: int, content: int | None = None) -> Snapshot:
    return Snapshot(f"{number:040x}", f"commit {number}", files(configs__a=str(number if content is None else content)))


def test_commits_that_change_nothing_here_are_left_out() -> None:
    line = [snapshot(1, 7), snapshot(2, 7), snapshot(3, 8), snapshot(4, 7)]
    assert [item.subject for item, _ in coalesce(line)] == ["commit 1", "commit 3", "commit 4"]


@given(st.integers(0, 200), st.integers(1, 30))
def test_many_commits_are_put_together_and_none_is_forgotten(count: int, most: int) -> None:
    line = [snapshot(number) for number in range(count)]
    groups = coalesce(line, most)
    assert len(groups) == min(count, most)
    assert sum(together for _, together in groups) == count
    assert [item for item, _ in groups] == sorted((item for item, _ in groups), key=lambda item: item.commit)
    assert not line or groups[-1][0] == line[-1]


def test_a_mirror_commit_says_what_it_mirrors() -> None:
    trailers = MirrorTrailers(commit="c" * 40, branch="main", tag="v1.0.0", experiment="base", files="d" * 32)
    title, description = render_message("New  tokenizer\n", trailers, author="ann <ann@example.org>", together=3)
    assert title == "v1.0.0: New tokenizer"
    assert description.startswith("Stands for 3 commits.\n\nGit-Commit: cccc")
    assert description.endswith("Co-authored-by: ann <ann@example.org>")
    assert read_trailers(description) == trailers
    assert render_message("x", MirrorTrailers(commit="c" * 40))[0] == "cccccccccc: x"
    assert render_message("x", MirrorTrailers(experiment="base"))[0] == "base: x"
    assert read_trailers("nothing") == MirrorTrailers()


def test_equal_content_has_an_equal_digest() -> None:
    assert content_digest({"a": b"1", "b": b"2"}, ["c", "d"]) == content_digest({"b": b"2", "a": b"1"}, ["d", "c"])
    assert content_digest({"a": b"1"}, []) != content_digest({"a": b"2"}, [])


def test_the_index_lists_releases_experiments_and_configurations() -> None:
    paths = ["configs/config.yaml", "experiments/base/config.yaml", "experiments/base/results/eval.json",
             "releases/v1.0.0.json", "README.md"]  # fmt: skip
    assert (
        render_index(paths, "me/bert", "me/bert-configs")
        == """\
<!-- hfver:index -->
# me/bert-configs

Configurations, experiments and receipts of [me/bert](/me/bert).

## Releases

| Version | Model | Configurations | Receipt |
| --- | --- | --- | --- |
| v1.0.0 | [me/bert@v1.0.0](/me/bert/tree/v1.0.0) | [at v1.0.0](/me/bert-configs/tree/v1.0.0/configs) | [v1.0.0.json](./releases/v1.0.0.json) |

## Experiments

| Experiment | Files |
| --- | --- |
| base | [config.yaml](./experiments/base/config.yaml), [results/eval.json](./experiments/base/results/eval.json) |

## Configurations

- [config.yaml](./configs/config.yaml)
<!-- /hfver:index -->"""
    )


def test_text_around_the_index_stays() -> None:
    first = render_index(["configs/a"], "me/bert", "me/bert-configs")
    second = render_index(["configs/b"], "me/bert", "me/bert-configs")
    written = update_index(None, first)
    assert written == f"---\ntags:\n- hfver-configs\n---\n\n{first}\n"
    edited = f"Ours.\n\n{first}\nMore of ours.\n"
    assert update_index(edited, second) == f"Ours.\n\n{second}\nMore of ours.\n"
    assert update_index("Mine.\n", first) == f"Mine.\n\n{first}\n"


def test_releases_are_listed_in_the_order_of_their_numbers() -> None:
    index = render_index([f"releases/v1.{n}.0.json" for n in (10, 9, 2)], "me/b", "me/b-configs", repo_type="dataset")
    assert [line.split()[1] for line in index.splitlines() if line.startswith("| v")] == ["v1.2.0", "v1.9.0", "v1.10.0"]
    assert "(/datasets/me/b-configs/tree/v1.2.0/configs)" in index
