"""Every configuration key: its type, its default, its limits, and what it is for.

The descriptions are shown by ``hfver config schema`` and make docs/configuration.md. Relations between keys are checked
in `hfver.config.resolve`, because they need both files. Import this module only where a configuration is read:
pydantic takes longer to start than a hook may.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hfver.config import checks

DEFAULT_DETAILS_FILE = "configs/huggingface_config.yaml"
HUGGINGFACE_CO = "https://huggingface.co"

RepoPath = Annotated[str, AfterValidator(checks.path_in_repo)]
AnyPath = Annotated[str, AfterValidator(checks.local_path)]
Endpoint = Annotated[str, AfterValidator(checks.endpoint)]
Webhook = Annotated[str, AfterValidator(checks.webhook)]
_ONE_OR_MANY = BeforeValidator(checks.one_or_many, json_schema_input_type=str | list[str])
Patterns = Annotated[
    tuple[Annotated[str, AfterValidator(checks.pattern)], ...], _ONE_OR_MANY, AfterValidator(checks.few)
]
Texts = Annotated[tuple[str, ...], _ONE_OR_MANY]
Part = Literal["model", "config", "results"]


class Section(BaseModel):
    """A mapping in a file. A key without a value (all its children commented out) means its default."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_means_default(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None or key not in cls.model_fields}


class Repository(Section):
    model_name: str = Field(
        default="", description="Hub repository of the model: `namespace/name`, or a name for the templates."
    )
    model_path: RepoPath | None = Field(
        default=None, description="The model in this git repository: the directory or file that DVC tracks."
    )
    private: bool | None = Field(
        default=None,
        description="true: repositories are created private, and nothing is sent to one that is public. "
        "false: they are created public; one that is private stays so. Without it `settings.default_private` decides.",
    )
    auto_create: bool | None = Field(
        default=None, description="Create missing repositories; without it `settings.auto_create_repos` decides."
    )


class Model(Section):
    name: str = Field(description="Short name, used on the command line and in messages.")
    path: RepoPath = Field(description="The model in this git repository: the directory or file that DVC tracks.")
    repo: str | None = Field(
        default=None, description="Hub repository; without it `repository.model_repo_template` is filled."
    )
    tag_prefix: str | None = Field(
        default=None,
        description="What this model's tags start with, e.g. `bert-` for bert-v1.2.0; without it `<name>-`.",
    )


class Tagging(Section):
    auto_tag: bool = Field(default=True, description="A sync without a version makes a tag from `tag_format`.")
    tag_format: str | None = Field(
        default=None,
        description="Tag of such a sync: `v{timestamp}` (the default), `v{version}` (the next semantic one; v is the "
        "tag prefix) or `exp-{experiment_name}-{number:03d}`. It has to give a tag that `versioning.formats` reads.",
    )


class Tracking(Section):
    enabled: bool = Field(default=True, description="Write an experiment record with each sync and release.")
    include_metrics: bool = Field(default=True, description="Put metrics into the record.")


class HuggingFace(Section):
    """The `huggingface:` section of config.yaml."""

    enabled: bool = Field(
        default=True, description="false: hooks and automatic syncs do nothing (`--force-hf-sync` overrides)."
    )
    config_file: RepoPath = Field(default=DEFAULT_DETAILS_FILE, description="The file with the detailed settings.")
    endpoint: Endpoint = Field(
        default=HUGGINGFACE_CO,
        description="`embedded` for the Hub on this machine, or the URL of a Hub. Only trusted URLs get a token.",
    )
    repository: Repository = Field(default_factory=Repository, description="The model's place here and on the Hub.")
    models: tuple[Model, ...] = Field(
        default=(), description="Several models in one git repository, instead of `repository`."
    )
    auto_sync: bool = Field(default=True, description="Publish from hooks and after training without being asked.")
    upload_items: Annotated[tuple[Part, ...], BeforeValidator(checks.one_or_many)] = Field(
        default=("model", "config", "results"), description="Which parts a sync sends."
    )
    versioning: Tagging = Field(default_factory=Tagging, description="Tags made without being asked for.")
    experiment_tracking: Tracking = Field(default_factory=Tracking, description="Whether experiments are recorded.")


