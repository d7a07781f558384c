"""Every way a path gets in, with every path that must not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence

import pytest
import yaml

from hfver.config.checks import path_in_repo
from hfver.errors import HfverError
from hfver.mirror.plan import snapshot_files
from hfver.model import OutputFile
from hfver.outputs.dir_object import parse_dir_object
from hfver.outputs.pipelines import parse_pipeline
from hfver.outputs.pointers import parse_dvc_file
from hfver.outputs.resolve import resolve_pointer
from hfver.paths import escape_reason, have_escapes, name_problems, unsafe_reason
from hfver.receipt import GitOrigin, Receipt, dump_receipt, parse_receipt
from hfver.small_files import UnreadError
from tests.support.hostile import HOSTILE_PARTS, HOSTILE_PATHS

MD5 = "1" * 32
PLAIN = OutputFile("model.bin", MD5, 3, "2" * 64)


class _NothingTracked:
    label = "v1.0.0"

    def read(self, path: str, largest: int = 0) -> bytes | None:
        raise AssertionError(f"{path!r} was looked for")

    def read_many(self, paths: Sequence[str], largest: int = 0) -> list[bytes | UnreadError | None]:
        raise AssertionError

    def paths(self) -> tuple[str, ...]:
        raise AssertionError


def pointer_file(path: str) -> None:
    raw = yaml.safe_dump({"outs": [{"path": path, "md5": MD5, "hash": "md5"}]}).encode()
    if not parse_dvc_file(raw, "x.dvc"):
        raise HfverError("outside the repository: left out")


def pointer_below_a_working_directory(path: str) -> None:
    raw = yaml.safe_dump({"wdir": path, "outs": [{"path": "x", "md5": MD5, "hash": "md5"}]}).encode()
    if not parse_dvc_file(raw, "x.dvc"):
        raise HfverError("outside the repository: left out")


def pipeline_output(path: str) -> None:
    definition = yaml.safe_dump({"stages": {"train": {"cmd": "x", "outs": [path]}}}).encode()
    lock = yaml.safe_dump({"schema": "2.0", "stages": {"train": {"outs": [{"path": path, "md5": MD5}]}}}).encode()
    if not parse_pipeline(definition, lock, "dvc.yaml").outputs:
        raise HfverError("outside the repository: left out")


def versioned_cloud_file(path: str) -> None:
    files = [{"relpath": path, "md5": MD5, "size": 3}]
    parse_dvc_file(yaml.safe_dump({"outs": [{"path": "model", "files": files}]}).encode(), "x.dvc")


def directory_object(path: str) -> None:
    parse_dir_object(json.dumps([{"md5": MD5, "relpath": path}]).encode(), "it")


def directory_object_with_others(path: str) -> None:
    entries = [{"md5": MD5, "relpath": name} for name in ("a", path, "词/b")]
    parse_dir_object(json.dumps(entries).encode(), "it")


def receipt(path: str) -> None:
    made = Receipt("1.0.0", "v1.0.0", GitOrigin("c" * 40), "bert", "model", MD5, (replace_path(PLAIN, path),))
    parse_receipt(dump_receipt(made), where="me/bert@v1.0.0")


def replace_path(file: OutputFile, path: str) -> OutputFile:
    return file._replace(path=path)


def path_on_the_command_line(path: str) -> None:
    resolve_pointer(_NothingTracked(), path)


def published_file(path: str) -> None:
    if any(problem.fatal for problem in name_problems(["config.json", path])):
        raise HfverError("not published")


def mirrored_file(path: str) -> None:
    if not snapshot_files([(path, "0" * 40)], ("**",), (), configs=True, results=True):
        raise HfverError("left out")


def configured_path(path: str) -> None:
    try:
        path_in_repo(path)
    except ValueError as error:
        raise HfverError(str(error)) from error


EXACT: tuple[Callable[[str], None], ...] = (
    versioned_cloud_file, directory_object, directory_object_with_others, receipt, published_file, mirrored_file,
)  # fmt: skip
# These name a place in the repository; what is harmless once it is written plainly ("a/./b") is read so.
PLACES: tuple[Callable[[str], None], ...] = (
    pointer_file, pointer_below_a_working_directory, pipeline_output, path_on_the_command_line, configured_path,
)  # fmt: skip


def test_there_are_many() -> None:
    assert len(set(HOSTILE_PATHS)) > 60


def _let_through(way: Callable[[str], None], paths: Iterable[str]) -> list[str]:
    """Those of the paths that a way does not refuse. One test for all of them: each has a world of its own to make."""
    passed = []
    for path in paths:
        try:
            way(path)
        except HfverError:
            continue
        passed.append(path)
    return passed


@pytest.mark.parametrize("way", EXACT, ids=lambda way: way.__name__)
def test_a_file_of_a_version_is_refused(way: Callable[[str], None]) -> None:
    assert _let_through(way, HOSTILE_PATHS) == []


@pytest.mark.parametrize("way", PLACES, ids=lambda way: way.__name__)
def test_a_place_in_the_repository_is_refused(way: Callable[[str], None]) -> None:
    harmless = {"a//b", "a/", "a/./b", "deep/er/../config"}
    if way is pointer_below_a_working_directory:
        harmless.add("deep/..")
    assert _let_through(way, (path for path in HOSTILE_PATHS if path not in harmless and "\0" not in path)) == []


def test_one_rule_says_so() -> None:
    for path in HOSTILE_PATHS:
        assert escape_reason(path), repr(path)
        assert unsafe_reason(path), repr(path)
        assert have_escapes(["config.json", path, "weights/model.bin"]), repr(path)


@pytest.mark.parametrize(
    "path",
    [
        "model.bin", ".gitattributes", ".gitignore", "gitx/y", ".github/workflows/x.yml", ".dvcignore", "dvc", "git",
        "a.git/b", "x.dvc", "git~x", "digit~1", "..a", "a..", "...a", "a b", " a", "-", "~", "词表/vocab.txt",
        "naïve.bin", "\u202farabic?", "e\u0301.txt",
    ],
)  # fmt: skip
def test_ordinary_names_pass(path: str) -> None:
    assert escape_reason(path) is None
    assert not have_escapes(["config.json", path, "词/b"])


def test_the_reason_names_what_it_is_about() -> None:
    for part in HOSTILE_PARTS:
        reason = escape_reason(f"a/{part}/b") or ""
        assert any(named in reason for named in (".git", ".dvc", "part")), repr(part)


@pytest.mark.parametrize(
    "md5", ["../../../../etc/passwd", "x", "1" * 31, "1" * 33, MD5 + ".dir/../x", MD5.upper() + "G", ["a"], {"a": "b"}]
)
def test_a_digest_that_is_none_becomes_no_path_in_the_cache(md5: object) -> None:
    raw = yaml.safe_dump({"outs": [{"path": "model", "md5": md5, "hash": "md5"}]}).encode()
    with pytest.raises(HfverError, match="which is none"):
        parse_dvc_file(raw, "x.dvc")
