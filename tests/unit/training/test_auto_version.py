"""The version a sync gets when none is given."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hfver.config.load import load_revision
from hfver.errors import UsageError
from hfver.model import Tag
from hfver.training.auto_version import auto_version

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TAGS = (
    Tag("v1.2.3", "a", None, ""), Tag("v2.0.0", "b", None, ""), Tag("exp-run-001", "a", None, ""),
    Tag("v20260102-030405", "a", None, ""), Tag("nightly", "a", None, ""),
)  # fmt: skip


def version(main: str = "", details: str = "", *, reachable: str = "a", experiment: str = "run") -> str:
    files = {
        "config.yaml": f"huggingface: {{repository: {{model_name: me/bert}}{main}}}\n".encode(),
        "configs/huggingface_config.yaml": details.encode(),
    }
    config = load_revision(files.get, environ={}, label="test")
    return auto_version(config, config.models[0], TAGS, frozenset(reachable), experiment, NOW).tag


@pytest.mark.parametrize(
    ("main", "details", "expected"),
    [
        ("", "", "v20260102-030406"),
        (", versioning: {auto_tag: false}", "", "v1.2.4"),
        (", versioning: {auto_tag: false}", "versioning: {auto_increment: minor}", "v1.3.0"),
        (", versioning: {tag_format: 'v{version}'}", "versioning: {auto_increment: major}", "v2.0.0"),
        (", versioning: {tag_format: 'exp-{experiment_name}-{number:03d}'}", "", "exp-run-002"),
        (", versioning: {auto_tag: false}", "versioning: {semantic_versioning: false}", "v20260102-030406"),
        ("", "versioning: {tag_prefix: build-}", "build-20260102-030405"),
        ("", "versioning: {formats: {timestamp: 'v{year}.{month:02d}.{day:02d}_{hour:02d}'}}", "v2026.01.02_03"),
    ],
)
def test_the_configuration_chooses_the_kind(main: str, details: str, expected: str) -> None:
    if expected == "v2.0.0":
        with pytest.raises(UsageError, match=r"v2\.0\.0, and that tag exists on another line"):
            version(main, details)
        assert version(main, details, reachable="ab") == "v3.0.0"
        return
    assert version(main, details) == expected


def test_without_automatic_versions_one_has_to_be_given() -> None:
    with pytest.raises(UsageError, match="no version was given") as caught:
        version(details="settings: {auto_versioning: false}")
    assert caught.value.hints == ["give one: --version-tag v1.0.0"]


def test_an_experiment_name_becomes_fit_for_a_tag() -> None:
    main = ", versioning: {tag_format: 'exp-{experiment_name}-{number:03d}'}"
    assert version(main, experiment="My run!") == "exp-My-run-001"
