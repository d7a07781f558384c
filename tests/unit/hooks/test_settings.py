from __future__ import annotations

import pytest

from hfver.config.schema import Hooks, HuggingFace, Mirror
from hfver.hooks.settings import CONFIG_FILE, DETAILS_FILE, HookSettings, read_settings
from tests.unit.test_yaml_bounds import laughs

CONFIGURED = "huggingface:\n  enabled: true\n"


def settings(config: str, details: str = "", details_path: str = DETAILS_FILE) -> HookSettings:
    files = {CONFIG_FILE: config.encode(), details_path: details.encode()}
    return read_settings(files.get)


def test_the_defaults_are_those_of_the_schema() -> None:
    defaults, hooks, section = HookSettings(), Hooks(), HuggingFace()
    assert (defaults.publish, defaults.tag_guard) == (hooks.publish, hooks.tag_guard)
    assert hooks.require_published is None
    assert defaults.require_published == section.auto_sync
    assert (defaults.enabled, defaults.auto_sync) == (section.enabled, section.auto_sync)
    assert defaults.mirror_branches == Mirror().branches


def test_without_a_section_nothing_is_published() -> None:
    assert not settings("lr: 0.1\n").publishes
    assert not settings("").publishes
    assert settings(CONFIGURED).publishes


@pytest.mark.parametrize("key", ["enabled", "auto_sync"])
def test_switched_off_publishes_nothing(key: str) -> None:
    assert not settings(f"huggingface:\n  {key}: false\n").publishes


@pytest.mark.parametrize(
    ("details", "required"),
    [("", False), ("hooks:\n  require_published:\n", False), ("hooks: {require_published: true}\n", True)],
)
def test_where_tags_are_not_released_here_pushing_them_is_free_unless_said_otherwise(
    details: str, required: bool
) -> None:
    assert settings(CONFIGURED + "  auto_sync: false\n", details).require_published is required
    assert settings(CONFIGURED, details).require_published


def test_the_file_the_section_names_is_read() -> None:
    config = CONFIGURED + "  config_file: other/hf.yaml\n"
    details = "hooks: {publish: background, tag_guard: false, require_published: false}\nmirror: {branches: [dev]}\n"
    found = settings(config, details, "other/hf.yaml")
    assert (found.publish, found.tag_guard, found.require_published) == ("background", False, False)
    assert found.mirror_branches == ("dev",)


@pytest.mark.parametrize(
    ("config", "details", "versions", "others"),
    [
        (CONFIGURED, "", ["v1.2.3", "v1.2.3-rc.1+b5", "v20240101-120000", "exp-a-001"], ["v1.2", "1.2.3", "build-7"]),
        (CONFIGURED, "versioning: {tag_prefix: release-}", ["release-1.2.3"], ["v1.2.3"]),
        (CONFIGURED, "versioning: {semantic_versioning: false}", ["v20240101-120000"], ["v1.2.3"]),
        (CONFIGURED, "versioning: {formats: {semantic: 'm{major}_{minor}_{patch}'}}", ["m1_2_3"], ["v1.2.3"]),
        (CONFIGURED, "versioning: {formats: {semantic: '{major}'}}", ["v1.2.3"], ["7"]),
        ("huggingface: {models: [{name: a}, {name: b, tag_prefix: bee/}]}", "", ["a-v1.0.0", "bee/v1.0.0"], ["v1.0.0"]),
    ],
    ids=["defaults", "prefix", "no semantic versions", "own format", "impossible format", "models"],
)
def test_versions_are_recognised_as_configured(
    config: str, details: str, versions: list[str], others: list[str]
) -> None:
    found = settings(config, details)
    assert [tag for tag in versions if found.version(tag) is None] == []
    assert [tag for tag in others if found.version(tag) is not None] == []


@pytest.mark.parametrize(
    "rest",
    [laughs(9), b"a: [", b"[" * 40_000, b"# " + b"x" * 2_000_000, b"a: !!timestamp x"],
    ids=["aliases", "open list", "nested without end", "size", "tag"],
)
def test_what_cannot_be_loaded_but_is_meant_for_us_goes_to_the_full_check(rest: bytes) -> None:
    """Or the tag would be made, not be released, and nobody would be told why."""
    found = read_settings({CONFIG_FILE: CONFIGURED.encode() + rest}.get)
    assert (found.publishes, found.tag_guard, found.version("v1.2.3") is not None) == (True, True, True)
    assert not read_settings({CONFIG_FILE: rest}.get).configured
    assert read_settings({CONFIG_FILE: CONFIGURED.encode(), DETAILS_FILE: rest}.get).publishes


def test_an_applications_own_tags_are_none_of_our_business() -> None:
    assert settings(f"secret: !env HOME\n{CONFIGURED}").publishes


@pytest.mark.parametrize(
    "text",
    ["huggingface: [", "- 1\n- 2\n", "huggingface: 3", "\x00", "huggingface: {enabled: 7}", "[" * 40_000],
    ids=["open list", "list", "number", "zero byte", "wrong kind", "nested without end"],
)
def test_nonsense_counts_as_default_and_raises_nothing(text: str) -> None:
    assert settings(text, text).publish == "foreground"