class User(Section):
    username: str = Field(default="", description="Hub user or organisation; fills `{username}` in the templates.")
    email: str = Field(default="", description="Author of mirror commits, together with `username`.")


class RepositoryTemplates(Section):
    model_repo_template: str = Field(
        default="{username}/{model_name}", description="Name of the model repository, where it is not given whole."
    )
    config_repo_template: str = Field(
        default="{username}/{model_name}-configs",
        description="Name of the repository with configurations and experiments.",
    )
    config_repo_type: Literal["model", "dataset"] = Field(
        default="model", description="Kind of that repository on the Hub."
    )


class Upload(Section):
    chunk_size: int = Field(default=10485760, ge=65536, le=67108864, description="Bytes read and hashed at a time.")
    max_retries: int = Field(default=3, ge=0, le=100, description="Attempts after the Hub client's own have failed.")
    retry_delay: float = Field(
        default=5,
        ge=0,
        le=3600,
        description="Seconds before the first retry; doubled each time, Retry-After is honoured.",
    )


class Download(Section):
    cache_dir: AnyPath = Field(
        default="./.cache/huggingface", description="Where `download-model` keeps what it fetched."
    )
    resume_download: bool = Field(default=True, description="Continue partial files; false starts them again.")


class Settings(Section):
    auto_create_repos: bool = Field(default=True, description="Create missing repositories.")
    default_private: bool = Field(default=True, description="As `repository.private`, where that says nothing.")
    auto_versioning: bool = Field(
        default=True,
        description="A sync without a version gets one: from `tag_format` with `auto_tag`, else the next semantic one "
        "by `versioning.auto_increment`. false: a version has to be given.",
    )
    commit_message_template: Annotated[str, AfterValidator(checks.commit_template)] = Field(
        default="Upload {item_type} for {experiment_name}",
        description="Message of commits made by a sync; knows {item_type}, {experiment_name}, {version}, {git_commit}.",
    )
    default_branch: Annotated[str, AfterValidator(checks.default_branch)] = Field(
        default="main",
        description="Branch on the Hub that releases of the newest line and the mirror go to. Only `main` can be: a "
        "Hub serves it to everybody who names no revision.",
    )
    upload: Upload = Field(default_factory=Upload, description="Sending to the Hub.")
    download: Download = Field(default_factory=Download, description="Fetching from the Hub.")


class Sync(Section):
    include_git_info: bool = Field(
        default=True, description="Branch, state and remote of the git repository in records."
    )
    include_system_info: bool = Field(default=True, description="Python, platform, packages, CPU and GPU in records.")
    backup_before_upload: bool = Field(
        default=False, description="Keep a copy of what is about to be sent, see `backup`."
    )


class Author(Section):
    name: str = Field(description="Name as the card shows it.")
    email: str = Field(default="", description="Address as the card shows it.")


class Dataset(Section):
    name: str = Field(description="Name, or the id of a dataset on the Hub.")
    description: str = Field(default="", description="One line about it.")


Authors = Annotated[tuple[Annotated[Author, BeforeValidator(checks.named)], ...], BeforeValidator(checks.one_or_many)]
Datasets = Annotated[tuple[Annotated[Dataset, BeforeValidator(checks.named)], ...], BeforeValidator(checks.one_or_many)]


class ModelCard(Section):
    language: Texts = Field(
        default=(), description="Language code or codes, quoted where YAML would read them otherwise."
    )
    license: str = Field(default="", description="Licence identifier as the Hub knows it.")
    tags: Texts = Field(default=(), description="Tags of the card.")
    authors: Authors = Field(default=(), description="Who made the model.")
    datasets: Datasets = Field(default=(), description="What it was trained on.")
    base_model: Texts = Field(default=(), description="Hub id of the model it was made from.")
    library_name: str = Field(default="", description="Library that loads it, e.g. transformers.")
    pipeline_tag: str = Field(default="", description="Task, e.g. text-generation.")
    template: RepoPath | None = Field(default=None, description="Markdown file in this repository to use for the card.")


class Formats(Section):
    timestamp: str | None = Field(
        default=None,
        description="Default: the tag prefix and `{year}{month:02d}{day:02d}-{hour:02d}{minute:02d}{second:02d}`.",
    )
    semantic: str | None = Field(default=None, description="Default: the tag prefix and `{major}.{minor}.{patch}`.")
    experiment: str = Field(default="exp-{name}-{number:03d}", description="Tags of experiments.")


