"""Parameters and metrics of a training run, read from the files of a commit (or of the work tree).

    params    params.yaml, the parameter files dvc.yaml names, values dvc.lock recorded, DVCLive's params.yaml;
              without any of them the project's own part of config.yaml
    metrics   the metrics dvc.yaml names, DVCLive's metrics.json, eval_results.json, and a Trainer's state

Everything is a function of the files given, so a release of one commit has the same facts on every machine. Files in
DVC's cache are read only where they are part of the model itself, because a release has those bytes by definition.
"""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from hfver.cards.text import flatten
from hfver.errors import StateError
from hfver.experiments.value_files import LARGEST_JSON, UnusableError, read_dvc_values, read_values
from hfver.model import OutputFile
from hfver.redact import HIDDEN, HUB_TOKEN
from hfver.secret_values import KNOWN

EVAL_RESULTS = "eval_results.json"
TRAINER_STATE = "trainer_state.json"
RESULT_FILES = (EVAL_RESULTS, "all_results.json", TRAINER_STATE)
_ENDINGS = (".json", ".toml", ".yaml", ".yml")
_MOST_BITS = 1000
_SECRET_NAME = re.compile(
    r"(?:^|[._-])(?:token|secret|passw(?:or)?d|api_?key|access_?key|credentials?)$", re.IGNORECASE
)
_OPTIMISER_NOISE = re.compile(r"_runtime$|_per_second$|^total_flos$")


class Files(Protocol):
    """A tree of files; `hfver.outputs.resolve.Tree` is one."""

    def read(self, path: str) -> bytes | None: ...

    def paths(self) -> Iterable[str]: ...


@dataclass(frozen=True, slots=True)
class RunFacts:
    """``problems`` are sentences about files whose values are not among these."""

    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def result_files(files: Iterable[OutputFile]) -> tuple[OutputFile, ...]:
    """Files of the model that tell about its training; whoever calls ``read_facts`` brings their bytes."""
    return tuple(
        file
        for file in files
        if posixpath.basename(file.path) in RESULT_FILES
        and file.path.count("/") == 0
        and (file.size is None or file.size <= LARGEST_JSON)
    )


def results_in(files: Mapping[str, Path]) -> dict[str, bytes]:
    """The result files among those of a model that stands here, as ``read_facts`` takes them."""
    found = {name: files[name] for name in RESULT_FILES if name in files}
    return {name: file.read_bytes() for name, file in found.items() if file.stat().st_size <= LARGEST_JSON}


def read_facts(
    tree: Files,
    *,
    model_files: Mapping[str, bytes] | None = None,
    main_config: Mapping[str, Any] | None = None,
) -> RunFacts:
    """``model_files`` are the bytes of `result_files` by path; ``main_config`` is all of config.yaml."""
    reading = _Reading(tree)
    named = reading.named_by_dvc()
    params = _merged(reading.values((*named.params, "params.yaml", "dvclive/params.yaml")))
    for file, values in named.recorded:
        params = _merge(params, values, file)
    if not params and main_config is not None:
        own = {key: value for key, value in main_config.items() if key != "huggingface"}
        params = dict(_mapping(own.get("training")) or own)
    metrics = _merged(reading.values((*named.metrics, "dvclive/metrics.json", "metrics.json", EVAL_RESULTS)))
    for path, raw in sorted((model_files or {}).items()):
        metrics = _merge(metrics, reading.results(path, raw), path)
    return RunFacts(_clean(params, hide=True), _clean(metrics, hide=False), tuple(dict.fromkeys(reading.problems)))


def metrics_of(raw: bytes, name: str) -> Mapping[str, Any]:
    """What an evaluation's result file says; the summary, for a Trainer's state. Nothing where it cannot be used."""
    try:
        return _clean(_results(name, raw), hide=False)
    except UnusableError:
        return {}


