# ruff: noqa: E501 - messages are quoted whole
"""Files that DVC would expand are named, and DVC is not asked."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hfver.adapters.dvc_bounds import refuse_unbounded
from hfver.errors import StateError
from hfver.small_files import LARGEST, TooLargeError, UnreadError
from tests.unit.test_yaml_bounds import ALIASED, laughs

LAUGHS = laughs(9).decode()
TRAIN = "stages: {train: {cmd: x, outs: [o]}}\n"
WHY = "so DVC, which would expand it, is not asked"


class Tree:
    label = "v1"

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    def read(self, path: str, largest: int = LARGEST) -> bytes | None:
        text = self.files.get(path)
        if text is not None and len(text) > largest:
            raise TooLargeError(f"{path} at v1", len(text), largest)
        return None if text is None else text.encode()

    def read_many(self, paths: Sequence[str], largest: int = LARGEST) -> Sequence[bytes | UnreadError | None]:
        return [self.read(path, largest) for path in paths]

    def paths(self) -> Sequence[str]:
        return list(self.files)


def refused(files: dict[str, str], root: str = "") -> str:
    with pytest.raises(StateError) as caught:
        refuse_unbounded(Tree(files), root)
    return caught.value.message


def test_an_ordinary_pipeline_is_dvcs() -> None:
    refuse_unbounded(
        Tree(
            {
                "a.dvc": "outs: [{path: a}]\n",
                "dvc.yaml": "vars: [more.json, 'conf.yaml:a,b', code.py, {x: 1}]\n"
                "stages:\n  t:\n    foreach: ${names}\n    do: {cmd: 'x ${item} ${x}', params: [lr, {other: [a]}]}\n",
                "dvc.lock": "schema: '2.0'\n",
                "params.yaml": "names: [a, b]\nnames: [c]\n",  # set twice: DVC says so itself
                "more.json": "{}",
                "conf.yaml": "a: &a {b: 1}\nc: {<<: *a}\n",
                "code.py": "x = 1\n",
                "other": "a: 1\n",
                "unused.yaml": LAUGHS,
                ".gitignore": "*.py[co]\n**/cache/*.*.tmp*\n#******\n/model\n",
            }
        )
    )


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"model.dvc": LAUGHS}, f"model.dvc at v1 is not a DVC file: it {ALIASED}"),
        ({"sub/dvc.lock": LAUGHS}, f"sub/dvc.lock at v1 is not a DVC file: it {ALIASED}"),
        ({"dvc.yaml": LAUGHS}, f"dvc.yaml at v1 is not a DVC file: it {ALIASED}"),
        ({"dvc.yaml": "a: [" + "[" * 60}, "dvc.yaml at v1 is not valid YAML: line 2, column 1: did not find expected node content"),
        ({"dvc.yaml": TRAIN, "params.yaml": LAUGHS}, f"params.yaml at v1 {ALIASED} (line 6), {WHY}"),
        ({"s/dvc.yaml": TRAIN, "s/params.yaml": LAUGHS}, f"s/params.yaml at v1 {ALIASED} (line 6), {WHY}"),
        ({"dvc.yaml": "vars: [conf/x]", "conf/x": LAUGHS}, f"conf/x at v1 {ALIASED} (line 6), {WHY}"),
        (
            {"dvc.yaml": "stages: {t: {wdir: w, params: [{p.json: [a]}]}}", "w/p.json": "[" * 99 + "]" * 99},
            f"w/p.json at v1 is nested more than 40 levels deep, {WHY}",
        ),
        (
            {"dvc.yaml": "stages: {t: {wdir: '${w}', vars: [v.yaml]}}", "deep/er/v.yaml": LAUGHS},
            f"deep/er/v.yaml at v1 {ALIASED} (line 6), {WHY}",
        ),
        (
            {"dvc.yaml": "vars: [a.py]\nstages: {t: {cmd: '" + "${x}" * 90 + "'}}", "a.py": "x = [" + "1," * 50_000 + "]"},
            f"dvc.yaml at v1 stands for more than can be told once its templates are filled, {WHY}",
        ),
        ({"dvc.yaml": "vars: [a.py]", "a.py": " " * 1_000_001}, f"a.py at v1 is 1,000,001 bytes of Python, {WHY}"),
        (
            {"dvc.yaml": "stages: {t: {cmd: x, matrix: {" + ",".join(f"k{n}: [1, 2, 3, 4, 5, 6, 7]" for n in range(9)) + "}}}"},
            f"dvc.yaml at v1 stands for more than can be told once its templates are filled, {WHY}",
        ),
        ({"dvc.yaml": "a: '" + "${" * 10_001 + "'"}, f"dvc.yaml at v1 has more than 10,000 templates, {WHY}"),
        ({"dvc.yaml": TRAIN, "params.yaml": "a: !!int ''"}, f"params.yaml at v1 is not YAML, {WHY}"),
        ({"a/.dvcignore": "a\n" + "x*" * 5}, f"a/.dvcignore at v1 has a pattern with too many stars, {WHY}: x*x*x*x*x*"),
        ({".gitignore": "**/a/**/b/**/c/**"}, f".gitignore at v1 has a pattern with too many stars, {WHY}: **/a/**/b/**/c/**"),
        ({"m.dvc": " " * 16_777_217}, "m.dvc at v1 is 16,777,217 bytes; at most 16,777,216 are read"),
    ],
)  # fmt: skip
def test_what_dvc_would_expand_is_named(files: dict[str, str], said: str) -> None:
    assert refused(files) == said


def test_only_the_repository_of_dvc_that_is_asked_is_looked_at() -> None:
    files = {"one/model.dvc": LAUGHS, "one-more/dvc.yaml": TRAIN, "one-more/params.yaml": "a: 1\n"}
    refuse_unbounded(Tree(files), "one-more")
    assert "one/model.dvc" in refused(files, "one")