class Versioning(Section):
    semantic_versioning: bool = Field(default=True, description="false: tags such as v1.2.3 are no versions here.")
    auto_increment: Literal["patch", "minor", "major"] = Field(
        default="patch", description="Which part an automatic semantic version raises."
    )
    tag_prefix: Annotated[str, AfterValidator(checks.tag_prefix)] = Field(
        default="v", description="What semantic and timestamp tags start with."
    )
    formats: Formats = Field(default_factory=Formats, description="Templates that make tags and read them.")


RecordField = Literal[
    "model_name", "base_model", "training_params", "eval_results", "timestamp", "git_commit", "git_info",
    "system_info", "version", "model_path", "model_digest", "metrics", "datasets", "tags",
]  # fmt: skip


class ExperimentTracking(Section):
    fields: tuple[RecordField, ...] = Field(
        default=("model_name", "base_model", "training_params", "eval_results", "timestamp", "git_commit"),
        description="What an experiment record holds.",
    )
    metadata_file: Annotated[str, AfterValidator(checks.file_name)] = Field(
        default="experiment_metadata.json", description="File name of the record."
    )


class Backup(Section):
    enabled: bool = Field(default=False, description="Keep a copy of what every sync sends.")
    local_backup_dir: AnyPath = Field(default="./backups", description="Where the copies go.")
    keep_backups: int = Field(default=5, ge=1, le=10000, description="How many are kept; the oldest are removed.")


class Smtp(Section):
    host: str = Field(default="", description="Mail server.")
    port: int = Field(default=587, ge=1, le=65535, description="Its port.")
    username: str = Field(default="", description="Login; the password comes from HFVER_SMTP_PASSWORD.")
    sender: str = Field(default="", description="From address; `user.email` without it.")
    recipients: Texts = Field(default=(), description="To addresses; `user.email` without any.")
    starttls: bool = Field(default=True, description="Encrypt the connection; required for a login.")


class Notifications(Section):
    enabled: bool = Field(default=False, description="Tell others about success and failure.")
    webhook_url: Webhook = Field(default="", description="Gets a JSON POST. HFVER_WEBHOOK_URL in the environment wins.")
    email_notifications: bool = Field(default=False, description="Send mail through `smtp`.")
    smtp: Smtp = Field(default_factory=Smtp, description="Mail settings.")


class Mirror(Section):
    include: Patterns = Field(
        default=("config.yaml", "configs/**", "params.yaml", "dvc.yaml"),
        description="Files the mirror holds of every commit.",
    )
    exclude: Patterns = Field(default=(), description="Files it leaves out.")
    branches: Patterns = Field(default=("main", "master"), description="Branches whose commits it follows.")


class Hooks(Section):
    publish: Literal["foreground", "background"] = Field(
        default="foreground", description="Whether `git tag` waits for the release or leaves it to a worker."
    )
    tag_guard: bool = Field(default=True, description="Refuse a version tag that could not be released.")
    require_published: bool | None = Field(
        default=None,
        description="Refuse to push a version tag that is not released; without it `huggingface.auto_sync` decides.",
    )


class Details(Section):
    """The file that `huggingface.config_file` names."""

    user: User = Field(default_factory=User, description="Who you are on the Hub.")
    repository: RepositoryTemplates = Field(default_factory=RepositoryTemplates, description="Names on the Hub.")
    settings: Settings = Field(default_factory=Settings, description="Sending, fetching, automatic things.")
    sync: Sync = Field(default_factory=Sync, description="What a sync records and keeps.")
    model_card: ModelCard = Field(default_factory=ModelCard, description="Metadata of the model card.")
    versioning: Versioning = Field(default_factory=Versioning, description="The grammar of version tags.")
    experiment_tracking: ExperimentTracking = Field(
        default_factory=ExperimentTracking, description="What an experiment record holds."
    )
    backup: Backup = Field(default_factory=Backup, description="Copies of what was sent.")
    notifications: Notifications = Field(default_factory=Notifications, description="Messages to others.")
    mirror: Mirror = Field(default_factory=Mirror, description="The repository with configurations and experiments.")
    hooks: Hooks = Field(default_factory=Hooks, description="What git hooks do.")
