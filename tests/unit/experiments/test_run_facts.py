"""Parameters and metrics of a commit."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from hfver.experiments.run_facts import clean_params, metrics_of, numbers, read_facts, result_files
from hfver.model import OutputFile
from hfver.small_files import TooLargeError
from tests.unit.test_yaml_bounds import ALIASED, laughs


class Tree:
    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    def read(self, path: str) -> bytes | None:
        text = self.files.get(path)
        return None if text is None else text.encode()

    def paths(self) -> Iterable[str]:
        return self.files


def test_params_and_metrics_come_from_where_dvc_says() -> None:
    tree = Tree({
        "params.yaml": "lr: 0.1\nnet: {layers: 2}\n",
        "dvc.yaml": """
metrics: [out/metrics.json]
params: [more.toml]
stages:
  train:
    wdir: sub
    params: [lr]
    metrics: [{scores.yaml: {cache: false}}, "${item}.json"]
  each:
    foreach: [1]
    do: {metrics: [each.json]}
""",
        "dvc.lock": "schema: '2.0'\nstages: {train: {params: {params.yaml: {lr: 0.1}, other.yaml: {seed: 7}}}}\n",
        "more.toml": "epochs = 3\n",
        "out/metrics.json": '{"accuracy": 0.9, "eval": {"loss": NaN}}',
        "sub/scores.yaml": "f1: 0.8\n",
        "each.json": '{"each": 1}',
    })  # fmt: skip
    facts = read_facts(tree)
    assert facts.params == {"epochs": 3, "lr": 0.1, "net": {"layers": 2}, "seed": 7}
    assert facts.metrics == {"accuracy": 0.9, "eval": {"loss": "nan"}, "f1": 0.8, "each": 1}


def test_dvclive_and_plain_result_files_are_found_without_dvc() -> None:
    tree = Tree({"dvclive/params.yaml": "a: 1\n", "dvclive/metrics.json": '{"m": 1}', "eval_results.json": '{"e": 2}'})
    facts = read_facts(tree)
    assert (facts.params, facts.metrics) == ({"a": 1}, {"m": 1, "e": 2})


def test_without_parameter_files_the_projects_own_configuration_counts() -> None:
    config: dict[str, Any] = {"huggingface": {"enabled": True}, "seed": 1, "training": {"lr": 0.1}}
    assert read_facts(Tree({}), main_config=config).params == {"lr": 0.1}
    del config["training"]
    assert read_facts(Tree({}), main_config=config).params == {"seed": 1}
    assert read_facts(Tree({"params.yaml": "lr: 9\n"}), main_config=config).params == {"lr": 9}


def test_the_model_brings_its_evaluation_and_the_end_of_its_training() -> None:
    state = {
        "epoch": 2.0,
        "global_step": 20,
        "best_metric": None,
        "log_history": [
            {"epoch": 1.0, "loss": 2.5, "step": 10},
            {"epoch": 2.0, "eval_loss": 1.5, "eval_runtime": 3.1, "eval_samples_per_second": 9, "step": 20},
            {"train_loss": 2.0, "train_runtime": 99.0, "total_flos": 1e9, "step": 20},
        ],
    }
    files = {"trainer_state.json": json.dumps(state).encode(), "eval_results.json": b'{"accuracy": 0.5}'}
    assert read_facts(Tree({}), model_files=files).metrics == {
        "accuracy": 0.5, "epoch": 2.0, "global_step": 20, "loss": 2.5, "eval_loss": 1.5, "train_loss": 2.0,
    }  # fmt: skip
    assert metrics_of(b'{"a": Infinity}', "eval_results.json") == {"a": "inf"}


def test_only_small_result_files_at_the_top_of_the_model_are_asked_for() -> None:
    files = [
        OutputFile("eval_results.json", "0" * 32),
        OutputFile("checkpoint-1/trainer_state.json", "1" * 32),
        OutputFile("trainer_state.json", "2" * 32, size=10**9),
        OutputFile("model.safetensors", "3" * 32),
    ]
    assert [file.path for file in result_files(files)] == ["eval_results.json"]


def test_equal_names_with_different_values_keep_both() -> None:
    tree = Tree({"metrics.json": '{"loss": 1, "same": 5}', "eval_results.json": '{"loss": 2, "same": 5}'})
    assert read_facts(tree).metrics == {"loss": 1, "eval_results.json:loss": 2, "same": 5}


@pytest.mark.parametrize("name", ["wandb_api_key", "hub.token", "PASSWORD", "client-secret", "token"])
def test_secrets_among_the_parameters_are_not_told(name: str) -> None:
    facts = read_facts(Tree({"params.yaml": f"a: {{'{name}': abc, tokenizer: bpe, max_tokens: 5}}\n"}))
    assert facts.params == {"a": {name: "[hidden]", "tokenizer": "bpe", "max_tokens": 5}}


def test_a_hub_token_is_hidden_wherever_it_stands() -> None:
    token = "hf_" + "x1" * 20
    assert token not in str(read_facts(Tree({"metrics.json": json.dumps({"note": f"see {token}"})})).metrics)


@pytest.mark.parametrize("text", ["[1]", "{", "nul", "{" * 100_000, ""])
def test_files_that_hold_no_values_are_no_facts(text: str) -> None:
    tree = Tree({"eval_results.json": text, "params.yaml": text, "dvc.yaml": text, "dvc.lock": text})
    assert (read_facts(tree).params, read_facts(tree).metrics) == ({}, {})


def test_paths_never_leave_the_repository() -> None:
    tree = Tree({"dvc.yaml": "metrics: [../../etc/metrics.json, /etc/metrics.json]\n"})
    asked: list[str] = []
    tree.read = lambda path: asked.append(path) or None if path != "dvc.yaml" else tree.files[path].encode()  # type: ignore[method-assign, func-returns-value]
    read_facts(tree)
    assert not [path for path in asked if path.startswith((".", "/"))]


def test_files_with_more_than_anybody_writes_are_named_and_left_out() -> None:
    bomb = laughs(9).decode()
    tree = Tree({
        "params.yaml": bomb, "dvc.yaml": bomb, "dvc.lock": "[" * 100, "metrics.json": "[" * 100 + "]" * 100,
        "eval_results.json": '{"f1": 0.5}', "dvclive/params.yaml": "lr: 0.1\n",
    })  # fmt: skip
    facts = read_facts(tree, model_files={"trainer_state.json": b"{"})
    assert (facts.params, facts.metrics) == ({"lr": 0.1}, {"f1": 0.5})
    left_out = "its parameters and metrics are left out"
    assert [problem.replace(ALIASED, "LAUGHS") for problem in facts.problems] == [
        f"dvc.lock is nested more than 40 levels deep (line 1): {left_out}",
        f"dvc.yaml LAUGHS (line 6): {left_out}",
        f"params.yaml LAUGHS (line 6): {left_out}",
        f"metrics.json is nested more than 40 levels deep: {left_out}",
        "trainer_state.json is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1): "
        + left_out,
    ]


def test_a_file_that_is_not_read_at_all_is_named() -> None:
    class Endless(Tree):
        def read(self, path: str) -> bytes | None:
            if path == "params.yaml":
                raise TooLargeError(path, 1 << 40, 10)
            return super().read(path)

    facts = read_facts(Endless({"params.yaml": "", "metrics.json": '{"f1": 0.5}'}))
    assert facts.metrics == {"f1": 0.5}
    assert facts.problems == (
        "params.yaml is 1,099,511,627,776 bytes; at most 10 are read: its parameters and metrics are left out",
    )


def test_a_number_too_long_for_decimals_is_told_as_text() -> None:
    assert clean_params({"seed": 1 << 20_000})["seed"].startswith("0x1000")


def test_numbers_are_what_can_be_compared() -> None:
    assert numbers({"a": 1, "b": {"c": 0.5, "d": "x"}, "e": True}) == {"a": 1, "b.c": 0.5}
