"""Experiment records: what is written down about a run, and how runs are listed and compared.

A record is one JSON file in the configs repository (and in git, where `hfver.record_run` puts it):

    experiments/<name>/experiment_metadata.json   the record, with the fields `experiment_tracking.fields` names
    experiments/<name>/config.yaml                the configuration of the run
    experiments/<name>/results/<file>             evaluation results, plots
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hfver.cards.text import flatten
from hfver.errors import IntegrityError, UsageError
from hfver.experiments.conditions import Condition, MissingMetricError
from hfver.experiments.value_files import bounded_number
from hfver.nesting import is_deeper
from hfver.versions import experiment_slug

if TYPE_CHECKING:
    from hfver.config.settings import Config

FOLDER = "experiments"
SCHEMA = 1
LARGEST_RECORD = 4 * 1024 * 1024
_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class GitInfo:
    """Where in git a run was made."""

    commit: str | None
    branch: str | None
    dirty: bool
    remote: str | None  # without credentials

    def as_dict(self) -> dict[str, Any]:
        return {"branch": self.branch, "dirty": self.dirty, "remote": self.remote}


@dataclass(frozen=True, slots=True)
class Run:
    """What is known about a run before the configuration chooses what to tell."""

    name: str
    repo: str
    moment: datetime
    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    eval_results: Mapping[str, Any] = field(default_factory=dict)
    git: GitInfo | None = None
    system: Mapping[str, Any] | None = None
    version: str | None = None
    model_path: str | None = None
    model_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """A record as it was read, from a Hub or a work tree."""

    name: str
    record: Mapping[str, Any]

    @property
    def params(self) -> dict[str, Any]:
        return flatten(_mapping(self.record.get("training_params")))

    @property
    def metrics(self) -> dict[str, Any]:
        both = {**_mapping(self.record.get("metrics")), **_mapping(self.record.get("eval_results"))}
        return flatten(both)

    @property
    def timestamp(self) -> str:
        return str(self.record.get("timestamp") or "")

    @property
    def version(self) -> str:
        return str(self.record.get("version") or "")

    @property
    def commit(self) -> str:
        return str(self.record.get("git_commit") or "")


def record_folder(name: str) -> str:
    """The directory of an experiment; its name must stand in paths and tags as it is."""
    if experiment_slug(name) != name:
        raise UsageError(
            f"{name!r} cannot name an experiment: use letters, digits, '.', '_' and '-'",
            hints=[f"for example {experiment_slug(name)!r}"],
        )
    return f"{FOLDER}/{name}"


def build_record(run: Run, config: Config) -> dict[str, Any]:
    """The record with the fields that are configured; `sync.include_*` and `include_metrics` have the last word."""
    fields = set(config.experiment_tracking.fields)
    fields |= {"git_info"} if config.sync.include_git_info else set()
    fields |= {"system_info"} if config.sync.include_system_info else set()
    fields -= set() if config.sync.include_git_info else {"git_info"}
    fields -= set() if config.sync.include_system_info else {"system_info"}
    if not config.tracking.include_metrics:
        fields -= {"metrics", "eval_results"}
    known = _all_fields(run, config)
    return {"schema": SCHEMA, "experiment": run.name, **{key: known[key] for key in known if key in fields}}


def dump_record(record: Mapping[str, Any]) -> bytes:
    return (json.dumps(_finite(record), sort_keys=True, ensure_ascii=False, indent=2) + "\n").encode()


def parse_record(raw: bytes, *, name: str, where: str) -> Experiment:
    """Read a record from a Hub or a work tree. It is data only, so unknown fields are kept."""
    try:
        record = json.loads(raw, parse_int=bounded_number)
    except (ValueError, RecursionError) as exc:
        raise IntegrityError(f"{where}: the record of experiment {name} is not JSON: {exc}") from exc
    if not isinstance(record, dict):
        raise IntegrityError(f"{where}: the record of experiment {name} is not an object")
    if is_deeper(record, _DEEPEST):
        raise IntegrityError(f"{where}: the record of experiment {name} is nested more than {_DEEPEST} levels deep")
    return Experiment(name, record)


def choose(
    experiments: Iterable[Experiment], *, where: Condition | None = None, sort: str = "", limit: int | None = None
) -> list[Experiment]:
    """Filter and sort. ``sort`` is a metric, a parameter, ``timestamp`` or ``name``; ``-`` in front reverses.

    Experiments without a metric the condition names do not match; those without the value to sort by come last.
    """
    chosen = [experiment for experiment in experiments if where is None or _matches(experiment, where)]
    key = sort.removeprefix("-") or "timestamp"
    known = {name for experiment in chosen for name in (*experiment.metrics, *experiment.params)}
    if chosen and key not in known | {"timestamp", "name"}:
        raise UsageError(f"no experiment has {key!r}", hints=[f"sort by one of {', '.join(sorted(known)[:20])}"])
    with_value = [(value, e) for e in chosen if (value := _sort_value(e, key)) is not None]
    without = sorted((e for e in chosen if _sort_value(e, key) is None), key=lambda e: e.name)
    with_value.sort(key=lambda pair: (*pair[0], pair[1].name), reverse=sort.startswith("-"))
    return [*(experiment for _, experiment in with_value), *without][:limit]


@dataclass(frozen=True, slots=True)
class Difference:
    """A parameter or metric that two runs do not share; None stands for "has none"."""

    kind: str  # param or metric
    name: str
    first: Any
    second: Any

    @property
    def change(self) -> float | None:
        numbers = [value for value in (self.first, self.second) if _is_number(value)]
        return numbers[1] - numbers[0] if len(numbers) == 2 else None


def compare(first: Experiment, second: Experiment, *, everything: bool = False) -> list[Difference]:
    """What differs between two runs, parameters first; with ``everything`` what they share, too."""
    found = []
    sides: tuple[tuple[str, Callable[[Experiment], Mapping[str, Any]]], ...] = (
        ("param", lambda e: e.params),
        ("metric", lambda e: e.metrics),
    )
    for kind, values in sides:
        one, other = values(first), values(second)
        for name in sorted({*one, *other}):
            difference = Difference(kind, name, one.get(name), other.get(name))
            if everything or difference.first != difference.second or (name in one) != (name in other):
                found.append(difference)
    return found


# What trainers write beside the metrics: how long, how much, how fast.
_BOOKKEEPING = re.compile(r"epoch|step|(_|^)(examples|samples|runtime|seconds|tokens|flos)$|_per_second$|num_|total_")


def shared_columns(experiments: Sequence[Experiment], most: int = 4) -> list[str]:
    """The metrics worth a column: those most experiments have, what says how good a run is before what it took."""
    counted: dict[str, int] = {}
    for experiment in experiments:
        for name, value in experiment.metrics.items():
            if _is_number(value):
                counted[name] = counted.get(name, 0) + 1
    ranked = sorted(counted, key=lambda name: (bool(_BOOKKEEPING.search(name)), -counted[name], name))
    return sorted(ranked[:most])


def _all_fields(run: Run, config: Config) -> dict[str, Any]:
    card = config.model_card
    return {
        "model_name": run.repo,
        "base_model": list(card.base_model),
        "training_params": dict(run.params),
        "eval_results": dict(run.eval_results or run.metrics),
        "metrics": dict(run.metrics),
        "timestamp": run.moment.isoformat(timespec="seconds"),
        "git_commit": run.git.commit if run.git else None,
        "git_info": run.git.as_dict() if run.git else None,
        "system_info": run.system,
        "version": run.version,
        "model_path": run.model_path,
        "model_digest": run.model_digest,
        "datasets": [dataset.name for dataset in card.datasets],
        "tags": list(card.tags),
    }


def _matches(experiment: Experiment, where: Condition) -> bool:
    try:
        return where.holds({**experiment.params, **experiment.metrics})
    except MissingMetricError:
        return False


def _sort_value(experiment: Experiment, key: str) -> tuple[int, Any] | None:
    """Numbers before texts, so that one odd value does not make the rest incomparable."""
    if key in ("timestamp", "name"):
        value: Any = getattr(experiment, key)
    else:
        value = {**experiment.params, **experiment.metrics}.get(key)
    if value is None or value == "":
        return None
    return (0, value) if _is_number(value) else (1, str(value))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (str, bool, int, float)) else str(value)
