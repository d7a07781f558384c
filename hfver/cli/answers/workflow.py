"""Answers of the training workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from hfver.cli.answers import Error


@dataclass(frozen=True, slots=True)
class Cost:
    """What an operation cost."""

    operation: Annotated[str, "what was measured"]
    seconds: Annotated[float, "time it took"]
    sent_bytes: Annotated[int, "size of the files that were sent; Xet may have sent less"]
    bytes_per_second: Annotated[int, "the rate of that"]
    peak_memory_bytes: Annotated[int, "most memory this process had; 0 where the system does not tell"]


@dataclass(frozen=True, slots=True)
class Synced:
    """A training run that was synced; in a list with several runs."""

    experiment: Annotated[str, "name of the experiment"]
    status: Annotated[Literal["done", "skipped", "failed"], "what came of it"]
    version: Annotated[str | None, "the version that was released"]
    urls: Annotated[Mapping[str, str], "where it stands: `model_url`, `config_url`, `results_url`"]
    skipped: Annotated[str | None, "why nothing was done"]
    cost: Annotated[Cost | None, "null if it failed"]
    error: Annotated[Error | None, "why it failed; only among several"] = None


@dataclass(frozen=True, slots=True)
class UploadedModel:
    """A released model."""

    version: Annotated[str | None, "the version"]
    model_url: Annotated[str, "where it stands"]
    cost: Cost


@dataclass(frozen=True, slots=True)
class UploadedConfig:
    """The configuration of an experiment."""

    config_url: Annotated[str, "where it stands"]


@dataclass(frozen=True, slots=True)
class UploadedResults:
    """The results of an experiment."""

    results_url: Annotated[str, "where they stand"]


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A version that was fetched."""

    version: Annotated[str, "what was asked for"]
    path: Annotated[str, "the directory it is in"]


@dataclass(frozen=True, slots=True)
class ListedVersion:
    """One version of one model."""

    version: Annotated[str, "the tag"]
    model: Annotated[str, "name of the model"]
    repo: Annotated[str, "its repository on the Hub"]
    state: Annotated[str, "as in `hfver status`; `no git` outside a git repository"]
    commit: Annotated[str | None, "the commit in git"]
    revision: Annotated[str | None, "the commit on the Hub"]
    url: Annotated[str | None, "where it stands there"]


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment as it is recorded."""

    name: Annotated[str, "name of the experiment"]
    version: Annotated[str, "the version made of it; empty if there is none"]
    timestamp: Annotated[str, "time of the run; empty if the record has none"]
    git_commit: Annotated[str, "its commit; empty if the record has none"]
    params: Annotated[Mapping[str, Any], "parameters by dotted name"]
    metrics: Annotated[Mapping[str, Any], "metrics by dotted name"]
    record: Annotated[Mapping[str, Any], "the record as it is, with the fields `experiment_tracking.fields` names"]


@dataclass(frozen=True, slots=True)
class Value:
    """A parameter or metric of two experiments."""

    kind: Annotated[str, "`param` or `metric`"]
    name: Annotated[str, "its dotted name"]
    first: Annotated[Any, "its value in the first; null if it has none"]
    second: Annotated[Any, "its value in the second; null if it has none"]
    change: Annotated[float | None, "second minus first, for numbers"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """In what two experiments differ."""

    first: Annotated[str, "name of the first"]
    second: Annotated[str, "name of the second"]
    differences: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Card:
    """The card a release would get."""

    path: Annotated[str | None, "the file it was written to, with `--output`"]
    text: Annotated[str, "the card"]
