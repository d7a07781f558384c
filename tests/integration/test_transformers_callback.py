"""``HfverCallback`` in a real Trainer that trains a very small real model."""

from __future__ import annotations

import json
import logging
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hfver import HuggingFaceManager
from tests.support.gitting import git
from tests.support.hub import HubForTests
from tests.support.project import Project, new_project
from tests.support.training import QUIET, need_training

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore"),  # other people's libraries; ours are tested everywhere else
]
Train = Callable[..., Any]


@pytest.fixture
def project(tmp_path: Path, hub: HubForTests, monkeypatch: pytest.MonkeyPatch) -> Project:
    need_training()
    made = new_project(tmp_path / "repo", hub)
    monkeypatch.chdir(made.top)
    for name, value in (made.environ | QUIET).items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def train(project: Project) -> Train:
    """Trains for four steps with a callback made from the given options, and returns the callback."""

    def run(**options: Any) -> Any:
        import torch
        from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

        from hfver.integrations.transformers import HfverCallback

        torch.set_num_threads(1)
        torch.manual_seed(0)
        shape = LlamaConfig(
            vocab_size=32, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2
        )
        rows = [{"input_ids": torch.arange(8) + start, "labels": torch.arange(8) + start} for start in range(16)]
        callback = HfverCallback(**options)
        Trainer(
            model=LlamaForCausalLM(shape),
            args=TrainingArguments(
                output_dir=str(project.top.parent / "checkpoints"), max_steps=4, per_device_train_batch_size=4,
                learning_rate=0.01, eval_strategy="steps", eval_steps=4, save_strategy="no", report_to="none",
                use_cpu=True, disable_tqdm=True, dataloader_pin_memory=False,
            ),
            train_dataset=rows,
            eval_dataset=rows[:4],
            callbacks=[callback],
        ).train()  # fmt: skip
        return callback

    return run


def configure(project: Project, line: str) -> None:
    main = project.top / "config.yaml"
    main.write_text(main.read_text().replace("huggingface:\n", f"huggingface:\n  {line}\n"))


def hub_has(project: Project) -> list[str]:
    return [item["version"] for item in HuggingFaceManager().list_versions() if item["revision"]]


def test_a_training_ends_with_a_release_its_results_and_its_record(project: Project, train: Train) -> None:
    told = train(experiment_name="baseline", version_tag="v1.0.0", params={"data": "v3"})
    assert told.urls["model_url"].endswith("/tree/v1.0.0")
    assert project.hub_files("v1.0.0") >= {
        "model.safetensors", "config.json", "eval_results.json", "trainer_state.json", ".hfver/release.json",
    }  # fmt: skip
    record = HuggingFaceManager().list_experiments()[0].record
    assert record["training_params"]["learning_rate"] == 0.01
    assert record["training_params"]["data"] == "v3"
    assert record["training_params"]["num_parameters"] > 1000
    assert record["eval_results"]["eval_loss"] > 0
    assert record["eval_results"]["global_step"] == 4
    assert record["git_commit"] == git(project.top, "rev-parse", "v1.0.0^{commit}")
    assert git(project.top, "status", "--porcelain") == ""


