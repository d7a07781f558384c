"""What a tag means: semantic versions, timestamps and experiments; their order, and which one comes next.

``v1.2.3-rc.1`` is semantic, ``v20240101-120000`` a timestamp, ``exp-baseline-001`` an experiment. The templates are
configuration (``versioning.formats``); a model's ``tag_prefix`` (``bert-``) stands in front of any of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Literal

from hfver.errors import UsageError
from hfver.tag_template import Template, TemplateError, Value, compile_template

if TYPE_CHECKING:
    import semver

Level = Literal["patch", "minor", "major", "prerelease", "finalize"]
LEVELS: tuple[Level, ...] = ("patch", "minor", "major", "prerelease", "finalize")

_SEMANTIC_FIELDS = frozenset({"major", "minor", "patch"})
_TIMESTAMP_FIELDS = frozenset({"year", "month", "day", "hour", "minute", "second"})
_EXPERIMENT_FIELDS = frozenset({"name", "number"})
_LONGEST_TAG = 250  # a ref is a file name too; longer ones are somebody's mischief
_DATE_FIELDS = ("year", "month", "day", "hour", "minute", "second")
# The tail of a semantic version as semver.org's grammar has it.
_SEMVER_TAIL = re.compile(r"(-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?")


class Scheme(StrEnum):
    SEMANTIC = "semantic"
    TIMESTAMP = "timestamp"
    EXPERIMENT = "experiment"


@dataclass(frozen=True, slots=True, order=True)
class Experiment:
    name: str
    number: int


@dataclass(frozen=True)
class TagFormats:
    """The grammar of tags. ``semantic`` None means that semantic tags are not versions here."""

    semantic: str | None = "v{major}.{minor}.{patch}"
    timestamp: str = "v{year}{month:02d}{day:02d}-{hour:02d}{minute:02d}{second:02d}"
    experiment: str = "exp-{name}-{number:03d}"

    @cached_property
    def templates(self) -> dict[Scheme, Template]:
        """Every template compiled and checked; raises TemplateError for one that could not be parsed back."""
        found: dict[Scheme, Template] = {}
        if self.semantic is not None:
            found[Scheme.SEMANTIC] = semantic_template(self.semantic)
        found[Scheme.TIMESTAMP] = timestamp_template(self.timestamp)
        found[Scheme.EXPERIMENT] = experiment_template(self.experiment)
        _refuse_overlap(found)
        return found


def semantic_template(text: str) -> Template:
    template = compile_template(text, allowed=_SEMANTIC_FIELDS)
    if set(template.fields) != _SEMANTIC_FIELDS or template.ends_with_field != "patch":
        raise TemplateError(
            f"{text!r} must hold {{major}}, {{minor}} and {{patch}} and end with {{patch}}, "
            "because pre-releases are written behind it"
        )
    return template


def timestamp_template(text: str) -> Template:
    template = compile_template(text, allowed=_TIMESTAMP_FIELDS, fixed_width=True)
    if not {"year", "month", "day"} <= set(template.fields):
        raise TemplateError(f"{text!r} must hold at least {{year}}, {{month:02d}} and {{day:02d}}")
    return template


def experiment_template(text: str) -> Template:
    template = compile_template(text, allowed=_EXPERIMENT_FIELDS)
    if set(template.fields) != _EXPERIMENT_FIELDS:
        raise TemplateError(f"{text!r} must hold {{name}} and {{number:03d}}")
    return template


@dataclass(frozen=True, eq=False)
class Version:
    """A tag's parsed meaning. Versions of one scheme have an order; comparing across schemes raises."""

    scheme: Scheme
    tag: str
    value: semver.Version | datetime | Experiment
    prefix: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.tag == other.tag and self.scheme == other.scheme

    def __hash__(self) -> int:
        return hash((self.scheme, self.tag))

    def __str__(self) -> str:
        return self.tag

    def __lt__(self, other: Version) -> bool:
        if self.scheme != other.scheme or self.prefix != other.prefix:
            raise UsageError(
                f"{self.tag} ({self._kind}) and {other.tag} ({other._kind}) have no order",
                hints=["compare versions of one model and one kind"],
            )
        # Build metadata has no precedence in semver; the tag's text keeps the order total.
        return (self._precedence, self.tag) < (other._precedence, other.tag)

    def __gt__(self, other: Version) -> bool:
        return other < self

    def __le__(self, other: Version) -> bool:
        return not other < self

    def __ge__(self, other: Version) -> bool:
        return not self < other

    @cached_property
    def _precedence(self) -> tuple[Any, ...]:
        """The order of semver.org as a tuple; comparing semver objects is slow."""
        if self.scheme is not Scheme.SEMANTIC:
            return (self.value,)
        value = self.semantic
        # Numbers stand before words, and any pre-release before its final version.
        parts = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in (value.prerelease or "").split(".")]
        return (*value.to_tuple()[:3], not value.prerelease, parts)

    @property
    def _kind(self) -> str:
        return f"{self.scheme}, prefix {self.prefix!r}" if self.prefix else str(self.scheme)

    @property
    def semantic(self) -> semver.Version:
        import semver

        if not isinstance(self.value, semver.Version):
            raise UsageError(f"{self.tag} is not a semantic version but a {self.scheme} one")
        return self.value

    @property
    def is_prerelease(self) -> bool:
        return self.scheme is Scheme.SEMANTIC and bool(self.semantic.prerelease)


