"""Every key with its effective value and where it came from, for ``hfver config show``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hfver.config.keys import section_of
from hfver.config.marks import Document, dotted
from hfver.config.schema import Details, HuggingFace
from hfver.config.settings import Config, Setting

if TYPE_CHECKING:
    from pydantic import BaseModel

    from hfver.config.environment import Override
    from hfver.config.reading import Validated

DEFAULT = "default"


def listing(valid: Validated, chosen: dict[tuple[str, ...], Override]) -> tuple[Setting, ...]:
    config = valid.config
    derived = _derived(config)
    settings = []
    sections = (
        (("huggingface",), HuggingFace, config.huggingface, valid.main),
        ((), Details, config.details, valid.details),
    )
    for prefix, model, section, document in sections:
        for path, value in _leaves(model, section, prefix):
            key = dotted(path)
            stated = Setting(key, value, _origin(path, document, chosen))
            is_open = value is None and key in derived
            settings.append(Setting(key, *derived[key]) if is_open else stated)
    return tuple(settings)


def _leaves(
    model: type[BaseModel], section: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    for name, field in model.model_fields.items():
        value = getattr(section, name)
        inner, many = section_of(field.annotation)
        if inner is None:
            yield (*path, name), list(value) if isinstance(value, tuple) else value
        elif not many:
            yield from _leaves(inner, value, (*path, name))
        elif not value:
            yield (*path, name), []
        else:
            for index, item in enumerate(value):
                yield from _leaves(inner, item, (*path, name, index))


def _origin(path: tuple[str | int, ...], document: Document, chosen: dict[tuple[str, ...], Override]) -> str:
    override = chosen.get(tuple(str(step) for step in path))
    if override is not None:
        return override.source
    data = document.data
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return DEFAULT
    if data is None:
        return DEFAULT
    return f"{document.file}:{document.position(path, of_key=True)[0]}"


def _derived(config: Config) -> dict[str, tuple[Any, str]]:
    """What a key without a value comes out as, and the key that decided."""
    prefix = config.versioning.tag_prefix
    return {
        "huggingface.repository.private": (config.private, "settings.default_private"),
        "huggingface.repository.auto_create": (config.auto_create, "settings.auto_create_repos"),
        "hooks.require_published": (config.auto_sync, "huggingface.auto_sync"),
        "huggingface.versioning.tag_format": (f"{prefix}{{timestamp}}", "versioning.tag_prefix"),
        "versioning.formats.timestamp": (config.formats.timestamp, "versioning.tag_prefix"),
        "versioning.formats.semantic": (config.formats.semantic, "versioning.tag_prefix"),
    }
