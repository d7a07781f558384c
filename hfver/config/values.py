"""Validated sections as plain values, and whole configurations as JSON.

The library that validates takes longer to start than most commands need altogether. What it has found to be right is
kept as plain values, which can be remembered by the bytes of the files they came from (``hfver.config.memory``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hfver.config.settings import Config, ModelConfig
from hfver.small_json import parse_json
from hfver.versions import Scheme, TagFormats

if TYPE_CHECKING:
    from pydantic import BaseModel

_DEEPEST = 150  # levels: files are refused at 100 (see yaml_depth), and lie a few below the top here


class Values:
    """One section: an attribute for each of its keys, frozen."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__dict__.update({key: _frozen(value) for key, value in values.items()})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} belongs to a configuration that has been read")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Values) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash(tuple(self.__dict__.items()))

    def __repr__(self) -> str:
        return f"Values({self.__dict__})"


def plain(section: BaseModel) -> Any:
    """A validated section without the library that validated it."""
    return Values(section.model_dump())


def to_json(config: Config) -> str | None:
    """The configuration but for its label; None when the main file holds data JSON would change (a date, a set)."""
    fields = {
        "main_file": config.main_file,
        "huggingface": as_data(config.huggingface),
        "details": as_data(config.details),
        "models": [asdict(model) for model in config.models],
        "formats": asdict(config.formats),
        "auto_scheme": config.auto_scheme,
        "data": config.data,
    }
    try:
        text = json.dumps(fields, ensure_ascii=False)
    except (TypeError, ValueError):
        return None
    return text if json.loads(text)["data"] == config.data else None


def from_json(text: str, label: str) -> Config:
    """What ``to_json`` wrote; ValueError, KeyError or TypeError for anything else."""
    fields = parse_json(text, deepest=_DEEPEST)
    return Config(
        label=label,
        main_file=fields["main_file"],
        huggingface=_frozen(fields["huggingface"]),
        details=_frozen(fields["details"]),
        models=tuple(ModelConfig(**model) for model in fields["models"]),
        formats=TagFormats(**fields["formats"]),
        auto_scheme=Scheme(fields["auto_scheme"]),
        data=fields["data"],
    )


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Values(value)
    return tuple(_frozen(item) for item in value) if isinstance(value, (list, tuple)) else value


def as_data(value: Any) -> Any:
    """A section of a configuration as mappings, lists and plain values."""
    if isinstance(value, Values):
        return {key: as_data(item) for key, item in value.__dict__.items()}
    return [as_data(item) for item in value] if isinstance(value, tuple) else value