@lru_cache(maxsize=64)
def default_formats(tag_prefix: str = "v") -> TagFormats:
    """The formats of a project that only set ``versioning.tag_prefix``."""
    return TagFormats(
        semantic=tag_prefix + "{major}.{minor}.{patch}",
        timestamp=tag_prefix + "{year}{month:02d}{day:02d}-{hour:02d}{minute:02d}{second:02d}",
    )


def parse(tag: str, formats: TagFormats, prefix: str = "") -> Version | None:
    """What the tag means, or None if it is no version of the model with this tag prefix."""
    if not tag.startswith(prefix) or len(tag) > _LONGEST_TAG:
        return None
    text = tag[len(prefix) :]
    for scheme, template in formats.templates.items():
        value = _read(scheme, template, text)
        if value is not None:
            return Version(scheme, tag, value, prefix)
    return None


def format_semantic(value: semver.Version, formats: TagFormats, prefix: str = "") -> str:
    template = formats.templates.get(Scheme.SEMANTIC)
    if template is None:
        raise UsageError(
            "semantic versions are switched off here (versioning.semantic_versioning: false)",
            hints=["set versioning.semantic_versioning: true in the configuration file"],
        )
    text = template.format({"major": value.major, "minor": value.minor, "patch": value.patch})
    if value.prerelease:
        text += f"-{value.prerelease}"
    if value.build:
        text += f"+{value.build}"
    return prefix + text


def format_timestamp(moment: datetime, formats: TagFormats, prefix: str = "") -> str:
    values: dict[str, Value] = {field: getattr(moment, field) for field in _DATE_FIELDS}
    return prefix + formats.templates[Scheme.TIMESTAMP].format(values)


def format_experiment(value: Experiment, formats: TagFormats, prefix: str = "") -> str:
    try:
        return prefix + formats.templates[Scheme.EXPERIMENT].format({"name": value.name, "number": value.number})
    except TemplateError as exc:
        raise UsageError(f"experiment name: {exc}", hints=[f"for example {experiment_slug(value.name)!r}"]) from exc


def next_version(
    versions: Iterable[Version],
    level: Level,
    pre: str = "rc",
    *,
    formats: TagFormats | None = None,
    prefix: str = "",
    taken: Collection[str] = (),
) -> Version:
    """The version after the highest semantic one in ``versions`` (those reachable from where the tag will stand).

    ``patch``, ``minor`` and ``major`` finish a pre-release that already aims there: 1.3.0-rc.2 and minor give 1.3.0.
    ``taken`` are tags that exist anywhere: a version on another branch is not made twice.
    """
    import semver

    formats = formats or TagFormats()
    semantic = [version for version in versions if version.scheme is Scheme.SEMANTIC]
    base = max(semantic).semantic if semantic else semver.Version(0, 0, 0)
    value = _advance(base, level, pre)
    if value <= base:
        raise UsageError(
            f"{value} does not come after {base}", hints=["choose another --pre, or bump patch, minor or major"]
        )
    tag = format_semantic(value, formats, prefix)
    if tag in taken:
        raise UsageError(
            f"the next version after {base} is {tag}, and that tag exists on another line of history",
            hints=["bump minor or major, or merge the branch that has it"],
        )
    return Version(Scheme.SEMANTIC, tag, value, prefix)


