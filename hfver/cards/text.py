"""The model card of a release: text made from the configuration and the release's facts, and nothing else.

Equal input gives equal text: no clock, no host name, no endpoint. Links to other repositories are relative, so that
they hold on every Hub. A template in the repository may replace the layout; it fills placeholders and executes nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hfver.errors import ConfigError

if TYPE_CHECKING:
    from hfver.config.schema import ModelCard

# A dataset or model as the Hub names it; anything else is prose and would be refused in the metadata.
_HUB_ID = re.compile(r"(?:[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*")
_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_OWN_METADATA = re.compile(r"\A---[ \t]*\n.*?^---[ \t]*$|\{\{\s*metadata\s*\}\}", re.DOTALL | re.MULTILINE)
_MOST_ROWS = 60


@dataclass(frozen=True, slots=True)
class Metric:
    """One evaluation result of the card's ``model-index``."""

    task: str
    dataset_type: str
    dataset_name: str
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class CardMetadata:
    """The fields of the YAML block, as the Hub understands them."""

    model_name: str
    language: tuple[str, ...] = ()
    license: str = ""
    tags: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    base_model: tuple[str, ...] = ()
    library_name: str = ""
    pipeline_tag: str = ""
    metrics: tuple[Metric, ...] = ()


@dataclass(frozen=True, slots=True)
class CardInput:
    """What a card is made of. ``settings`` is the configuration's ``model_card`` section at the release's commit."""

    tag: str
    repo: str
    settings: ModelCard
    paths: Sequence[str] = ()  # files of the output, to see which library loads it
    size: int | None = None
    commit: str | None = None
    remote: str | None = None  # git remote without credentials
    config_repo: str | None = None
    config_repo_type: str = "model"
    metrics: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    custom_sections: Mapping[str, str] = field(default_factory=dict)
    template: str | None = None  # text of the file that model_card.template names
    template_name: str = ""

    @property
    def name(self) -> str:
        return self.repo.rpartition("/")[2]


MetadataYaml = Callable[[CardMetadata], str]


def render_card(card: CardInput, metadata_yaml: MetadataYaml) -> str:
    """The whole card. ``metadata_yaml`` writes the YAML block; `hfver.adapters.cards` has the Hub client's."""
    parts = {
        "title": card.name,
        "version": card.tag,
        "repo": card.repo,
        "commit": card.commit or "",
        "metadata": _yaml_block(metadata_yaml(metadata_of(card))),
        "summary": _summary(card),
        "usage": _usage(card),
        "training_data": _training_data(card),
        "training_parameters": _table("Parameter", card.params),
        "evaluation": _table("Metric", card.metrics),
        "authors": _authors(card),
        "provenance": _provenance(card),
        "custom_sections": "\n\n".join(f"## {heading}\n\n{text}" for heading, text in _custom(card)),
    }
    if card.template is not None:
        return _fill(card.template, parts, card.template_name)
    generated = {
        "Use this version": parts["usage"],
        "Training data": parts["training_data"],
        "Training parameters": parts["training_parameters"],
        "Evaluation": parts["evaluation"],
    }
    last = {"Authors": parts["authors"], "Provenance": parts["provenance"]}
    body = "\n\n".join(f"## {heading}\n\n{text}" for heading, text in _sections(card, generated, last) if text)
    return f"{parts['metadata']}# {parts['title']}\n\n{parts['summary']}\n\n{body}\n"


def _sections(card: CardInput, first: Mapping[str, str], last: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Custom sections stand between the generated ones; one with the heading of a generated one goes on with it."""
    generated = {heading.casefold() for heading in (*first, *last)}
    added: dict[str, list[str]] = {}
    between = []
    for heading, text in _custom(card):
        if heading.casefold() in generated:
            added.setdefault(heading.casefold(), []).append(text)
        else:
            between.append((heading, text))
    for heading, text in (*first.items(), *between, *last.items()):
        yield heading, "\n\n".join(part for part in (text, *added.get(heading.casefold(), ())) if part)


def metadata_of(card: CardInput) -> CardMetadata:
    """The YAML block's fields: the configured ones, and results that are numbers."""
    settings = card.settings
    datasets = tuple(dataset.name for dataset in settings.datasets)
    first = datasets[0] if datasets else ""
    task = settings.pipeline_tag or "other"
    flat = flatten(card.metrics)
    return CardMetadata(
        model_name=card.name,
        language=settings.language,
        license=settings.license,
        tags=tuple(dict.fromkeys(settings.tags)),
        datasets=tuple(name for name in datasets if _HUB_ID.fullmatch(name)),
        base_model=tuple(name for name in settings.base_model if _HUB_ID.fullmatch(name)),
        library_name=settings.library_name or _library(card.paths),
        pipeline_tag=settings.pipeline_tag,
        metrics=tuple(
            Metric(task, first if _HUB_ID.fullmatch(first) else "other", first or "evaluation set", name, value)
            for name, value in sorted(flat.items())
            if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        ),
    )


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested sections as dotted names: ``{"eval": {"loss": 1}}`` is ``{"eval.loss": 1}``."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{name}.")
        else:
            flat[name] = value
    return flat