def test_the_released_model_is_the_trained_one(project: Project, train: Train) -> None:
    train(experiment_name="baseline", version_tag="v1.0.0")
    for name in ("model.safetensors", "config.json"):
        assert project.hub_bytes("v1.0.0", name) == (project.top / "model" / name).read_bytes()
    program = (
        "import json, sys; from transformers import AutoModelForCausalLM as M\n"
        "model = M.from_pretrained(sys.argv[1], revision='v1.0.0')\n"
        "print(json.dumps(model.num_parameters()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, project.repo_id], env=dict(os.environ), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) > 1000


def test_an_evaluation_of_ones_own_stands_in_the_results(project: Project, train: Train) -> None:
    train(evaluate=lambda model: {"accuracy": 0.75, "layers": len(model.model.layers)}, sync=False)
    results = json.loads((project.top / "model" / "eval_results.json").read_text())
    assert (results["accuracy"], results["layers"]) == (0.75, 1)
    assert results["eval_loss"] > 0
    assert "eval_runtime" not in results
    assert hub_has(project) == []


def test_without_auto_sync_nothing_is_sent_and_the_command_that_does_is_told(
    project: Project, train: Train, capfd: pytest.CaptureFixture[str]
) -> None:
    configure(project, "auto_sync: false")
    train(experiment_name="baseline")
    assert hub_has(project) == []
    said = capfd.readouterr().err
    assert (
        "hfver: nothing was sent, because huggingface.auto_sync is false. To send it: "
        "hfver sync --model-path model --experiment-name baseline" in said
    )


def test_a_forced_sync_happens_although_it_is_switched_off(project: Project, train: Train) -> None:
    configure(project, "enabled: false")
    assert train(version_tag="v1.0.0", sync=True).urls["version"] == "v1.0.0"
    assert hub_has(project) == ["v1.0.0"]


def test_an_unreachable_hub_costs_no_training_and_the_named_command_finishes_it(
    project: Project, train: Train, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with caplog.at_level(logging.WARNING):
        told = train(experiment_name="baseline", version_tag="v1.0.0")
    assert told.urls == {}
    (warning,) = [record.getMessage() for record in caplog.records if "not synced" in record.getMessage()]
    assert warning.startswith("the model is saved in model, but was not synced:")
    command = warning.rpartition("to finish it: ")[2]
    monkeypatch.setenv("HF_ENDPOINT", project.hub.endpoint)
    bin_dir = Path(sys.executable).parent
    done = subprocess.run([bin_dir / "hfver", *shlex.split(command)[1:]], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert hub_has(project) == ["v1.0.0"]
    assert HuggingFaceManager().list_experiments()[0].params["learning_rate"] == 0.01  # kept although it was offline


def test_nothing_goes_to_a_public_repository_and_the_named_command_asks_for_a_private_one_too(
    project: Project, train: Train, caplog: pytest.LogCaptureFixture
) -> None:
    main = project.top / "config.yaml"
    main.write_text(main.read_text().replace("  repository:\n", "  repository:\n    private: false\n"))
    project.hub.repo(private=False)
    with caplog.at_level(logging.WARNING):
        assert train(experiment_name="baseline", version_tag="v1.0.0", private=True).urls == {}
    (warning,) = [record.getMessage() for record in caplog.records if "not synced" in record.getMessage()]
    assert f"{project.repo_id} is public and is to be private: nothing was sent to it" in warning
    assert f"hf repos settings {project.repo_id} --private\n" in warning
    assert warning.endswith("hfver sync --model-path model --experiment-name baseline --version-tag v1.0.0 --private")
    assert hub_has(project) == []


def test_a_wrong_configuration_is_told_before_the_training_and_does_not_stop_it(
    project: Project, train: Train, caplog: pytest.LogCaptureFixture
) -> None:
    configure(project, "auto_snyc: true")
    with caplog.at_level(logging.WARNING):
        train(model_path="model")
    first, *_, last = [record.getMessage() for record in caplog.records if record.name.startswith("hfver")]
    assert first.startswith("the sync at the end of this training will fail: ")
    assert "config.yaml:2:3" in first
    assert "auto_sync" in first
    assert last.startswith("the model is saved in model, but was not synced")
    assert (project.top / "model" / "model.safetensors").is_file()


def test_an_evaluation_that_fails_leaves_the_saved_model(
    project: Project, train: Train, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        train(evaluate=lambda _model: 1 / 0)
    assert "the model is saved in model, but was not evaluated: ZeroDivisionError" in caplog.text
    assert (project.top / "model" / "model.safetensors").is_file()
    assert hub_has(project) == []


def test_in_a_dvc_stage_the_sync_waits_for_dvc(
    project: Project, train: Train, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DVC_STAGE", "train")
    train(experiment_name="baseline")
    assert "the sync comes after this DVC stage" in capfd.readouterr().err
    assert hub_has(project) == []


def test_only_the_main_process_does_anything(project: Project) -> None:
    from hfver.integrations.transformers import HfverCallback

    other = SimpleNamespace(is_world_process_zero=False)
    callback = HfverCallback("missing.yaml")
    callback.on_train_begin(SimpleNamespace(), other, None)
    callback.on_train_end(SimpleNamespace(), other, None, model=object())
    assert not (project.top / "model").exists()
