"""``examples/mcp_finetune`` as its reader uses it: a copy that is a repository of its own, trained and released."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub import HubForTests, running_hub
from tests.support.training import QUIET, need_training

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "mcp_finetune"
REPO = "demo/mcp-tool-caller"
BIN = Path(sys.executable).parent

# Loads a revision from the Hub and lets it answer requests of the held-out data.
ANSWER = """
import json, sys
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
sys.path.insert(0, ".")
from tool_calls import prompt_of, read_call

torch.set_num_threads(1)
repo, revision = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(repo, revision=revision).eval()
tokenizer = AutoTokenizer.from_pretrained(repo, revision=revision)
right = 0
examples = [json.loads(line) for line in open("data/eval.jsonl", encoding="utf-8")][:20]
for example in examples:
    ids = tokenizer(prompt_of(example), return_tensors="pt", return_token_type_ids=False)
    with torch.no_grad():
        out = model.generate(**ids, max_new_tokens=80, do_sample=False)
    text = tokenizer.decode(out[0, ids["input_ids"].shape[1]:], skip_special_tokens=True)
    right += read_call(text) == example["call"]
print(json.dumps(right / len(examples)))
"""


class Copy:
    """The example in a git repository of its own, with the embedded hub of this test."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.environ = {**os.environ, **QUIET, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "USER": "demo"}
        shutil.copytree(EXAMPLE, top, ignore=shutil.ignore_patterns("data", "__pycache__", ".*", "mcp_finetuned_model"))
        shutil.copyfile(EXAMPLE / ".gitignore", top / ".gitignore")
        self("git", "init", "--quiet")
        self("hfver", "init", "--yes")
        self.commit("Set up")

    def __call__(self, *command: str, code: int = 0) -> str:
        done = subprocess.run(
            command, cwd=self.top, env=self.environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert done.returncode == code, f"{command}: exit {done.returncode}\n{done.stdout}"
        assert "Traceback" not in done.stdout, done.stdout
        return done.stdout

    def json(self, *command: str) -> Any:
        done = subprocess.run([*command, "--json"], cwd=self.top, env=self.environ, capture_output=True, check=True)
        return json.loads(done.stdout)

    def commit(self, message: str) -> None:
        self("git", "add", "--all")
        self("git", "commit", "--quiet", "--message", message)

    def edit(self, **values: object) -> None:
        """Change `key: value` lines of config.yaml, whatever section they stand in."""
        text = (self.top / "config.yaml").read_text()
        for name, value in values.items():
            text = re.sub(rf"^( *{name}): .*", rf"\1: {value}", text, flags=re.MULTILINE)
        (self.top / "config.yaml").write_text(text)

    def hub(self) -> Any:
        return running_hub(Path(self.environ["HFVER_HUB_DIR"]))


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    need_training()
    return Copy(tmp_path / "my-tool-caller")


def quick(copy: Copy) -> None:
    """A training of a few seconds, for tests that are about something else."""
    copy.edit(train_examples=64, eval_examples=8, epochs=1, hidden_size=32, layers=1)
    copy.commit("Smaller")


def test_the_example_trains_releases_and_its_model_answers_from_the_hub(copy: Copy) -> None:
    printed = copy("./run_training.sh", "--version-tag", "v1.0.0")
    assert f"{REPO}/tree/v1.0.0" in printed

    model = copy.top / "mcp_finetuned_model"
    results = json.loads((model / "eval_results.json").read_text())
    assert results["valid_json"] >= 0.95
    assert results["tool_name_accuracy"] >= 0.95
    assert results["accuracy"] >= 0.7
    losses = [entry["loss"] for entry in json.loads((model / "trainer_state.json").read_text())["log_history"]
              if "loss" in entry]  # fmt: skip
    assert losses[-1] < losses[0] / 10

    (version,) = copy.json("hfver", "list-versions")
    assert (version["version"], version["state"]) == ("v1.0.0", "aligned")
    (experiment,) = copy.json("hfver", "list-experiments")
    assert experiment["metrics"]["accuracy"] == results["accuracy"]
    assert experiment["record"]["training_params"]["training"]["learning_rate"] == 0.003
    assert copy("git", "status", "--porcelain") == ""

    with copy.hub() as hub:
        share = answered_from(hub, copy)
    assert share >= 0.7


def answered_from(hub: HubForTests, copy: Copy) -> float:
    done = subprocess.run(
        [sys.executable, "-c", ANSWER, REPO, "v1.0.0"], cwd=copy.top, env={**copy.environ, **hub_variables(hub)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return float(json.loads(done.stdout.splitlines()[-1]))


def hub_variables(hub: HubForTests) -> dict[str, str]:
    return {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.token}


def test_the_flags_of_the_script_decide_whether_anything_is_sent(copy: Copy) -> None:
    quick(copy)
    printed = copy("./run_training.sh", "--skip-hf-sync")
    assert "Nothing was sent (--skip-hf-sync). To send it: hfver sync" in printed
    copy.edit(auto_sync="false")
    printed = copy("./run_training.sh")
    assert "Nothing was sent: huggingface.enabled or auto_sync is false in config.yaml" in printed
    assert copy("git", "tag") == ""
    copy.edit(enabled="false")
    assert f"{REPO}/tree/v" in copy("./run_training.sh", "--force-hf-sync")
    (version,) = copy.json("hfver", "list-versions")
    assert version["state"] == "aligned"


def test_another_configuration_is_used_and_remembered(copy: Copy) -> None:
    quick(copy)
    (copy.top / "custom.yaml").write_text((copy.top / "config.yaml").read_text().replace("seed: 7", "seed: 8"))
    printed = copy("./run_training.sh", "--config", "custom.yaml", "--experiment-name", "other", "--skip-hf-sync")
    assert "params.yaml: config is now custom.yaml" in printed
    assert "custom.yaml:" in (copy.top / "dvc.lock").read_text()
    assert "config: custom.yaml\nexperiment: other\n" in (copy.top / "params.yaml").read_text()


def test_the_steps_work_without_the_pipeline_and_the_second_one_syncs(copy: Copy) -> None:
    quick(copy)
    copy("python", "generate_dataset.py", "--config", "config.yaml")
    printed = copy("python", "train_mcp_model.py", "--config", "config.yaml", "--version-tag", "v1.0.0")
    assert "hfver: v1.0.0 is synced: " in printed
    assert [item["state"] for item in copy.json("hfver", "list-versions")] == ["aligned"]
    assert copy("git", "status", "--porcelain") == ""


def test_wrong_options_are_named_and_cost_nothing(copy: Copy) -> None:
    assert "Usage: ./run_training.sh" in copy("./run_training.sh", "--help")
    assert "unknown option --frobnicate" in copy("./run_training.sh", "--frobnicate", code=2)
    assert "missing.yaml does not exist" in copy("./run_training.sh", "--config", "missing.yaml", code=2)
    assert "exclude each other" in copy("./run_training.sh", "--skip-hf-sync", "--force-hf-sync", code=2)
    copy.edit(auto_sync="perhaps")
    assert "config.yaml:" in copy("./run_training.sh", code=2)
    assert not (copy.top / "data").exists()


def test_the_data_set_is_the_same_every_time_and_its_halves_share_no_request(copy: Copy) -> None:
    copy("python", "generate_dataset.py")
    first = {path.name: path.read_bytes() for path in (copy.top / "data").iterdir()}
    copy("python", "generate_dataset.py")
    assert {path.name: path.read_bytes() for path in (copy.top / "data").iterdir()} == first
    train, held_out = (
        {json.loads(line)["request"] for line in first[f"{name}.jsonl"].splitlines()} for name in ("train", "eval")
    )
    assert len(train) == 700
    assert len(held_out) == 100
    assert not train & held_out