def _yaml_block(yaml: str) -> str:
    return "" if yaml.strip() in ("", "{}") else f"---\n{yaml.strip()}\n---\n\n"


def _summary(card: CardInput) -> str:
    text = f"Version `{card.tag}` of `{card.repo}`"
    bases = [f"[{name}](/{name})" if _is_repo(name) else _inline(name) for name in card.settings.base_model]
    if bases:
        text += ", made from " + " and ".join(bases)
    if card.size is not None:
        text += f" ({len(card.paths)} file{'' if len(card.paths) == 1 else 's'}, {card.size:,} bytes)"
    return text + "."


def _usage(card: CardInput) -> str:
    library = card.settings.library_name or _library(card.paths)
    where = f'"{card.repo}", revision="{card.tag}"'
    code = {
        "transformers": f"from transformers import AutoModel\n\nmodel = AutoModel.from_pretrained({where})",
        "sentence-transformers": (
            f"from sentence_transformers import SentenceTransformer\n\nmodel = SentenceTransformer({where})"
        ),
        "diffusers": (
            f"from diffusers import DiffusionPipeline\n\npipeline = DiffusionPipeline.from_pretrained({where})"
        ),
        "peft": f"from peft import AutoPeftModel\n\nmodel = AutoPeftModel.from_pretrained({where})",
    }.get(library, f"from huggingface_hub import snapshot_download\n\npath = snapshot_download({where})")
    return (
        f"```python\n{code}\n```\n\n"
        "Or, with every file checked against the release's receipt:\n\n"
        f"```bash\nhfver checkout {card.tag} --repo {card.repo} --to ./{card.name}\n```"
    )


def _library(paths: Sequence[str]) -> str:
    """The library whose files these unmistakably are."""
    names = set(paths)
    marks = (
        ("adapter_config.json", "peft"),
        ("model_index.json", "diffusers"),
        ("config_sentence_transformers.json", "sentence-transformers"),
    )
    for mark, library in marks:
        if mark in names:
            return library
    weights = {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"}
    return "transformers" if "config.json" in names and names & weights else ""


def _training_data(card: CardInput) -> str:
    lines = []
    for dataset in card.settings.datasets:
        is_repo = _is_repo(dataset.name)
        name = f"[{dataset.name}](/datasets/{dataset.name})" if is_repo else f"**{_inline(dataset.name)}**"
        lines.append(f"- {name}" + (f": {_inline(dataset.description)}" if dataset.description else ""))
    return "\n".join(lines)


def _authors(card: CardInput) -> str:
    return "\n".join(
        f"- {_inline(author.name)}" + (f" <{_inline(author.email)}>" if author.email else "")
        for author in card.settings.authors
    )


def _provenance(card: CardInput) -> str:
    lines = [f"- Hub revision `{card.tag}`, made of what `.hfver/release.json` lists"]
    if card.commit:
        lines.append(f"- git commit `{card.commit}`" + (f" of <{card.remote}>" if card.remote else ""))
    if card.config_repo:
        kind = "datasets/" if card.config_repo_type == "dataset" else ""
        link = f"/{kind}{card.config_repo}/tree/{card.tag}"
        lines.append(f"- configurations and experiments: [{card.config_repo}]({link})")
    return "\n".join(lines)


def _is_repo(name: str) -> bool:
    return "/" in name and _HUB_ID.fullmatch(name) is not None


def _custom(card: CardInput) -> list[tuple[str, str]]:
    """``training_data`` is the heading "Training data"; a heading written out stays as it is."""
    sections = []
    for key, text in card.custom_sections.items():
        heading = key.replace("_", " ")
        heading = heading[:1].upper() + heading[1:] if re.fullmatch(r"[a-z0-9_]+", key) else _inline(key)
        sections.append((heading, text.strip()))
    return sections


def _table(heading: str, values: Mapping[str, Any]) -> str:
    rows = sorted(flatten(values).items())
    if not rows:
        return ""
    lines = [f"| {heading} | Value |", "| --- | --- |"]
    lines += [f"| {_cell(name)} | {_cell(_value(value))} |" for name, value in rows[:_MOST_ROWS]]
    text = "\n".join(lines)
    left = len(rows) - _MOST_ROWS
    return text if left <= 0 else f"{text}\n\n{left} more are in `.hfver/release.json`."


def _value(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: ""}[value]
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(_value(item) for item in value)
    return str(value)


def _inline(text: str) -> str:
    """One line that cannot end the paragraph or open HTML."""
    return " ".join(text.split()).replace("<", "&lt;")


def _cell(text: str) -> str:
    return _inline(text).replace("|", "\\|")[:300]


def _fill(template: str, parts: Mapping[str, str], name: str) -> str:
    for number, line in enumerate(template.split("\n"), 1):
        for match in _PLACEHOLDER.finditer(line):
            if match[1] not in parts:
                known = ", ".join(sorted(parts))
                raise ConfigError(
                    f"{name}:{number}:{match.start() + 1}: unknown placeholder {match[1]}; there are {known}"
                )
    text = _PLACEHOLDER.sub(lambda match: parts[match[1]].rstrip("\n"), template)
    if not _OWN_METADATA.search(template):
        text = f"{parts['metadata']}{text}"
    return text if text.endswith("\n") else text + "\n"
