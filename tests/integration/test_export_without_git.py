"""``checkout --to --repo``: the receipt alone says what the files should be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd

from hfver.checkout.export import Exported, Filters, export
from hfver.errors import IntegrityError
from hfver.receipt import Receipt, dump_receipt, parse_receipt
from tests.support.hub import HubForTests
from tests.support.project import Project, new_project

DOS, UNIX = b"one\r\ntwo\r\n", b"one\ntwo\n"


@pytest.fixture
def project(tmp_path: Path, hub: HubForTests) -> Project:
    made = new_project(tmp_path / "project", hub)
    made.train({"a.txt": DOS, "b.txt": UNIX})
    made.tag("v1.0.0")
    made.release("v1.0.0")
    return made


def rewrite_receipt(project: Project, md5s: dict[str, str], **changes: object) -> None:
    """Another receipt under the same tag, as DVC before version 3, or somebody who means harm, would have it."""
    receipt: Receipt = parse_receipt(project.hub_bytes("v1.0.0", ".hfver/release.json"), where="v1.0.0")
    files = tuple(file._replace(md5=md5s.get(file.path, file.md5)) for file in receipt.files)
    raw = dump_receipt(replace(receipt, files=files, **changes))  # type: ignore[arg-type]
    commit = project.hub.api.create_commit(
        project.repo_id, [CommitOperationAdd(".hfver/release.json", raw)], commit_message="receipt"
    )
    project.hub.api.delete_tag(project.repo_id, tag="v1.0.0")
    project.hub.api.create_tag(project.repo_id, tag="v1.0.0", revision=commit.oid)


def get(project: Project, place: Path) -> Exported:
    return export(
        "v1.0.0", place, project.told, repo=project.repo_id, endpoint=project.hub.endpoint, environ=project.environ
    )


def test_a_receipt_with_two_contents_for_one_md5_is_refused(project: Project, tmp_path: Path) -> None:
    rewrite_receipt(project, {"a.txt": "1" * 32, "b.txt": "1" * 32})
    with pytest.raises(IntegrityError, match=r"two sha256s for the md5 of b\.txt"):
        get(project, tmp_path / "out")
    assert not (tmp_path / "out" / "a.txt").exists()


def test_text_that_dvc_hashed_without_its_carriage_returns_is_exported(project: Project, tmp_path: Path) -> None:
    from hfver.hashing import Hasher

    hasher = Hasher("md5-dos2unix")
    hasher.update(DOS)
    rewrite_receipt(project, {"a.txt": hasher.digests().md5, "b.txt": "2" * 32}, hash_name="md5-dos2unix")
    exported = export(
        "v1.0.0", tmp_path / "out", project.told, repo=project.repo_id, endpoint=project.hub.endpoint,
        environ=project.environ, filters=Filters(("a.txt",), ()),
    )  # fmt: skip
    assert exported.written == ("a.txt",)
    assert (tmp_path / "out" / "a.txt").read_bytes() == DOS