def next_experiment(versions: Iterable[Version], name: str, *, formats: TagFormats, prefix: str = "") -> Version:
    """``exp-<name>-<n>`` with the next free number."""
    numbers = [v.value.number for v in versions if isinstance(v.value, Experiment) and v.value.name == name]
    value = Experiment(name, max(numbers, default=0) + 1)
    return Version(Scheme.EXPERIMENT, format_experiment(value, formats, prefix), value, prefix)


def timestamp_version(moment: datetime, *, formats: TagFormats, prefix: str = "") -> Version:
    tag = format_timestamp(moment, formats, prefix)
    version = parse(tag, formats, prefix)
    if version is None:
        raise UsageError(f"{tag} would not be read back as a version")
    return version


def experiment_slug(name: str) -> str:
    """A name that can stand in a tag and in a path: other characters become hyphens."""
    slug = re.sub(r"[^\w.-]+", "-", name.strip())
    slug = re.sub(r"\.{2,}", ".", slug).strip("-._")
    return slug or "experiment"


def release_branch(version: Version) -> str:
    """The Hub branch of a release line that is no longer the newest."""
    value = version.semantic
    return f"release/{value.major}.{value.minor}"


def _advance(base: semver.Version, level: Level, pre: str) -> semver.Version:
    if level == "prerelease":
        return _next_prerelease(base, pre)
    if level == "finalize":
        if not base.prerelease:
            raise UsageError(f"{base} is not a pre-release", hints=["bump patch, minor or major instead"])
        return base.finalize_version()
    if level not in LEVELS:
        raise UsageError(f"unknown part of a version: {level!r}", hints=[f"one of {', '.join(LEVELS)}"])
    final = base.finalize_version()
    aims_there = {"patch": True, "minor": not base.patch, "major": not base.patch and not base.minor}
    if base.prerelease and aims_there[level]:
        return final
    return {"patch": final.bump_patch, "minor": final.bump_minor, "major": final.bump_major}[level]()


def _next_prerelease(base: semver.Version, pre: str) -> semver.Version:
    if not re.fullmatch(r"[0-9A-Za-z-]*[A-Za-z-][0-9A-Za-z-]*", pre):
        raise UsageError(f"{pre!r} cannot name a pre-release", hints=["for example rc, beta or alpha"])
    if not base.prerelease:
        return base.finalize_version().bump_patch().replace(prerelease=f"{pre}.1")
    match = re.fullmatch(rf"{re.escape(pre)}\.([0-9]+)", base.prerelease)
    number = int(match[1]) + 1 if match else 1
    return base.finalize_version().replace(prerelease=f"{pre}.{number}")


def _read(scheme: Scheme, template: Template, text: str) -> semver.Version | datetime | Experiment | None:
    if scheme is Scheme.SEMANTIC:
        return _read_semantic(template, text)
    values = template.parse(text)
    if values is None:
        return None
    if scheme is Scheme.EXPERIMENT:
        return Experiment(str(values["name"]), int(values["number"]))
    parts = [int(values.get(field, 0)) for field in _DATE_FIELDS]
    try:
        return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - a tag names a moment without a zone
    except ValueError:
        return None


def _read_semantic(template: Template, text: str) -> semver.Version | None:
    match = template.pattern.match(text)
    if match is None:
        return None
    core, tail = text[: match.end()], text[match.end() :]
    values = template.parse(core)
    if values is None or not _SEMVER_TAIL.fullmatch(tail):
        return None
    import semver

    try:
        return semver.Version.parse(f"{values['major']}.{values['minor']}.{values['patch']}{tail}")
    except ValueError:
        return None


def _refuse_overlap(templates: dict[Scheme, Template]) -> None:
    """A tag must mean one thing: probes of each kind may be read by no template in front of theirs."""
    probes: dict[Scheme, list[dict[str, Value]]] = {
        Scheme.TIMESTAMP: [dict(zip(_DATE_FIELDS, (2024, 12, 31, 23, 59, 58), strict=True))],
        Scheme.EXPERIMENT: [{"name": "a", "number": 1}, {"name": "2024", "number": 123456}],
    }
    before: list[Scheme] = []
    for scheme, template in templates.items():
        for values in probes.get(scheme, []):
            text = template.format(values)
            for other in before:
                if _read(other, templates[other], text) is not None:
                    raise TemplateError(
                        f"{text} would be both a {other} and a {scheme} version; make the formats differ"
                    )
        before.append(scheme)
