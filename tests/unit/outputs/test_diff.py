from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hfver.model import OutputFile
from hfver.outputs.diff import FileChange, compare_files


def files(content: dict[str, str]) -> list[OutputFile]:
    return [OutputFile(path, f"{md5:0>32}", 10) for path, md5 in content.items()]


def test_each_kind_of_change_is_named() -> None:
    old = {"same": "1", "changed": "2", "gone": "3", "old name": "4"}
    new = {"same": "1", "changed": "5", "new": "6", "new name": "4"}
    assert compare_files(files(old), files(new)) == (
        FileChange("changed", "changed", "changed", 10, 10),
        FileChange("removed", "gone", "gone", 10, None),
        FileChange("added", "new", "new", None, 10),
        FileChange("renamed", "new name", "old name", 10, 10),
    )


trees = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("123"))


@given(trees, trees)
def test_applying_the_changes_to_the_old_version_gives_the_new_one(old: dict[str, str], new: dict[str, str]) -> None:
    result = dict(old)
    for change in compare_files(files(old), files(new)):
        if change.kind in ("removed", "renamed"):
            del result[change.old_path]
    for change in compare_files(files(old), files(new)):
        if change.kind != "removed":
            result[change.path] = new[change.path]
    assert result == new


@given(trees)
def test_a_version_does_not_differ_from_itself(tree: dict[str, str]) -> None:
    assert compare_files(files(tree), files(tree)) == ()
