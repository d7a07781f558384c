"""Reading a commit request as it arrives."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pygit2
import pytest

from hfver.local_hub import commit_body
from hfver.local_hub.commit_body import CommitBody
from hfver.local_hub.errors import HubError
from hfver.local_hub.git.objects import ObjectWriter, object_id
from hfver.local_hub.operations import AddBlob, AddPointer, Delete


@pytest.fixture
def body(tmp_path: Path) -> CommitBody:
    pygit2.init_repository(str(tmp_path / "r.git"), bare=True)
    return CommitBody(ObjectWriter(tmp_path / "r.git"))


def line(key: str, **value: Any) -> bytes:
    return json.dumps({"key": key, "value": value}).encode() + b"\n"


WHOLE = (
    line("header", summary="Title", description="Text", parentCommit="abcde12")
    + line("file", path="a b/ü.txt", content=base64.b64encode(b"hello").decode(), encoding="base64")
    + line("lfsFile", path="w.bin", algo="sha256", oid="ab" * 32, size=7)
    + line("deletedFile", path="old")
    + line("deletedFolder", path="dir/")
)


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
def test_pieces_of_any_size_give_the_same_operations(body: CommitBody, size: int) -> None:
    for start in range(0, len(WHOLE), size):
        body.feed(WHOLE[start : start + size])
    body.finish()
    assert (body.header.message, body.header.parent) == ("Title\n\nText", "abcde12")
    assert body.operations == [
        AddBlob("a b/ü.txt", object_id("blob", b"hello")),
        AddPointer("w.bin", "ab" * 32, 7),
        Delete("old", folder=False),
        Delete("dir", folder=True),
    ]


def test_the_last_line_needs_no_newline(body: CommitBody) -> None:
    body.feed(line("header", summary="x").rstrip())
    body.finish()
    assert body.header.summary == "x"


@pytest.mark.parametrize(
    "bad",
    [
        b"not json\n",
        b"[]\n",
        b'{"key":"file"}\n',
        line("header", summary=" "),
        line("header", summary="x", parentCommit="main"),
        line("file", path="a", content="%%%", encoding="base64"),
        line("file", path="a", content="ä", encoding="base64"),
        line("lfsFile", path="a", algo="md5", oid="ab" * 32),
        line("lfsFile", path="a", oid="xyz"),
        line("lfsFile", path="a", oid="ab" * 32, size=-1),
        line("copyFile", path="a", srcPath="b"),
        b'{"key":"x","value":{"path":' + b"[" * 100_000 + b"\n",
    ],
)
def test_nonsense_is_the_callers_mistake(body: CommitBody, bad: bytes) -> None:
    with pytest.raises(HubError) as refused:
        body.feed(bad)
    assert refused.value.status == 400


def test_a_body_without_a_header_is_refused(body: CommitBody) -> None:
    body.feed(line("deletedFile", path="a"))
    body.finish()
    with pytest.raises(HubError, match="no header"):
        _ = body.header


def test_lines_and_bodies_are_bounded(body: CommitBody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit_body, "LINE_LIMIT", 1000)
    body.feed(line("header", summary="x"))
    with pytest.raises(HubError) as refused:
        for _ in range(20):
            body.feed(b"x" * 100)
    assert refused.value.status == 413
    monkeypatch.setattr(commit_body, "BODY_LIMIT", 10)
    with pytest.raises(HubError):
        body.feed(b"\n" * 20)
