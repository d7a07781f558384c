from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from dvc_data.hashfile.hash import fobj_md5
from hypothesis import given
from hypothesis import strategies as st

from hfver.hashing import BLOCK, Hasher, HashName, hash_file, md5_of_file

contents = [
    b"",
    b"text\r\nlines\r\n",
    b"\0binary\r\n",
    b"\xff\xfe\r\n" * 9,
    b"x" * (BLOCK - 1) + b"\r\n" + b"y" * BLOCK,
]


@pytest.mark.parametrize("content", contents, ids=range(len(contents)))
@pytest.mark.parametrize("name", ["md5", "md5-dos2unix"])
def test_digests_are_those_of_dvc_and_of_the_hub(tmp_path: Path, content: bytes, name: HashName) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    found = hash_file(path, hash_name=name)
    assert found.md5 == fobj_md5(io.BytesIO(content), name=name)
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert found.size == len(content)
    assert md5_of_file(path, hash_name=name) == found.md5


@pytest.mark.parametrize("name", ["md5", "md5-dos2unix"])
def test_a_big_file_is_hashed_in_two_threads_to_the_same_end(tmp_path: Path, name: HashName) -> None:
    content = b"some text\r\n" * BLOCK
    path = tmp_path / "file"
    path.write_bytes(content)
    seen: list[int] = []
    found = hash_file(path, hash_name=name, advance=seen.append)
    assert found.md5 == fobj_md5(io.BytesIO(content), name=name)
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert sum(seen) == found.size == len(content)


@given(st.lists(st.binary(max_size=700)))
def test_the_size_of_pieces_does_not_matter(pieces: list[bytes]) -> None:
    whole, split = Hasher("md5-dos2unix"), Hasher("md5-dos2unix")
    whole.update(b"".join(pieces))
    for piece in pieces:
        split.update(piece)
    assert whole.digests() == split.digests()
