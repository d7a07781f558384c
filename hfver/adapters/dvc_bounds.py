"""What DVC must not be asked to read: it expands aliases, templates and matrices of every file in the repository.

Asked before DVC reads all pipelines of a work tree or a commit, as it does to record one model or to find one output:
every ``.dvc``, ``dvc.yaml`` and ``dvc.lock``, the files of parameters that a dvc.yaml names, and what is to be ignored.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hfver.errors import StateError
from hfver.experiments.value_files import UnusableError, load_values, read_dvc_values
from hfver.outputs.expansion import expands_beyond_measure
from hfver.outputs.pipelines import around_templates
from hfver.outputs.pointers import as_list, is_dvc_file, join_path, load_mapping
from hfver.outputs.resolve import Tree
from hfver.small_files import UnreadError
from hfver.yaml_bounds import POINTERS

PARAMS = "params.yaml"
_IGNORE_FILES = (".dvcignore", ".gitignore")
_READ = ("dvc.yaml", "dvc.lock", *_IGNORE_FILES)
# DVC makes regular expressions of patterns: six stars and a long name of a file take minutes.
_MOST_STARS = 4  # in one part of a path
_MOST_DOUBLE_STARS = 3
# DVC looks for the end of each `${` up to the end of the line.
_MOST_TEMPLATES = 10_000
_LARGEST_PYTHON = 1_000_000
_WHY = "so DVC, which would expand it, is not asked"


def refuse_unbounded(tree: Tree, root: str = "") -> None:
    """StateError naming the first file below ``root`` that DVC would take hours or all memory for."""
    paths = [path for path in tree.paths() if not root or path.startswith(f"{root}/")]
    names = [path for path in paths if is_dvc_file(path) or posixpath.basename(path) in _READ]
    for path, raw in zip(names, tree.read_many(names, POINTERS.bytes), strict=True):
        if isinstance(raw, UnreadError):
            raise raw
        if raw is None:
            continue
        if posixpath.basename(path) in _IGNORE_FILES:
            _refuse_patterns(raw, path, tree.label)
            continue
        load_mapping(raw, path, f"{path} at {tree.label}")
        if posixpath.basename(path) == "dvc.yaml":
            _refuse_pipeline(tree, path, raw, paths)


def _refuse_patterns(raw: bytes, path: str, label: str) -> None:
    for line in raw.splitlines():
        stars = max(part.replace(b"**", b"").count(b"*") for part in line.split(b"/"))
        if (stars > _MOST_STARS or line.count(b"**") > _MOST_DOUBLE_STARS) and not line.startswith(b"#"):
            shown = line[:100].decode("utf-8", "replace")
            raise StateError(f"{path} at {label} has a pattern with too many stars, {_WHY}: {shown}")


def _refuse_pipeline(tree: Tree, path: str, raw: bytes, paths: Sequence[str]) -> None:
    origin = f"{path} at {tree.label}"
    if raw.count(b"${") > _MOST_TEMPLATES:
        raise StateError(f"{origin} has more than {_MOST_TEMPLATES:,} templates, {_WHY}")
    try:
        definition = read_dvc_values(raw)
    except UnusableError as exc:
        raise StateError(f"{origin} {exc}, {_WHY}") from exc
    values = [item for item in as_list(definition.get("vars")) if isinstance(item, Mapping)]
    values += [
        item for _, body in _stages(definition) for item in as_list(body.get("vars")) if isinstance(item, Mapping)
    ]
    unknown = 1
    for name in dict.fromkeys(_value_files(definition, path, paths)):
        found = _values_of(tree, name)
        if isinstance(found, int):
            unknown = max(unknown, found)
        else:
            values.append(found)
    if expands_beyond_measure(definition, values, unknown):
        raise StateError(f"{origin} stands for more than can be told once its templates are filled, {_WHY}")


def _stages(definition: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    stages = definition.get("stages")
    for stage in stages.values() if isinstance(stages, Mapping) else ():
        if isinstance(stage, Mapping):
            body = stage.get("do", stage)
            if isinstance(body, Mapping):
                yield str(body.get("wdir") or "."), body


def _value_files(definition: Mapping[str, Any], path: str, paths: Sequence[str]) -> Iterator[str]:
    """Files that DVC may read values from for this pipeline."""
    folder = posixpath.dirname(path)
    anywhere: set[str] = set()  # names of files whose place only DVC can tell
    places = [(".", [PARAMS, *_named(definition.get("vars"))])]
    places += [
        (wdir, [PARAMS, *_named(body.get("vars")), *_params(body.get("params"))]) for wdir, body in _stages(definition)
    ]
    for wdir, names in places:
        base = None if _is_template(wdir) else join_path(folder, wdir)
        for name in names:
            if _is_template(wdir) or _is_template(name):
                anywhere.add(posixpath.basename(name))
            elif base is not None and (place := join_path(base, name)):
                yield place
    yield from (place for place in paths if posixpath.basename(place) in anywhere)


def _is_template(text: str) -> bool:
    return len(around_templates(text)) > 1


def _named(items: object) -> list[str]:
    """``file`` and ``file:key,key``."""
    return [item.rpartition(":")[0] or item for item in as_list(items) if isinstance(item, str)]


def _params(items: object) -> list[str]:
    """``{file: keys}``; a plain key is one of params.yaml."""
    return [str(name) for item in as_list(items) if isinstance(item, Mapping) for name in item]


def _values_of(tree: Tree, path: str) -> Mapping[str, Any] | int:
    """What a file says, or how much it can say at most where only DVC can read it."""
    origin = f"{path} at {tree.label}"
    raw = tree.read(path, POINTERS.bytes)
    if raw is None:
        return {}
    if path.endswith(".py"):
        if len(raw) > _LARGEST_PYTHON:
            raise StateError(f"{origin} is {len(raw):,} bytes of Python, {_WHY}")
        return len(raw) // 2
    try:
        # As DVC does: what has another ending is YAML.
        return load_values(path if path.endswith((".json", ".toml", ".yaml", ".yml")) else f"{path}.yaml", raw)
    except UnusableError as exc:
        raise StateError(f"{origin} {exc}, {_WHY}", hints=[f"git log -3 -- {path}"]) from exc
