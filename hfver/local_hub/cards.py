"""The YAML block at the head of a README.md: metadata of a repository, written by anybody."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hfver.local_hub.git.repository import GitRepository

LARGEST = 1 << 20
FENCE = "---"


@dataclass(frozen=True, slots=True)
class Card:
    """Metadata and text; `errors` says why the metadata could not be read."""

    metadata: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    errors: tuple[str, ...] = ()

    def tags(self) -> list[str]:
        """What a repo can be found by: its own tags, and the fields that the Hub lists as tags."""
        found = _texts(self.metadata.get("tags"))
        for name in ("library_name", "pipeline_tag"):
            found += _texts(self.metadata.get(name))
        found += [f"{name}:{value}" for name in ("license", "base_model") for value in _texts(self.metadata.get(name))]
        found += [f"dataset:{value}" for value in _texts(self.metadata.get("datasets"))]
        found += _texts(self.metadata.get("language"))
        return list(dict.fromkeys(found))

    def text_field(self, name: str) -> str | None:
        value = self.metadata.get(name)
        return value if isinstance(value, str) else None


def card_of(git: GitRepository, commit: str) -> Card:
    """The card of a revision; an empty one when there is none in git."""
    data = git.small_file(commit, "README.md")
    return Card() if data is None else parse_card(data)


def parse_card(data: bytes) -> Card:
    if len(data) > LARGEST:
        return Card(text=data[:LARGEST].decode("utf-8", "replace"), errors=("The card is larger than 1 MB.",))
    text = data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")
    if not text.startswith(f"{FENCE}\n"):
        return Card(text=text)
    block, fence, rest = text[len(FENCE) + 1 :].partition(f"\n{FENCE}")
    if not fence or not (rest == "" or rest.startswith("\n")):
        return Card(text=text)
    from hfver.local_hub.card_yaml import CardYamlError, load_mapping

    try:
        metadata = load_mapping(block)
    except CardYamlError as error:
        return Card(text=rest.lstrip("\n"), errors=(f"Invalid YAML metadata: {error}",))
    return Card(metadata, rest.lstrip("\n"), _mistakes(metadata))


def _mistakes(metadata: dict[str, Any]) -> tuple[str, ...]:
    mistakes = []
    for name in ("tags", "datasets", "language", "license", "base_model"):
        value = metadata.get(name)
        items = value if isinstance(value, list) else [value]
        if value is not None and not all(isinstance(item, str) for item in items):
            mistakes.append(f'"{name}" must be a string or a list of strings')
    mistakes += [
        f'"{name}" must be a string'
        for name in ("library_name", "pipeline_tag")
        if metadata.get(name) is not None and not isinstance(metadata[name], str)
    ]
    if metadata.get("model-index") is not None and not isinstance(metadata["model-index"], list):
        mistakes.append('"model-index" must be a list')
    return tuple(mistakes)


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
