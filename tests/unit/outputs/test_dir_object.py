from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfver.errors import IntegrityError
from hfver.model import OutputFile
from hfver.outputs.dir_object import build_dir_object, dir_object_id, directory_id, parse_dir_object
from hfver.paths import escape_reason

names = st.text(st.characters(exclude_characters="/\0"), min_size=1).filter(lambda name: escape_reason(name) is None)
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
md5s = st.text("0123456789abcdef", min_size=32, max_size=32)
plain = st.builds(OutputFile, paths, md5s, size=st.none(), sha256=st.none(), isexec=st.just(False))
listings = st.lists(plain, unique_by=lambda file: file.path)


@given(listings)
def test_what_is_built_is_parsed_again_whatever_the_order(files: list[OutputFile]) -> None:
    raw = build_dir_object(files)
    assert parse_dir_object(raw, "it") == tuple(sorted(files, key=lambda file: file.path))
    assert build_dir_object(reversed(files)) == raw
    assert raw.isascii()


def test_the_bytes_are_dvcs() -> None:
    files = [OutputFile("词/b", "1" * 32), OutputFile("a b", "2" * 32, 5, "x" * 64, isexec=True)]
    assert build_dir_object(files) == (
        b'[{"md5": "22222222222222222222222222222222", "relpath": "a b"}, '
        b'{"md5": "11111111111111111111111111111111", "relpath": "\\u8bcd/b"}]'
    )
    assert directory_id([]) == "d751713988987e9331980363e24189ce.dir"
    assert dir_object_id(b"[]") == directory_id([])


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"{", "is not a DVC directory object: Expecting"),
        (b"\xff", "is not a DVC directory object"),
        (b"{}", "it is no list"),
        (b'[{"relpath": "a"}]', "an entry without md5 and relpath"),
        (b'[{"relpath": "a", "md5": "short"}]', "an entry without md5 and relpath"),
        (
            b'[{"relpath": "a", "md5": ' + b"[" * 500 + b"]" * 500 + b"}]",
            "an entry without md5 and relpath: it is nested",
        ),
        (b"[" * 100_000, "is not a DVC directory object: maximum recursion depth exceeded"),
        (b'[{"relpath": "../a", "md5": "%s"}]' % (b"1" * 32), r"outside its directory: '\.\./a'"),
        (b'[{"relpath": "/a", "md5": "%s"}]' % (b"1" * 32), "outside its directory"),
        (b'[{"relpath": "a\\u0000b", "md5": "%s"}]' % (b"1" * 32), "outside its directory"),
        (b'[{"relpath": "a", "md5": "%s"}, {"relpath": "a", "md5": "%s"}]' % (b"1" * 32, b"2" * 32), "a file twice"),
    ],
)
def test_a_damaged_or_hostile_listing_is_refused(raw: bytes, said: str) -> None:
    with pytest.raises(IntegrityError, match=f"object abc.*{said}"):
        parse_dir_object(raw, "object abc")


@pytest.mark.parametrize("path", ["", ".", "..", "a/..", "a//b", "/a", "a/", "a/./b", "a\0"])
def test_unsafe_paths(path: str) -> None:
    raw = json.dumps([{"md5": "1" * 32, "relpath": path}]).encode()
    with pytest.raises(IntegrityError, match="outside its directory"):
        parse_dir_object(raw, "it")


@pytest.mark.parametrize("path", ["", ".", "..", "a/..", "a//b", "/a", "a/", "a\0", "\0", "a/\0/b"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_unsafe_path_among_others_is_named(path: str, place: int) -> None:
    names = ["b", "词/c"]
    names.insert(place, path)
    raw = build_dir_object([OutputFile(name, "1" * 32) for name in names])
    with pytest.raises(IntegrityError, match="outside its directory") as caught:
        parse_dir_object(raw, "it")
    assert caught.value.message.endswith(repr(path))


@pytest.mark.parametrize("md5", ["", "1" * 31, "G" * 32, "1" * 32 + "\n" + "1" * 32, 7, None])
def test_one_bad_md5_among_others_is_named(md5: object) -> None:
    entries = [{"md5": "1" * 32, "relpath": "a"}, {"md5": md5, "relpath": "bad"}, {"md5": "2" * 32, "relpath": "c"}]
    with pytest.raises(IntegrityError, match="entry without md5.*'bad'"):
        parse_dir_object(json.dumps(entries).encode(), "it")
