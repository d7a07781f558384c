"""The files `hfver init` writes, and the edit of a config.yaml that exists: its text and comments stay as they are."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hfver.config.marks import Document, parse_yaml
from hfver.config.problems import InvalidConfigError
from hfver.errors import StateError

DETAILS_NAME = "huggingface_config.yaml"
SCHEMA_NAME = "huggingface_config.schema.json"

_SECTION = """\
# Releases on the Hugging Face Hub: `git tag v1.0.0` publishes the model that DVC recorded at that commit
huggingface:
  enabled: true                     # false: hooks and automatic syncs do nothing
  config_file: {config_file}
  endpoint: {endpoint}

  repository:
    model_name: {model_name}
    model_path: {model_path}
    private: true                   # created private, and nothing goes to one that is public
    auto_create: true

  auto_sync: true                   # publish from hooks and after training
  upload_items: [model, config, results]

  versioning:
    auto_tag: true                  # a sync without a version makes its tag
    tag_format: "v{{timestamp}}"

  experiment_tracking:
    enabled: true
    include_metrics: true
"""


def add_huggingface_section(
    text: str,
    model_name: str,
    model_path: str,
    endpoint: str,
    *,
    config_file: str = f"configs/{DETAILS_NAME}",
    file: str = "config.yaml",
) -> str:
    """The text of config.yaml with a ``huggingface:`` section.

    A file without the section gets it appended, and nothing else changes. In a section that exists only keys that are
    missing are filled in.
    """
    document, problems = parse_yaml(text.encode(), file)
    if problems:
        raise InvalidConfigError(problems)
    if not isinstance(document.data, dict):
        raise StateError(f"{file} is not a mapping of keys", hints=[f"mend {file}, then run hfver init again"])
    wanted = {
        "config_file": config_file,
        "endpoint": endpoint,
        "repository": {"model_name": model_name, "model_path": model_path},
    }
    if document.data.get("huggingface") is not None:
        return _with_missing_keys(document, wanted)
    if "huggingface" not in document.data:
        appended = _appended(text, wanted)
        if _reads_as(appended, {**document.data, "huggingface": None}):
            return appended
    return _with_missing_keys(document, wanted)


def details_text(username: str, email: str, author: str) -> str:
    """The complete, commented example with the user's names in it."""
    text = packaged(DETAILS_NAME)
    for placeholder, value in (("your-username", username), ("your-email@example.com", email), ("Your Name", author)):
        text = text.replace(f'"{placeholder}"', _quoted(value))
    return text


def schema_text() -> str:
    """The JSON schema of the detailed file, for editors; `hfver config schema` prints the same."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def json_schema(*, main: bool = False) -> dict[str, Any]:
    """The schema of the detailed file, or of config.yaml, where everything but our section is the project's own."""
    from hfver.config.schema import Details, HuggingFace

    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    if not main:
        return draft | Details.model_json_schema()
    section = HuggingFace.model_json_schema()
    definitions = section.pop("$defs", {})
    whole = {"title": "config.yaml", "type": "object", "properties": {"huggingface": section}, "$defs": definitions}
    return draft | whole


def packaged(name: str) -> str:
    """A file of configs/: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_configs", package.parent / "configs"):
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8")
    raise StateError(f"{name} is missing from the installation", hints=["pip install --force-reinstall hfver"])


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _appended(text: str, wanted: Mapping[str, Any]) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    section = _SECTION.format(
        config_file=_quoted(wanted["config_file"]),
        endpoint=_quoted(wanted["endpoint"]),
        model_name=_quoted(wanted["repository"]["model_name"]),
        model_path=_quoted(wanted["repository"]["model_path"]),
    ).replace("\n", newline)
    if not text.strip():
        return text + section
    gap = "" if text.endswith("\n") else newline
    return text + gap + newline + section


def _reads_as(text: str, expected: dict[str, Any]) -> bool:
    """Whether appending worked; it does not behind a flow mapping or an end marker."""
    document, problems = parse_yaml(text.encode(), "")
    return not problems and isinstance(document.data, dict) and document.data | {"huggingface": None} == expected


def _with_missing_keys(document: Document, wanted: Mapping[str, Any]) -> str:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    data = yaml.load(document.text)
    if not _fill(data, {"huggingface": wanted}):
        return document.text
    buffer = io.StringIO()
    yaml.dump(data, buffer)
    return buffer.getvalue()


def _fill(data: Any, wanted: Mapping[str, Any]) -> bool:
    """Set what is missing; True if anything was."""
    changed = False
    for key, value in wanted.items():
        if isinstance(value, Mapping):
            if data.get(key) is None:
                data[key] = {}
            if isinstance(data[key], dict):
                changed |= _fill(data[key], value)
        elif data.get(key) in (None, ""):
            data[key] = value
            changed = True
    return changed
