# ruff: noqa: E501 - a file's text stands on one line
"""What `hfver init` writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from hfver.config.keys import iter_keys
from hfver.config.load import load_revision
from hfver.config.problems import InvalidConfigError
from hfver.config.schema import Details, HuggingFace
from hfver.config.templates import add_huggingface_section, details_text, json_schema, packaged, schema_text
from hfver.config.values import plain
from hfver.errors import StateError

ROOT = Path(__file__).resolve().parents[3]


def section(text: str) -> dict[str, object]:
    data: dict[str, object] = yaml.safe_load(text)["huggingface"]
    return data


def test_an_existing_file_keeps_every_byte_and_gets_the_section_behind_it() -> None:
    text = "# 我的配置\ntraining:\n    lr: 1.0e-4   # keep\n    list: [1,2]"
    result = add_huggingface_section(text, "me/bert", "模型", "embedded")
    assert result.startswith(text + "\n\n# Releases on the Hugging Face Hub")
    assert section(result)["repository"] == {
        "model_name": "me/bert", "model_path": "模型", "private": True, "auto_create": True,
    }  # fmt: skip
    assert add_huggingface_section(result, "me/other", "x", "https://x") == result, "a second time changes nothing"


def test_windows_line_ends_stay() -> None:
    result = add_huggingface_section("a: 1\r\n", "me/bert", "model", "embedded")
    assert "\n" not in result.replace("\r\n", "")


@pytest.mark.parametrize("text", ["{a: 1}\n", "a: 1\n...\n", "huggingface:\n", "# only a comment\n", ""])
def test_files_where_nothing_can_be_appended_get_the_section_too(text: str) -> None:
    result = add_huggingface_section(text, "me/bert", "model", "embedded")
    assert section(result)["endpoint"] == "embedded"
    assert yaml.safe_load(result).get("a") == (yaml.safe_load(text) or {}).get("a")


def test_a_section_that_exists_is_only_completed() -> None:
    text = "huggingface:\n  # mine\n  endpoint: https://hub.example  # ours\n  repository:\n    private: false\n"
    result = add_huggingface_section(text, "me/bert", "model", "embedded")
    assert "# mine" in result
    assert "https://hub.example  # ours" in result
    assert section(result)["repository"] == {"private": False, "model_name": "me/bert", "model_path": "model"}


def test_broken_files_are_not_touched() -> None:
    with pytest.raises(InvalidConfigError, match="is not YAML"):
        add_huggingface_section("a: [\n", "me/bert", "model", "embedded")
    with pytest.raises(StateError, match="is not a mapping"):
        add_huggingface_section("- 1\n", "me/bert", "model", "embedded")


def test_the_example_file_shows_every_key_and_is_valid() -> None:
    text = packaged("huggingface_config.yaml")
    data = yaml.safe_load(text)
    for key in iter_keys(Details):
        node = data
        for step in key.path:
            name = step.removesuffix("[]")
            if isinstance(node, list):
                node = node[0] if node else {name: None}
            assert name in node, f"{key.dotted} is not shown"
            node = node[name]
    config = load_revision(
        {"config.yaml": b"huggingface: {repository: {model_name: me/b}}", "configs/huggingface_config.yaml": text.encode()}.get,
        environ={}, label="example",
    )  # fmt: skip
    assert config.experiment_tracking == plain(Details().experiment_tracking)
    assert config.formats.semantic == "v{major}.{minor}.{patch}"


def test_the_example_file_shows_the_defaults() -> None:
    data = Details.model_validate(_tuples(yaml.safe_load(packaged("huggingface_config.yaml"))))
    for name in ("settings", "sync", "experiment_tracking", "backup", "notifications", "mirror", "hooks", "repository"):
        assert getattr(data, name) == getattr(Details(), name)


def test_the_written_details_hold_the_users_names() -> None:
    data = yaml.safe_load(details_text("ann", "ann@example.com", '安 "A"'))
    assert data["user"] == {"username": "ann", "email": "ann@example.com"}
    assert data["model_card"]["authors"] == [{"name": '安 "A"', "email": "ann@example.com"}]


def test_the_schema_beside_the_example_is_the_schema_of_the_code() -> None:
    assert (ROOT / "configs" / "huggingface_config.schema.json").read_text(encoding="utf-8") == schema_text()


def test_the_schema_of_the_main_file_leaves_the_rest_to_the_project() -> None:
    schema = json_schema(main=True)
    assert schema["properties"]["huggingface"]["additionalProperties"] is False
    assert "additionalProperties" not in schema
    assert all(reference in schema["$defs"] for reference in _references(schema))


def test_every_key_is_described() -> None:
    for model in (HuggingFace, Details):
        for key in iter_keys(model):
            assert key.description.endswith("."), key.dotted


def _references(value: object) -> list[str]:
    text = json.dumps(value)
    return [part.split('"')[0] for part in text.split("#/$defs/")[1:]]


def _tuples(value: object) -> dict[str, object]:
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value  # type: ignore[return-value]
