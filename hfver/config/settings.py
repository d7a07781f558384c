"""The resolved configuration: both files, the environment and the defaults made one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hfver.errors import UsageError
from hfver.hub_state import EMBEDDED
from hfver.versions import Scheme, TagFormats, Version, parse

if TYPE_CHECKING:
    from hfver.config import schema

WORKSPACE = "workspace"  # the label of what stands in the work tree


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One model: where it is here, where on the Hub, and what its tags start with.

    ``path`` is None when the configuration does not say; the only DVC output of a commit is meant then.
    """

    name: str
    path: str | None
    repo: str
    config_repo: str
    tag_prefix: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """A key's effective value and where it came from: file:line, environment, command line or default."""

    key: str
    value: Any
    origin: str


@dataclass(frozen=True)
class Config:
    """Sections have the attributes of the schema and are frozen; they carry no validation with them (``Values``)."""

    label: str  # "workspace", or the revision the files were read from
    main_file: str
    huggingface: schema.HuggingFace
    details: schema.Details
    models: tuple[ModelConfig, ...]
    formats: TagFormats
    auto_scheme: Scheme  # the kind of tag a sync without a version makes
    data: dict[str, Any] = field(default_factory=dict, compare=False)  # all of the main file, as its program sees it

    @property
    def endpoint(self) -> str:
        """``embedded`` or the URL of a Hub without a slash at its end."""
        return self.huggingface.endpoint

    @property
    def is_embedded(self) -> bool:
        return self.huggingface.endpoint == EMBEDDED

    @property
    def enabled(self) -> bool:
        return self.huggingface.enabled

    @property
    def auto_sync(self) -> bool:
        return self.huggingface.auto_sync

    @property
    def upload_items(self) -> tuple[schema.Part, ...]:
        return self.huggingface.upload_items

    @property
    def private(self) -> bool:
        chosen = self.huggingface.repository.private
        return self.settings.default_private if chosen is None else chosen

    @property
    def auto_create(self) -> bool:
        chosen = self.huggingface.repository.auto_create
        return self.settings.auto_create_repos if chosen is None else chosen

    @property
    def auto_tag(self) -> bool:
        return self.huggingface.versioning.auto_tag

    @property
    def tracking(self) -> schema.Tracking:
        return self.huggingface.experiment_tracking

    @property
    def user(self) -> schema.User:
        return self.details.user

    @property
    def config_repo_type(self) -> str:
        return self.details.repository.config_repo_type

    @property
    def settings(self) -> schema.Settings:
        return self.details.settings

    @property
    def sync(self) -> schema.Sync:
        return self.details.sync

    @property
    def model_card(self) -> schema.ModelCard:
        return self.details.model_card

    @property
    def versioning(self) -> schema.Versioning:
        return self.details.versioning

    @property
    def experiment_tracking(self) -> schema.ExperimentTracking:
        return self.details.experiment_tracking

    @property
    def backup(self) -> schema.Backup:
        return self.details.backup

    @property
    def notifications(self) -> schema.Notifications:
        return self.details.notifications

    @property
    def mirror(self) -> schema.Mirror:
        return self.details.mirror

    @property
    def hooks(self) -> schema.Hooks:
        return self.details.hooks

    def model(self, name: str | None = None) -> ModelConfig:
        """The model of that name; without a name the only one."""
        if name is None and len(self.models) == 1:
            return self.models[0]
        for model in self.models:
            if model.name == name:
                return model
        if not self.models:
            raise UsageError("no model is configured", hints=["set huggingface.repository.model_name in config.yaml"])
        names = ", ".join(model.name for model in self.models)
        problem = "several models are configured" if name is None else f"there is no model {name!r}"
        raise UsageError(f"{problem}; choose one of {names}", hints=["--model NAME"])

    def version_of(self, tag: str) -> tuple[ModelConfig, Version] | None:
        """Which model a tag is a version of, and its meaning; None for any other tag.

        The longest prefix is tried first: ``bert-large-v1.0.0`` is not a version of ``bert-``.
        """
        for model in sorted(self.models, key=lambda model: -len(model.tag_prefix)):
            version = parse(tag, self.formats, model.tag_prefix)
            if version is not None:
                return model, version
        return None
