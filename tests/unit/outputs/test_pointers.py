from __future__ import annotations

import pytest

from hfver.errors import StateError
from hfver.model import OutputPointer
from hfver.outputs.pipelines import parse_pipeline
from hfver.outputs.pointers import is_dvc_file, join_path, parse_dvc_file
from tests.unit.test_yaml_bounds import laughs

MD5 = "0123456789abcdef0123456789abcdef"


def test_a_directory_as_dvc_add_writes_it() -> None:
    raw = f"outs:\n- md5: {MD5}.dir\n  size: 12\n  nfiles: 2\n  hash: md5\n  path: model\n".encode()
    assert parse_dvc_file(raw, "nets/model.dvc", dvc_root="nets") == (
        OutputPointer("nets/model", f"{MD5}.dir", "nets/model.dvc", dvc_root="nets", size=12, nfiles=2),
    )


def test_digits_stay_an_md5() -> None:
    (pointer,) = parse_dvc_file(b"outs:\n- md5: 00000000000000000000000000000012\n  path: a\n", "a.dvc")
    assert pointer.md5 == "00000000000000000000000000000012"
    assert pointer.hash_name == "md5-dos2unix"


def test_outputs_outside_the_repository_are_not_ours() -> None:
    raw = b"outs:\n- path: s3://bucket/a\n- path: /abs\n- path: ../../up\n- path: ../beside\n"
    assert [pointer.path for pointer in parse_dvc_file(raw, "in/a.dvc")] == ["beside"]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"outs: [}", r"a\.dvc at v1 is not valid YAML: line 1, column 8"),
        (b"- a", "is not a DVC file: expected keys and values"),
        (b"outs:\n- md5: x\n", "an output in it has no path"),
        (b"outs:\n- path: a\n  files:\n  - {relpath: ../x, md5: y}\n", r"names a file outside its output: '\.\./x'"),
    ],
)
def test_what_is_no_dvc_file_says_so(raw: bytes, said: str) -> None:
    with pytest.raises(StateError, match=said):
        parse_dvc_file(raw, "a.dvc", origin="a.dvc at v1")


DEEP = 40_000


@pytest.mark.parametrize(
    "raw",
    [
        b"outs: " + b"[" * DEEP + b"]" * DEEP,
        b"{a: " * DEEP,
        b"outs:\n" + b"- " * DEEP + b"x",
        b"? " * DEEP + b"x",
        b"".join(b" " * at + b"a:\n" for at in range(400)),
        b"".join(b" " * at + b"a:\r" for at in range(400)),
        b"".join(b" " * at + b"a:\n" + b" " * at + b"-\n" for at in range(200)),
    ],
    ids=["list", "mapping", "inline list", "keys", "indented", "carriage returns", "lists in mappings"],
)
def test_nesting_that_would_end_the_process_is_refused(raw: bytes) -> None:
    with pytest.raises(StateError, match=r"a\.dvc at v1 is not a DVC file: it is nested more than 100 levels deep"):
        parse_dvc_file(raw, "a.dvc", origin="a.dvc at v1")


@pytest.mark.parametrize(
    "raw",
    [
        b"meta: " + b"[" * 90 + b"]" * 90 + b"\nouts:\n- path: a\n",
        b"# " + b"-" * 99 + b"\nouts:\n- path: a\n",
        b"outs:\n- path: a\n  desc: '" + b"{[" * 500 + b"'\n",
    ],
    ids=["ninety levels", "a line of dashes", "brackets in a text"],
)
def test_what_only_looks_deep_is_read(raw: bytes) -> None:
    assert [pointer.path for pointer in parse_dvc_file(raw, "a.dvc")] == ["a"]


@pytest.mark.parametrize("raw", [laughs(9), laughs(9, merge=True), b"outs: &a [*a]\n"])
def test_aliases_that_stand_for_too_much_are_refused(raw: bytes) -> None:
    with pytest.raises(
        StateError, match=r"^a\.dvc at v1 is not a DVC file: it has aliases that stand for more"
    ) as caught:
        parse_dvc_file(raw, "a.dvc", origin="a.dvc at v1")
    assert caught.value.hints == ["git log -3 -- a.dvc"]


