"""Model cards through the Hub client's own classes, so that their YAML is what the Hub reads."""

from __future__ import annotations

from huggingface_hub.repocard_data import EvalResult, ModelCardData

from hfver.cards.text import CardInput, CardMetadata, render_card


def generate_card(card: CardInput) -> str:
    """The text of a card, its metadata written by ``ModelCardData``."""
    return render_card(card, metadata_yaml)


def metadata_yaml(metadata: CardMetadata) -> str:
    results = [
        EvalResult(
            task_type=metric.task,
            dataset_type=metric.dataset_type,
            dataset_name=metric.dataset_name,
            metric_type=metric.name,
            metric_value=metric.value,
        )
        for metric in metadata.metrics
    ]
    data = ModelCardData(
        language=_one_or_many(metadata.language),
        license=metadata.license or None,
        base_model=_one_or_many(metadata.base_model),
        datasets=list(metadata.datasets) or None,
        library_name=metadata.library_name or None,
        pipeline_tag=metadata.pipeline_tag or None,
        tags=list(metadata.tags) or None,
        metrics=[metric.name for metric in metadata.metrics] or None,
        model_name=metadata.model_name if results else None,
        eval_results=results or None,
    )
    return str(data.to_yaml(line_break="\n"))


def _one_or_many(values: tuple[str, ...]) -> str | list[str] | None:
    if len(values) < 2:
        return values[0] if values else None
    return list(values)
