from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfver.errors import ConflictError, RefusedError
from hfver.hub_state import HubCommit, HubRefs, HubState, PublishedRelease, missing_repo
from hfver.model import Output, OutputFile, OutputPointer, Tag
from hfver.plan import ForeignChanges, PublishPlan, ReleaseRequest, complete, plan_publish
from hfver.receipt import GitOrigin, Receipt, parse_receipt
from hfver.state import Content
from hfver.topology import Line
from hfver.trailers import Trailers, parse_trailers, render_trailers

OLD_COMMIT, NEW_COMMIT = "a" * 40, "b" * 40


def file(path: str, content: str, size: int = 10) -> OutputFile:
    return OutputFile(path, f"{content:0>32}", size, f"{content:0>64}")


def output(oid: str, *files: OutputFile) -> Output:
    bare = tuple(entry._replace(sha256=None) for entry in files)
    return Output(OutputPointer("model", f"{oid:0>32}.dir", "model.dvc"), bare)


def request(oid: str, *files: OutputFile, tag: str = "v1.1.0", commit: str = NEW_COMMIT) -> ReleaseRequest:
    return ReleaseRequest(
        tag=Tag(tag, commit, None, "Better tokenizer"),
        version=tag.removeprefix("v"),
        repo="me/m",
        name="m",
        private=True,
        output=output(oid, *files),
    )


def released(oid: str, *files: OutputFile, tag: str = "v1.0.0") -> tuple[HubState, Line, Receipt]:
    receipt = Receipt(tag.removeprefix("v"), tag, GitOrigin(OLD_COMMIT), "m", "model", f"{oid:0>32}.dir", files)
    trailers = Trailers(tag, receipt.tree, OLD_COMMIT)
    commit = HubCommit("1" * 40, tag, render_trailers(trailers), "2026-01-01T00:00:00Z")
    hub = HubState("me/m", True, HubRefs({"main": commit.sha}, {tag: commit.sha}), {"main": (commit,)})
    return hub, Line("main", commit.sha, base=PublishedRelease(tag, commit.sha, "main", trailers, tagged=True)), receipt


def test_the_first_release_creates_the_repository_and_sends_everything() -> None:
    plan = plan_publish(request("1", file("a", "a"), file("b", "b")), missing_repo("me/m"), Line("main", None), None)
    assert plan.steps == (
        "create repository me/m",
        "send 2 files (20 bytes)",
        "commit to me/m@main on top of the repository's first commit",
        "tag the commit as v1.1.0",
    )
    assert plan.generates_card


def test_only_what_changed_is_sent_and_what_is_gone_is_deleted() -> None:
    hub, line, base = released("1", file("same", "s"), file("changed", "c"), file("gone", "g"))
    plan = plan_publish(request("2", file("same", "s"), file("changed", "d"), file("new", "n")), hub, line, base)
    assert [entry.path for entry in plan.add] == ["changed", "new"]
    assert [entry.path for entry in plan.unchanged] == ["same"]
    assert plan.delete == ("gone",)
    assert (plan.add_bytes, plan.known_bytes) == (20, 10)


def test_a_renamed_large_file_is_copied_on_the_hub() -> None:
    hub, line, base = released("1", file("old.bin", "w", 5_000_000), file("small", "s"))
    plan = plan_publish(request("2", file("new.bin", "w", 5_000_000), file("tiny", "s")), hub, line, base)
    assert [(entry.path, known.path, known.revision) for entry, known in plan.copy] == [
        ("new.bin", "old.bin", "1" * 40)
    ]
    [(copied, known)] = plan.copy
    assert (copied.size, copied.sha256) == (known.size, known.sha256) == (5_000_000, base.files[0].sha256)
    assert [entry.path for entry in plan.add] == ["tiny"]
    assert plan.delete == ("old.bin", "small")


def test_a_file_whose_content_is_in_doubt_is_neither_left_nor_copied() -> None:
    hub, line, base = released("1", file("a", "a", 5_000_000), file("b", "b", 5_000_000))
    wanted = request("2", file("a", "a", 5_000_000), file("c", "a", 5_000_000), file("b", "b", 5_000_000))
    plan = plan_publish(wanted, hub, line, base, doubtful=["a"])
    assert [entry.path for entry in plan.add] == ["a", "c"]
    assert ([entry.path for entry in plan.unchanged], plan.copy) == (["b"], ())


