"""The guides do what they say: every code block is run, in order, against the embedded hub.

A comment in front of a block says what is special about it:

    <!-- test: skip REASON -->     not run; the reason is part of the guide's honesty
    <!-- test: file PATH -->       the block is the content of that file
    <!-- test: exit N -->          the commands are expected to fail
    <!-- test: output -->          every line stands in what the block before printed
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guide.md"
CHINESE = ROOT / "docs" / "zh" / "guide.md"
_BLOCK = re.compile(
    r"(?:^<!-- test: (?P<how>\w+)(?: (?P<value>[^\n]*?))? -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
MOST_SKIPPED = 3


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    how: str
    value: str
    line: int


def blocks(path: Path) -> Iterator[Block]:
    guide = path.read_text(encoding="utf-8")
    for match in _BLOCK.finditer(guide):
        line = guide.count("\n", 0, match.start("text"))
        yield Block(match["language"], match["text"], match["how"] or "", match["value"] or "", line)


class Reader:
    """Somebody who types everything, in one shell and one Python session."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.names: dict[str, object] = {}
        self.printed = ""

    def follow(self, block: Block) -> None:
        if block.how == "file":
            target = self.place / block.value
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
        elif block.how == "output":
            missing = [line for line in block.text.splitlines() if line.strip() not in self.printed]
            assert not missing, f"line {block.line}: not printed: {missing}\n{self.printed}"
        elif block.language == "bash":
            self.shell(block)
        elif block.language == "python":
            self.python(block)

    def shell(self, block: Block) -> None:
        bin_dir = Path(sys.executable).parent
        environ = {**os.environ, "PATH": f"{bin_dir}{os.pathsep}{os.environ['PATH']}", "CI": "1"}
        script = f'{block.text}\nlast=$?\npwd > "$HFVER_GUIDE_PWD"\nexit $last\n'
        where = self.place.parent / "pwd"
        done = subprocess.run(
            ["bash", "-c", script if block.how == "exit" else f"set -e\n{script}"], cwd=self.place,
            env={**environ, "HFVER_GUIDE_PWD": str(where)}, capture_output=True, text=True,
        )  # fmt: skip
        self.printed = done.stdout + done.stderr
        expected = int(block.value) if block.how == "exit" else 0
        assert done.returncode == expected, f"line {block.line}: exit {done.returncode}\n{block.text}\n{self.printed}"
        self.place = Path(where.read_text().strip())
        os.chdir(self.place)

    def python(self, block: Block) -> None:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block.text, f"{GUIDE.name}:{block.line}", "exec"), self.names)
        self.printed = printed.getvalue()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_block_of_the_guide_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "home dir"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "0")
    reader = Reader(place)
    for block in blocks(GUIDE):
        if block.how != "skip":
            reader.follow(block)
    assert "your-username/mcp-finetuned-model" in (reader.place / "config.yaml").read_text()


def test_hardly_anything_is_skipped_and_each_has_a_reason() -> None:
    skipped = [block for block in blocks(GUIDE) if block.how == "skip"]
    assert all(block.value for block in skipped)
    assert len(skipped) <= MOST_SKIPPED


def test_the_chinese_guide_has_the_same_code() -> None:
    def code(path: Path) -> list[tuple[str, str, str, str]]:
        return [
            (block.language, "" if block.how == "skip" else block.value, block.how, _without_comments(block.text))
            for block in blocks(path)
        ]

    assert code(CHINESE) == code(GUIDE)


def _without_comments(text: str) -> str:
    return re.sub(r"\s+# .*$", "", text, flags=re.MULTILINE)
