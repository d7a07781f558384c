"""The card of a release: generated, and merged with what people wrote on the Hub since the last one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from hfver.adapters.cards import metadata_yaml
from hfver.cards.merge import merge_cards
from hfver.cards.text import CardInput, render_card
from hfver.mirror.secret_scan import in_files, refuse_secrets
from hfver.paths import CARD_PATH
from hfver.plan import PublishPlan
from hfver.publish import CardTexts
from hfver.receipt import Receipt
from hfver.state import Content

if TYPE_CHECKING:
    from hfver.config.settings import Config, ModelConfig

LARGEST_CARD = 5_000_000  # bytes
LARGEST_TEMPLATE = 1_000_000

ReadCard = Callable[[str], bytes | None]  # the card at a revision, None where there is none


def card_input(
    plan: PublishPlan, model: ModelConfig, config: Config, hashed: Mapping[str, Content], template: str | None
) -> CardInput:
    request = plan.request
    return CardInput(
        tag=request.tag.name,
        repo=request.repo,
        settings=config.model_card,
        paths=tuple(file.path for file in request.output.files),
        size=sum(hashed[file.md5].size for file in request.output.files),
        commit=request.tag.commit,
        remote=request.remote,
        config_repo=model.config_repo if request.configs is not None else None,
        config_repo_type=config.config_repo_type,
        metrics=request.metrics,
        params=request.params,
        template=template,
        template_name=config.model_card.template or "",
    )


def card_texts(card: CardInput, plan: PublishPlan, base: Receipt | None, read_card: ReadCard) -> CardTexts:
    """The card to publish. The Hub is asked for one only where people may have changed it.

    RefusedError when a secret stands in what they wrote: it is there already, and is not published once more.
    """
    texts = _card_texts(card, plan, base, read_card)
    refuse_secrets(
        in_files([(f"{CARD_PATH} on the Hub", texts.published.encode())]), plan.request.repo,
        hints=["what people wrote into the card is kept: take it out there"],
    )  # fmt: skip
    return texts


def _card_texts(card: CardInput, plan: PublishPlan, base: Receipt | None, read_card: ReadCard) -> CardTexts:
    generated = render_card(card, metadata_yaml)
    line = plan.line
    if line.head is None:
        return CardTexts(generated, generated)
    untouched = line.base is not None and line.head == line.base.revision
    if base is not None and any(file.path == CARD_PATH for file in base.files):
        return CardTexts(generated, generated)  # the model brought its own card until now
    if base is not None and untouched and base.generated_card is None:
        return CardTexts(generated, generated)
    current = _text(read_card(line.head))
    if current is None:
        return CardTexts(generated, generated)
    before = base.generated_card if base is not None else ""
    if before is None:
        assert line.base is not None
        before = _text(read_card(line.base.revision)) or ""
    merged = merge_cards(before, generated, current)
    return CardTexts(merged.text, generated, tuple(merged.warnings))


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "replace")