def clean_params(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Parameters as they may be told: plain values, and nothing that is a secret."""
    return _clean(params, hide=True)


@dataclass(frozen=True, slots=True)
class _Named:
    """What the dvc.yaml and dvc.lock files of a tree say about params and metrics."""

    params: tuple[str, ...]
    metrics: tuple[str, ...]
    recorded: tuple[tuple[str, Mapping[str, Any]], ...]


class _Reading:
    """Reads files of a tree and notes which of them could not be used."""

    def __init__(self, tree: Files) -> None:
        self._tree = tree
        self.problems: list[str] = []

    def named_by_dvc(self) -> _Named:
        params: list[str] = []
        metrics: list[str] = []
        recorded: list[tuple[str, Mapping[str, Any]]] = []
        for path in sorted(path for path in self._tree.paths() if posixpath.basename(path) in ("dvc.yaml", "dvc.lock")):
            data = self._use(path, self._read(path), read_dvc_values)
            folder = posixpath.dirname(path)
            if path.endswith("dvc.lock"):
                recorded += _recorded_params(folder, data)
                continue
            params += _paths(folder, data.get("params"))
            metrics += _paths(folder, data.get("metrics"))
            for stage in _mapping(data.get("stages")).values():
                body = _mapping(_mapping(stage).get("do", stage))  # the body of a foreach
                metrics += _paths(posixpath.join(folder, str(body.get("wdir") or ".")), body.get("metrics"))
        return _Named(tuple(dict.fromkeys(params)), tuple(dict.fromkeys(metrics)), tuple(recorded))

    def values(self, paths: Iterable[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for path in dict.fromkeys(paths):
            raw = self._read(path) if path.endswith(_ENDINGS) else None
            if raw is not None:
                yield path, self.results(path, raw)

    def results(self, path: str, raw: bytes) -> Mapping[str, Any]:
        return self._use(path, raw, lambda content: _results(path, content))

    def _read(self, path: str) -> bytes | None:
        try:
            return self._tree.read(path)
        except StateError as error:  # too large, or no file
            self.problems.append(f"{error.message}: its parameters and metrics are left out")
            return None

    def _use(self, path: str, raw: bytes | None, read: Callable[[bytes], Mapping[str, Any]]) -> Mapping[str, Any]:
        try:
            return read(raw) if raw is not None else {}
        except UnusableError as error:
            self.problems.append(f"{path} {error}: its parameters and metrics are left out")
            return {}


def _recorded_params(folder: str, lock: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for stage in _mapping(lock.get("stages")).values():
        for name, values in _mapping(_mapping(stage).get("params")).items():
            yield _join(folder, str(name)) or str(name), _mapping(values)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _paths(base: str, items: object) -> Iterator[str]:
    """Paths in a list whose items are paths or ``{path: flags}``; templates are left to DVC."""
    for item in items if isinstance(items, list) else []:
        for name in item if isinstance(item, Mapping) else [item]:
            joined = _join(base, name) if isinstance(name, str) and "${" not in name else None
            if joined is not None:
                yield joined


def _join(base: str, name: str) -> str | None:
    joined = posixpath.normpath(posixpath.join(base, name))
    return None if joined.startswith(("../", "/")) or joined in ("..", ".") else joined


def _results(path: str, raw: bytes) -> Mapping[str, Any]:
    data = read_values(path, raw)
    return _trainer_summary(data) if posixpath.basename(path) == TRAINER_STATE else data


def _trainer_summary(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The end of a transformers Trainer's log: its last evaluation and loss, without timings."""
    summary = {key: state[key] for key in ("epoch", "global_step", "best_metric") if state.get(key) is not None}
    for entry in state.get("log_history") or []:
        if isinstance(entry, Mapping):
            summary |= {
                key: value
                for key, value in entry.items()
                if isinstance(value, (int, float)) and key not in ("step", "epoch") and not _OPTIMISER_NOISE.search(key)
            }
    return summary


def _merged(files: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for path, values in files:
        merged = _merge(merged, values, path)
    return merged


def _merge(known: dict[str, Any], values: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Names keep their first value; another file's different value gets the file in front of its name."""
    merged = dict(known)
    for name, value in values.items():
        if isinstance(value, Mapping) and isinstance(merged.get(name), Mapping):
            merged[name] = _merge(merged[name], value, path)
        elif name not in merged or merged[name] == value:
            merged[name] = value
        else:
            merged[f"{path}:{name}"] = value
    return merged


def _clean(values: Mapping[str, Any], *, hide: bool) -> dict[str, Any]:
    """Plain JSON values. A parameter that is a secret by its name, or a token by its looks, is not told."""
    return {str(name): _clean_value(str(name), value, hide) for name, value in values.items()}


def _clean_value(name: str, value: Any, hide: bool) -> Any:
    if isinstance(value, Mapping):
        return _clean(value, hide=hide)
    if isinstance(value, (list, tuple)):
        return [_clean_value("", item, hide) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return hex(value)  # no float holds it, and Python refuses to write the longest in decimals
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return HIDDEN if hide and _SECRET_NAME.search(name) and value else _without_own_secrets(str(value))


def _without_own_secrets(text: str) -> str:
    """Without tokens of Hubs and what this process knows to be a secret. Keys that are known by their form alone are
    left to whoever publishes: there they are taken out, or refused, and said."""
    return HUB_TOKEN.sub(HIDDEN, KNOWN.replaced(text, HIDDEN))


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The metrics that can be compared, by dotted name."""
    return {
        name: value
        for name, value in flatten(values).items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }
