"""Tags and versions: parse and format undo each other, order within a scheme, the next version."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
import semver
from hypothesis import given
from hypothesis import strategies as st

from hfver.errors import UsageError
from hfver.tag_template import TemplateError
from hfver.versions import (
    Experiment,
    Level,
    Scheme,
    TagFormats,
    Version,
    default_formats,
    experiment_slug,
    format_experiment,
    format_semantic,
    format_timestamp,
    next_experiment,
    next_version,
    parse,
    release_branch,
    timestamp_version,
)

FORMATS = TagFormats()

numbers = st.integers(0, 10**6)
identifiers = st.from_regex(r"(?:0|[1-9][0-9]{0,3}|[0-9]{0,2}[A-Za-z-][0-9A-Za-z-]{0,5})", fullmatch=True)
tails = st.lists(identifiers, max_size=3).map(".".join).map(lambda text: text or None)
semantic_values = st.builds(semver.Version, numbers, numbers, numbers, tails, tails)
names = st.from_regex(r"\w(?:[\w-]{0,8}\w)?", fullmatch=True)
prefixes = st.sampled_from(["", "bert-", "模型/", "exp-"])
moments = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)).map(lambda d: d.replace(microsecond=0))  # noqa: DTZ001
semantic_formats = st.sampled_from(
    ["v{major}.{minor}.{patch}", "release-{major}_{minor}_{patch}", "{major}.{minor:02d}.{patch:03d}"]
)


def version(tag: str, prefix: str = "") -> Version:
    parsed = parse(tag, FORMATS, prefix)
    assert parsed is not None, tag
    return parsed


@given(semantic_values, semantic_formats, prefixes)
def test_semantic_tags_are_read_as_they_were_written(value: semver.Version, semantic: str, prefix: str) -> None:
    formats = TagFormats(semantic=semantic)
    tag = format_semantic(value, formats, prefix)
    parsed = parse(tag, formats, prefix)
    assert parsed is not None
    assert parsed.tag == tag
    assert str(parsed.value) == str(value)


@given(moments, prefixes)
def test_timestamp_tags_are_read_as_they_were_written(moment: datetime, prefix: str) -> None:
    parsed = parse(format_timestamp(moment, FORMATS, prefix), FORMATS, prefix)
    assert parsed is not None
    assert (parsed.scheme, parsed.value) == (Scheme.TIMESTAMP, moment)


@given(names, st.integers(0, 10**6), prefixes)
def test_experiment_tags_are_read_as_they_were_written(name: str, number: int, prefix: str) -> None:
    parsed = parse(format_experiment(Experiment(name, number), FORMATS, prefix), FORMATS, prefix)
    assert parsed is not None
    assert parsed.value == Experiment(name, number)


@given(st.one_of(st.from_regex(r"v[0-9.+a-z-]{1,20}", fullmatch=True), st.text(max_size=30)))
def test_whatever_is_read_formats_to_the_same_tag(tag: str) -> None:
    parsed = parse(tag, FORMATS)
    if parsed is None:
        return
    if isinstance(parsed.value, semver.Version):
        assert format_semantic(parsed.value, FORMATS) == tag
    elif isinstance(parsed.value, Experiment):
        assert format_experiment(parsed.value, FORMATS) == tag
    else:
        assert format_timestamp(parsed.value, FORMATS) == tag


@pytest.mark.parametrize(
    ("tag", "scheme"),
    [
        ("v1.2.3", Scheme.SEMANTIC),
        ("v1.2.3-rc.1", Scheme.SEMANTIC),
        ("v1.2.3-rc.1+linux.5", Scheme.SEMANTIC),
        ("v20240101-120000", Scheme.TIMESTAMP),
        ("exp-baseline-001", Scheme.EXPERIMENT),
        ("exp-a-1-b-1000", Scheme.EXPERIMENT),
        ("exp-基线-002", Scheme.EXPERIMENT),
    ],
)
def test_the_three_kinds_are_told_apart(tag: str, scheme: Scheme) -> None:
    assert version(tag).scheme is scheme


@pytest.mark.parametrize(
    "tag",
    ["", "v", "v1", "v1.2", "1.2.3", "v01.2.3", "v1.2.3-", "v1.2.3-01", "v1.2.3 ", "v1.2.3\n", "v20241301-000000",
     "v20240101-1200", "exp-a-1", "exp-a-0001", "exp--001", "exp-a..b-001", "v1.2.3-rc_1", "nightly",
     "v" + "9" * 5000 + ".0.0"],
)  # fmt: skip
def test_other_tags_are_no_versions(tag: str) -> None:
    assert parse(tag, FORMATS) is None


def test_a_model_only_sees_tags_with_its_prefix() -> None:
    assert version("bert-v1.2.0", "bert-").prefix == "bert-"
    assert parse("bert-v1.2.0", FORMATS) is None
    assert parse("v1.2.0", FORMATS, "bert-") is None


def test_switched_off_semantic_tags_are_no_versions() -> None:
    formats = TagFormats(semantic=None)
    assert parse("v1.2.3", formats) is None
    assert parse("v20240101-120000", formats) is not None
    with pytest.raises(UsageError, match="semantic_versioning"):
        next_version([], "patch", formats=formats)


def test_a_tag_prefix_changes_the_default_formats() -> None:
    formats = default_formats("rel-")
    assert parse("rel-1.0.0", formats) is not None
    assert parse("rel-20240101-000000", formats) is not None
    assert parse("v1.0.0", formats) is None


@given(semantic_values, semantic_values)
def test_any_two_versions_are_ordered_as_semver_orders_them(one: semver.Version, other: semver.Version) -> None:
    first, second = (parse(f"v{value}", TagFormats()) for value in (one, other))
    assert first is not None
    assert second is not None
    if one.compare(other) != 0:
        assert (first < second) == (one < other)


def test_versions_are_ordered_as_semver_orders_them() -> None:
    tags = ["v0.9.0", "v1.0.0-alpha.1", "v1.0.0-rc.2", "v1.0.0-rc.10", "v1.0.0", "v1.0.0+b", "v1.10.0", "v2.0.0"]
    assert [v.tag for v in sorted(version(tag) for tag in reversed(tags))] == tags


def test_different_kinds_and_models_refuse_to_be_compared() -> None:
    with pytest.raises(UsageError, match=re.escape("v1.0.0 (semantic) and exp-a-001 (experiment) have no order")):
        sorted([version("exp-a-001"), version("v1.0.0")])
    with pytest.raises(UsageError, match="have no order"):
        assert version("v1.0.0") < version("bert-v2.0.0", "bert-")


@pytest.mark.parametrize(
    ("current", "level", "expected"),
    [
        ("v1.2.3", "patch", "v1.2.4"),
        ("v1.2.3", "minor", "v1.3.0"),
        ("v1.2.3", "major", "v2.0.0"),
        ("v1.2.3", "prerelease", "v1.2.4-rc.1"),
        ("v1.2.4-rc.1", "prerelease", "v1.2.4-rc.2"),
        ("v1.2.4-rc.9", "prerelease", "v1.2.4-rc.10"),
        ("v1.2.4-beta.3", "prerelease", "v1.2.4-rc.1"),
        ("v1.2.4-rc.2", "finalize", "v1.2.4"),
        ("v1.2.4-rc.2", "patch", "v1.2.4"),
        ("v1.2.4-rc.2", "minor", "v1.3.0"),
        ("v1.3.0-rc.1", "minor", "v1.3.0"),
        ("v1.3.0-rc.1", "major", "v2.0.0"),
        ("v2.0.0-rc.1", "major", "v2.0.0"),
        ("v2.0.0-rc.1", "patch", "v2.0.0"),
        ("v1.2.3+build.7", "patch", "v1.2.4"),
    ],
)
def test_the_next_version_follows_the_cycle(current: str, level: Level, expected: str) -> None:
    assert next_version([version(current), version("v0.1.0"), version("exp-a-001")], level).tag == expected


def test_a_first_version_needs_no_other() -> None:
    assert [next_version([], level).tag for level in ("patch", "minor", "major", "prerelease")] == [
        "v0.0.1",
        "v0.1.0",
        "v1.0.0",
        "v0.0.1-rc.1",
    ]


@pytest.mark.parametrize(
    ("current", "level", "pre", "message"),
    [
        ("v1.2.3", "finalize", "rc", "1.2.3 is not a pre-release"),
        ("v1.2.4-rc.1", "prerelease", "beta", "1.2.4-beta.1 does not come after 1.2.4-rc.1"),
        ("v1.2.3", "prerelease", "r c", "'r c' cannot name a pre-release"),
        ("v1.2.3", "prerelease", "1", "'1' cannot name a pre-release"),
    ],
)
def test_impossible_steps_are_refused(current: str, level: Level, pre: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        next_version([version(current)], level, pre)


def test_a_version_that_exists_elsewhere_is_not_made_twice() -> None:
    with pytest.raises(UsageError, match=re.escape("v1.0.1, and that tag exists on another line")):
        next_version([version("v1.0.0")], "patch", taken={"v1.0.1"})


@given(semantic_values, st.sampled_from(["patch", "minor", "major", "prerelease"]))
def test_a_next_version_is_always_higher(value: semver.Version, level: Level) -> None:
    current = version(format_semantic(value, FORMATS))
    try:
        following = next_version([current], level)
    except UsageError as exc:
        assert "does not come after" in exc.message  # a foreign pre-release name
    else:
        assert following > current


def test_experiments_are_numbered_by_name() -> None:
    known = [version("exp-base-001"), version("exp-base-009"), version("exp-other-041"), version("v1.0.0")]
    assert next_experiment(known, "base", formats=FORMATS).tag == "exp-base-010"
    assert next_experiment(known, "new", formats=FORMATS).tag == "exp-new-001"
    with pytest.raises(UsageError, match="cannot be part of a tag") as caught:
        next_experiment(known, "my run!", formats=FORMATS)
    assert caught.value.hints == ["for example 'my-run'"]


@given(st.text(max_size=30))
def test_a_slug_can_always_name_an_experiment(name: str) -> None:
    assert format_experiment(Experiment(experiment_slug(name), 1), FORMATS)


def test_the_release_branch_is_the_line_of_the_version() -> None:
    assert release_branch(version("v1.2.3-rc.1")) == "release/1.2"
    with pytest.raises(UsageError, match="not a semantic version"):
        release_branch(version("exp-a-001"))


def test_a_timestamp_version_takes_its_moment_as_argument() -> None:
    made = timestamp_version(datetime(2024, 1, 1, 12), formats=FORMATS, prefix="bert-")  # noqa: DTZ001
    assert made.tag == "bert-v20240101-120000"


@pytest.mark.parametrize(
    ("formats", "message"),
    [
        (TagFormats(semantic="v{major}.{minor}"), "must hold {major}, {minor} and {patch}"),
        (TagFormats(semantic="v{major}.{minor}.{patch}-x"), "end with {patch}"),
        (TagFormats(semantic="v{major}{minor}.{patch}"), "where {major} ends and {minor} begins cannot be told"),
        (TagFormats(semantic="v{major}.{minor}.{patches}"), "unknown field {patches}"),
        (TagFormats(semantic="v{major}.{minor}.{patch!r}"), "can only have a width"),
        (TagFormats(semantic="v{major}.{minor}.{patch:x}"), "can only have a width"),
        (TagFormats(semantic="v{major}.{minor}.{patch"), "expected '}'"),
        (TagFormats(semantic="v {major}.{minor}.{patch}"), "characters that git does not allow"),
        (TagFormats(semantic="-{major}.{minor}.{patch}"), "starts with '-'"),
        (TagFormats(timestamp="v{year}{month}{day:02d}"), "where {month} ends and {day} begins cannot be told"),
        (TagFormats(timestamp="v{year}"), "at least {year}"),
        (TagFormats(timestamp="v"), "no field"),
        (TagFormats(experiment="exp-{name}"), "must hold {name} and {number:03d}"),
        (TagFormats(experiment="{name}0{number}"), "something other than digits"),
        (TagFormats(experiment="{number}0{name}"), "could belong to it"),
        (TagFormats(experiment="{name}-{number}.lock"), "ends in a way git does not allow"),
        (TagFormats(experiment="{name}-{name}-{number}"), "{name} twice"),
        (TagFormats(timestamp="{year}.{month:02d}.{day:02d}", semantic="{major}.{minor}.{patch}"), "both a semantic"),
    ],
)  # fmt: skip
def test_formats_that_could_not_be_read_back_are_refused(formats: TagFormats, message: str) -> None:
    with pytest.raises(TemplateError, match=re.escape(message)):
        _ = formats.templates
