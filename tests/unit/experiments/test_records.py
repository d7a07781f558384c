"""Records, lists and comparisons of experiments."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from hfver.config.load import load_revision
from hfver.config.settings import Config
from hfver.errors import IntegrityError, UsageError
from hfver.experiments.conditions import parse_condition
from hfver.experiments.records import (
    Difference,
    Experiment,
    GitInfo,
    Run,
    build_record,
    choose,
    compare,
    dump_record,
    parse_record,
    record_folder,
    shared_columns,
)
from hfver.experiments.system_info import system_info

MAIN = b"huggingface: {repository: {model_name: me/bert}}\n"
RUN = Run(
    name="baseline",
    repo="me/bert",
    moment=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    params={"lr": 0.1},
    metrics={"accuracy": 0.9, "loss": float("nan")},
    git=GitInfo("c" * 40, "main", dirty=True, remote="https://git.example/x.git"),
    system={"python": "3.11.7"},
    version="v1.0.0",
    model_path="model",
    model_digest="d" * 32 + ".dir",
)


def config(main: bytes = MAIN, details: bytes = b"") -> Config:
    files = {"config.yaml": main, "configs/huggingface_config.yaml": details}
    return load_revision(files.get, environ={}, label="test")


def experiment(name: str, metrics: dict[str, Any], params: dict[str, Any] | None = None, at: str = "") -> Experiment:
    return Experiment(name, {"eval_results": metrics, "training_params": params or {}, "timestamp": at})


def test_a_record_has_the_configured_fields() -> None:
    details = b"sync: {include_git_info: false, include_system_info: false}\nmodel_card: {base_model: org/base}\n"
    assert build_record(RUN, config(details=details)) == {
        "schema": 1,
        "experiment": "baseline",
        "model_name": "me/bert",
        "base_model": ["org/base"],
        "training_params": {"lr": 0.1},
        "eval_results": RUN.metrics,
        "timestamp": "2026-01-02T03:04:05+00:00",
        "git_commit": "c" * 40,
    }


def test_every_field_can_be_chosen_and_switched_off() -> None:
    everything = (
        b"experiment_tracking: {fields: [model_name, base_model, training_params, eval_results, timestamp, git_commit,"
        b" git_info, system_info, version, model_path, model_digest, metrics, datasets, tags]}\n"
    )
    record = build_record(RUN, config(details=everything))
    assert record["git_info"] == {"branch": "main", "dirty": True, "remote": "https://git.example/x.git"}
    assert record["system_info"] == {"python": "3.11.7"}
    assert (record["version"], record["model_path"], record["model_digest"]) == ("v1.0.0", "model", "d" * 32 + ".dir")
    off = everything + b"sync: {include_git_info: false, include_system_info: false}\n"
    main = b"huggingface: {repository: {model_name: me/bert}, experiment_tracking: {include_metrics: false}}\n"
    record = build_record(RUN, config(main, off))
    assert not {"git_info", "system_info", "metrics", "eval_results"} & set(record)
    only = build_record(RUN, config(details=b"experiment_tracking: {fields: [version]}\n"))
    assert set(only) == {"schema", "experiment", "version", "git_info", "system_info"}


def test_records_are_plain_json_and_read_back() -> None:
    raw = dump_record(build_record(RUN, config()))
    assert json.loads(raw)["eval_results"] == {"accuracy": 0.9, "loss": "nan"}
    assert "NaN" not in raw.decode()
    read = parse_record(raw, name="baseline", where="me/bert-configs@main")
    assert (read.metrics, read.params) == ({"accuracy": 0.9, "loss": "nan"}, {"lr": 0.1})
    assert (read.commit, read.timestamp, read.version) == ("c" * 40, "2026-01-02T03:04:05+00:00", "")


@pytest.mark.parametrize("raw", [b"{", b"[1]", b"\xff", b"[" * 100_000])
def test_a_damaged_record_is_named(raw: bytes) -> None:
    with pytest.raises(IntegrityError, match="me/bert-configs@main: the record of experiment baseline is not"):
        parse_record(raw, name="baseline", where="me/bert-configs@main")


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "a b", "-x", "a\n"])
def test_names_that_leave_their_directory_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name an experiment"):
        record_folder(name)
    assert record_folder("基线-1") == "experiments/基线-1"


ALL = [
    experiment("a", {"accuracy": 0.7, "loss": 1}, {"lr": 0.1}, "2026-01-01"),
    experiment("b", {"accuracy": 0.9}, {"lr": 0.2}, "2026-01-03"),
    experiment("c", {"accuracy": "nan", "loss": 2}, {"lr": 0.3}, "2026-01-02"),
    experiment("d", {}, {}, ""),
]


@pytest.mark.parametrize(
    ("sort", "order"),
    [("", "acbd"), ("-timestamp", "bcad"), ("name", "abcd"), ("accuracy", "abcd"), ("-loss", "cabd"), ("lr", "abcd")],
)
def test_experiments_are_sorted_by_any_value(sort: str, order: str) -> None:
    assert "".join(e.name for e in choose(ALL, sort=sort)) == order


def test_experiments_are_filtered_by_a_condition_and_limited() -> None:
    assert [e.name for e in choose(ALL, where=parse_condition("loss >= 1 and lr < 0.3"))] == ["a"]
    assert [e.name for e in choose(ALL, sort="name", limit=2)] == ["a", "b"]
    with pytest.raises(UsageError, match="no experiment has 'f1'"):
        choose(ALL, sort="f1")
    assert choose([], sort="f1") == []


def test_a_comparison_shows_what_differs() -> None:
    first = experiment("a", {"accuracy": 0.75, "same": 1, "gone": 1}, {"lr": 0.1, "net": {"layers": 2}})
    second = experiment("b", {"accuracy": 1.0, "same": 1}, {"lr": 0.1, "net": {"layers": 4}})
    assert compare(first, second) == [
        Difference("param", "net.layers", 2, 4),
        Difference("metric", "accuracy", 0.75, 1.0),
        Difference("metric", "gone", 1, None),
    ]
    assert [d.change for d in compare(first, second)] == [2, 0.25, None]
    assert len(compare(first, second, everything=True)) == 5


def test_common_metrics_get_columns() -> None:
    assert shared_columns(ALL) == ["accuracy", "loss"]


def test_an_experiment_without_git_has_no_commit() -> None:
    record = build_record(replace(RUN, git=None), config())
    assert (record["git_commit"], record["git_info"]) == (None, None)


def test_system_info_names_no_user_or_host() -> None:
    import getpass
    import platform

    info = system_info()
    assert info["python"] == platform.python_version()
    assert "dvc" in info["packages"]
    text = json.dumps(info)
    assert platform.node() not in text or len(platform.node()) < 4
    assert getpass.getuser() == "root" or getpass.getuser() not in text


def test_what_a_run_took_gets_a_column_only_where_there_is_room() -> None:
    metrics = {"epoch": 3.0, "eval_examples": 10, "eval_runtime": 1.5, "eval_samples_per_second": 7.0, "loss": 0.1}
    runs = [Experiment("a", {"metrics": metrics}), Experiment("b", {"metrics": {**metrics, "accuracy": 0.9}})]
    assert shared_columns(runs, most=2) == ["accuracy", "loss"]
    assert shared_columns(runs, most=3) == ["accuracy", "epoch", "loss"]


def test_a_record_from_the_hub_can_be_calculated_with_whatever_it_holds() -> None:
    raw = b'{"eval_results": {"huge": -%s, "n": 3}}' % (b"9" * 400)
    experiment = parse_record(raw, name="a", where="hub")
    assert parse_condition("huge * 2 < 0 and n == 3").holds(experiment.metrics)
    assert isinstance(experiment.metrics["n"], int)


@pytest.mark.parametrize(("depth", "why"), [(60, "is nested more than 50 levels deep"), (100_000, "is not JSON")])
def test_a_record_that_is_nested_too_deeply_is_named(depth: int, why: str) -> None:
    raw = b'{"a":' * depth + b"1" + b"}" * depth
    with pytest.raises(IntegrityError, match=f"^hub: the record of experiment deep {why}"):
        parse_record(raw, name="deep", where="hub")
    assert parse_record(b'{"a":' * 40 + b"[1]" + b"}" * 40, name="deep", where="hub").record