def test_merge_keys_in_a_pipeline_are_merged() -> None:
    definition = (
        b"vars:\n- common: &common {deps: [t.py], outs: [model]}\n"
        b"stages:\n  train:\n    <<: *common\n    cmd: x\n  other:\n    <<: [*common]\n    outs: [more]\n"
    )
    pipeline = parse_pipeline(definition, _lock("model"), "dvc.yaml")
    assert [(pointer.stage, pointer.path) for pointer in pipeline.outputs] == [("other", "more"), ("train", "model")]


def test_an_empty_dvc_file_has_no_outputs() -> None:
    assert parse_dvc_file(b"", "a.dvc") == ()


def test_cloud_files_without_md5_count_as_nothing_recorded() -> None:
    (pointer,) = parse_dvc_file(b"outs:\n- path: a\n  files:\n  - {relpath: x, etag: y}\n", "a.dvc")
    assert (pointer.md5, pointer.files) == (None, None)


def _lock(*outs: str) -> bytes:
    lines = "".join(f"    - {{path: '{out}', hash: md5, md5: {MD5}}}\n" for out in outs)
    return f"schema: '2.0'\nstages:\n  train:\n    cmd: x\n    outs:\n{lines}".encode()


def test_flags_come_from_the_definition_and_digests_from_the_lock() -> None:
    definition = (
        b"stages:\n  train:\n    wdir: ../w\n    outs:\n    - a\n    - b: {cache: false, push: false, remote: r}\n"
    )
    pipeline = parse_pipeline(definition, _lock("a", "b", "no longer defined"), "in/dvc.yaml")
    assert pipeline.outputs == (
        OutputPointer("w/a", MD5, "in/dvc.lock", stage="train"),
        OutputPointer("w/b", MD5, "in/dvc.lock", stage="train", cached=False, pushed=False, remote="r"),
    )


def test_a_stage_that_never_ran_has_outputs_without_content() -> None:
    (pointer,) = parse_pipeline(b"stages:\n  train:\n    outs: [model]\n", None, "dvc.yaml").outputs
    assert (pointer.path, pointer.md5, pointer.stage) == ("model", None, "train")


def test_a_lock_of_the_first_schema_is_read() -> None:
    lock = f"train:\n  cmd: x\n  outs:\n  - path: a\n    md5: {MD5}\n".encode()
    (pointer,) = parse_pipeline(b"stages:\n  train:\n    outs: [a]\n", lock, "dvc.yaml").outputs
    assert (pointer.md5, pointer.hash_name) == (MD5, "md5-dos2unix")


def test_a_template_in_the_path_is_matched_and_one_in_wdir_is_reported() -> None:
    definition = (
        b"stages:\n  train:\n    outs:\n    - 'm-${name}.bin': {push: false}\n  t:\n    wdir: ${d}\n    outs: [a]\n"
    )
    pipeline = parse_pipeline(definition, _lock("m-x.bin", "other.bin"), "dvc.yaml")
    assert [(pointer.path, pointer.pushed) for pointer in pipeline.outputs] == [("m-x.bin", False)]
    assert pipeline.templated == ("t",)


@pytest.mark.parametrize(
    ("base", "path", "joined"),
    [
        ("", "a", "a"),
        ("a", "../b", "b"),
        ("a", "..", ""),
        ("", "../a", None),
        ("a", "/b", None),
        ("", "s3://a/b", None),
    ],
)
def test_paths_are_joined_inside_the_work_tree(base: str, path: str, joined: str | None) -> None:
    assert join_path(base, path) == joined


def test_the_dvc_directory_is_no_dvc_file() -> None:
    assert is_dvc_file("a/model.dvc")
    assert not is_dvc_file(".dvc/config")
    assert not is_dvc_file(".dvc")
