"""The guides do what they say: every block of both is run, in order, against the embedded hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.gitting import new_repo
from tests.support.guides import Block, Reader, first_missing, read_blocks, reader_environment
from tests.support.hub import HubForTests
from tests.support.training import QUIET, need_training

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDES = (DOCS / "guide.md", DOCS / "zh" / "guide.md")
MOST_ILLUSTRATIONS = 4

# What the guide's example of a training imports: data and a model that are quick to train.
YOURS = """
import torch
from transformers import LlamaConfig, LlamaForCausalLM

torch.set_num_threads(1)
tiny_model = LlamaForCausalLM(
    LlamaConfig(vocab_size=32, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2)
)
train_data = [{"input_ids": torch.arange(8) + start, "labels": torch.arange(8) + start} for start in range(16)]
eval_data = train_data[:4]
"""


def reader(hub: HubForTests, project: Path, *, training: bool) -> Reader:
    new_repo(project)
    made = Reader(project, reader_environment(hub.endpoint, hub.token) | QUIET, training)
    (project / "datasets_of_yours.py").write_text(YOURS)
    made.train("mcp_finetuned_model")
    return made


def named(guide: Path) -> str:
    return guide.relative_to(DOCS).as_posix()


# Both show the same blocks (see below), so one of them is enough for the tests that people run all the time.
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "guide", [pytest.param(guide, marks=pytest.mark.slow) for guide in GUIDES], ids=[named(guide) for guide in GUIDES]
)
def test_every_block_of_a_guide_works(guide: Path, own_hub: HubForTests, tmp_path: Path) -> None:
    follower = reader(own_hub, tmp_path / "project", training=False)
    follower.follow(guide)
    assert follower.run > 25


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("guide", GUIDES, ids=named)
def test_every_block_of_a_guide_works_with_a_real_training(guide: Path, own_hub: HubForTests, tmp_path: Path) -> None:
    need_training()
    reader(own_hub, tmp_path / "project", training=True).follow(guide)


@pytest.mark.parametrize("guide", GUIDES, ids=named)
def test_few_blocks_are_only_looked_at(guide: Path) -> None:
    blocks = list(read_blocks(guide.read_text(encoding="utf-8")))
    assert sum("illustration" in block.directives for block in blocks) <= MOST_ILLUSTRATIONS


def test_both_guides_show_the_same_commands_and_settings() -> None:
    english, chinese = (
        [(b.language, len(b.text.splitlines())) for b in read_blocks(guide.read_text(encoding="utf-8"))]
        for guide in GUIDES
    )
    assert chinese == english


def test_blocks_are_read_with_what_stands_before_them() -> None:
    text = "text\n<!-- exit: 4 -->\n<!-- new training -->\n```bash\nfalse\n```\n\n```text\nno\n```\n"
    assert list(read_blocks(text)) == [
        Block("bash", "false\n", 4, {"exit": "4", "new training": ""}),
        Block("text", "no\n", 8, {}),
    ]


@pytest.mark.parametrize(
    ("expected", "missing"),
    [
        ("one\ntwo\n", None),
        ("one …\n", "one …"),
        ("o…e\n", None),
        ("…wo\n", None),
        ("wo\n", "wo"),
        ("two\none\n", "one"),
    ],
)
def test_what_is_printed_is_compared_line_by_line_in_order(expected: str, missing: str | None) -> None:
    assert first_missing(expected, "one\nand\ntwo\n") == missing
