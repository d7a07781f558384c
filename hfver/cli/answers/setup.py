"""Answers of the commands that set up and serve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

JsonSchema = Annotated[Mapping[str, Any], "a JSON schema, draft 2020-12"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the configuration."""

    key: Annotated[str, "the dotted key"]
    value: Annotated[Any, "its effective value"]
    origin: Annotated[str, "`file:line`, the variable, the option, the deciding key, or `default`"]


@dataclass(frozen=True, slots=True)
class Model:
    """A configured model."""

    name: Annotated[str, "its name"]
    path: Annotated[str | None, "where it is; null for the only output DVC tracks"]
    repo: Annotated[str, "its repository on the Hub"]
    config_repo: Annotated[str, "the repository with its configurations and experiments"]
    tag_prefix: Annotated[str, "what its version tags start with; empty for the only model"]


@dataclass(frozen=True, slots=True)
class Valid:
    """A configuration without problems; with some, the error lists them."""

    valid: Annotated[Literal[True], "always"]
    files: Annotated[Sequence[str], "the files that were checked"]
    models: Sequence[Model]


@dataclass(frozen=True, slots=True)
class Trusted:
    """What you trust beyond huggingface.co."""

    urls: Annotated[Sequence[str], "servers"]
    paths: Annotated[Sequence[str], "directories"]
    private_network: Annotated[Sequence[str], "servers that may be on this machine or in a private network"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: Annotated[str, "what was looked at"]
    verdict: Annotated[str, "`fine`, `note` or `problem`; a problem makes the exit code 1"]
    message: Annotated[str, "what was found"]
    mend: Annotated[str | None, "the command that mends it"]
    fixable: Annotated[bool, "whether `--fix` does"]


@dataclass(frozen=True, slots=True)
class Hook:
    """One git hook."""

    name: Annotated[str, "its name in git"]
    state: Annotated[
        str,
        "`absent`, `installed`, `chained`, `called`, `configured`, `outdated`, `changed`, `foreign` or `unusable`",
    ]
    path: Annotated[str, "the file"]
    works: Annotated[bool, "whether git runs hfver"]


@dataclass(frozen=True, slots=True)
class Hooks:
    """The git hooks of this repository."""

    directory: Annotated[str, "where git looks for them"]
    hooks: Sequence[Hook]
    notes: Annotated[Sequence[str], "what needs a look"]


@dataclass(frozen=True, slots=True)
class Serving:
    """A hub that runs; printed once it answers, while the command goes on."""

    endpoint: Annotated[str, "its URL, for HF_ENDPOINT"]
    user: Annotated[str, "you, on that hub"]
    store: Annotated[str, "the directory of its data"]


@dataclass(frozen=True, slots=True)
class StorePath:
    """Where the hub's data is."""

    path: Annotated[str, "the directory, or the bare git repository"]


@dataclass(frozen=True, slots=True)
class HubRepo:
    """A repository of the embedded hub."""

    kind: Annotated[str, "`model`, `dataset` or `space`"]
    name: Annotated[str, "`namespace/name`"]
    private: Annotated[bool, "its visibility"]
    versions: Annotated[int, "number of tags"]
    size: Annotated[int, "size of main in bytes"]
    updated: Annotated[str, "time of the last change"]


@dataclass(frozen=True, slots=True)
class HubInfo:
    """What the embedded hub holds."""

    store: Annotated[str, "the directory of its data"]
    bytes_on_disk: Annotated[int, "what it takes"]
    repos: Sequence[HubRepo]


@dataclass(frozen=True, slots=True)
class Damage:
    """Something the disk has damaged; the exit code is 3 if there is any."""

    what: Annotated[str, "what is damaged"]
    problem: Annotated[str, "how"]
    files: Annotated[Sequence[str], "files of repositories that cannot be read because of it"]


@dataclass(frozen=True, slots=True)
class Mended:
    """Something of the embedded hub that was mended."""

    path: Annotated[str, "the file or directory, or the repository that was set aside"]
    done: Annotated[str, "what was wrong and what was done"]


@dataclass(frozen=True, slots=True)
class Beyond:
    """Something of the embedded hub that cannot be mended from what is left."""

    path: Annotated[str, "the file or directory"]
    problem: Annotated[str, "what is wrong"]
    advice: Annotated[str, "how to go on"]


@dataclass(frozen=True, slots=True)
class HubRepaired:
    """What became of a damaged store; the exit code is 3 if something is beyond repair."""

    mended: Sequence[Mended]
    beyond: Sequence[Beyond]


@dataclass(frozen=True, slots=True)
class Garbage:
    """What was removed, or would be with `--dry-run`."""

    files: Annotated[int, "files of content"]
    xorbs: Annotated[int, "blocks of Xet content that held them"]
    freed_bytes: Annotated[int, "their size"]
    generation: Annotated[int, "changes whenever Xet content goes"]


@dataclass(frozen=True, slots=True)
class Token:
    """A token of the embedded hub."""

    token: Annotated[str, "good on this hub alone"]


@dataclass(frozen=True, slots=True)
class Script:
    """A completion script."""

    shell: Annotated[str, "`bash`, `zsh` or `fish`"]
    script: Annotated[str, "its text"]