def test_files_people_changed_on_the_hub_are_put_right() -> None:
    hub, line, base = released("1", file("a", "a"), file("b", "b"), file("c", "c"))
    foreign = ForeignChanges(touched=frozenset({"a", "notes.txt"}), gone=frozenset({"b", "c"}))
    plan = plan_publish(request("2", file("a", "a"), file("b", "b")), hub, line, base, foreign=foreign)
    assert [entry.path for entry in plan.add] == ["a", "b"]
    assert plan.delete == ("notes.txt",)


def test_a_published_tag_leaves_nothing_to_do() -> None:
    hub, line, base = released("1", file("a", "a"))
    plan = plan_publish(request("1", file("a", "a"), tag="v1.0.0", commit=OLD_COMMIT), hub, line, base)
    assert plan.published
    assert plan.steps == ()


def test_a_commit_without_its_tag_is_finished() -> None:
    hub, line, base = released("1", file("a", "a"))
    hub = replace(hub, refs=HubRefs(hub.refs.branches, {}))
    plan = plan_publish(request("1", file("a", "a"), tag="v1.0.0", commit=OLD_COMMIT), hub, line, base)
    assert plan.steps == ("tag me/m@11111111 as v1.0.0",)


def test_a_moved_tag_is_a_conflict_that_names_both_commits() -> None:
    hub, line, base = released("1", file("a", "a"))
    with pytest.raises(ConflictError, match="v1.0.0 is commit bbbbbbbb here, but me/m@v1.0.0 was made from aaaaaaaa"):
        plan_publish(request("2", file("a", "x"), tag="v1.0.0"), hub, line, base)


def test_a_hub_tag_that_is_no_release_is_a_conflict() -> None:
    hub, line, base = released("1", file("a", "a"))
    hub = replace(hub, refs=HubRefs(hub.refs.branches, {"v1.1.0": "9" * 40}))
    with pytest.raises(ConflictError, match="not a release made by hfver"):
        plan_publish(request("2", file("a", "x")), hub, line, base)


def test_the_same_content_under_a_new_version_needs_to_be_asked_for() -> None:
    hub, line, base = released("1", file("a", "a"))
    again = request("1", file("a", "a"))
    with pytest.raises(RefusedError, match="same model content as v1.0.0"):
        plan_publish(again, hub, line, base)
    plan = plan_publish(replace(again, allow_same=True), hub, line, base)
    assert plan.add == ()
    assert plan.steps[-1] == "tag the commit as v1.1.0"


def completed(plan: PublishPlan) -> Receipt:
    hashed = {entry.md5: Content(entry.md5, 10, entry.md5 * 2) for entry in plan.request.output.files}
    commit = complete(plan, hashed, card="card", generated_card="card")
    trailers = parse_trailers(commit.description)
    assert trailers == Trailers("v1.1.0", commit.receipt.tree, NEW_COMMIT)
    return parse_receipt(commit.receipt_bytes, where="here")


contents = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("123"), max_size=6)


@given(contents, contents)
def test_applying_a_plan_to_the_old_tree_gives_exactly_the_new_output(old: dict[str, str], new: dict[str, str]) -> None:
    hub, line, base = released("1", *(file(path, content) for path, content in sorted(old.items())))
    plan = plan_publish(request("2", *(file(path, content) for path, content in sorted(new.items()))), hub, line, base)
    tree = {entry.path: entry.md5 for entry in base.files}
    for path in plan.delete:
        del tree[path]
    tree |= {entry.path: entry.md5 for entry in plan.add} | {entry.path: entry.md5 for entry, _ in plan.copy}
    assert tree == {entry.path: entry.md5 for entry in plan.request.output.files}
    assert {entry.path for entry in completed(plan).files} == set(new)


def test_the_receipt_says_where_a_part_of_an_output_is_and_how_dvc_made_its_md5s() -> None:
    files = (file("a.txt", "a"),)
    pointer = OutputPointer("models", "f" * 32 + ".dir", "models.dvc", hash_name="md5-dos2unix", subpath="best")
    asked = replace(request("unused"), output=Output(pointer, files, part_oid="e" * 32 + ".dir"))
    receipt = completed(plan_publish(asked, missing_repo("me/m"), Line("main", None), None))
    assert (receipt.path, receipt.md5, receipt.hash_name) == ("models/best", "e" * 32 + ".dir", "md5-dos2unix")
