"""``hfver config``: what is configured, from where, and whether it is right."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hfver.cli.answers.setup import JsonSchema, Model, Setting, Valid
from hfver.cli.group import CommandGroup
from hfver.cli.options import common, config_file, output_options
from hfver.cli.output import Printer, Table

if TYPE_CHECKING:
    from hfver.config.settings import Config


@click.group(cls=CommandGroup)
@output_options
def config() -> None:
    """Look at the configuration and check it."""


@config.command()
@click.argument("prefix", default="")
@config_file
@common(list[Setting])
def show(printer: Printer, prefix: str, path: Path | None) -> None:
    """Print every key with its effective value and where it comes from.

    PREFIX limits the list.

    \b
    Example:
      hfver config show settings.upload
    """
    from hfver.config.load import list_settings

    listed = list_settings(workspace_top(Path.cwd()), environ=os.environ, config_path=path)
    found = [setting for setting in listed if setting.key.startswith(prefix)]
    settings = [Setting(setting.key, setting.value, setting.origin) for setting in found]
    rows = [(setting.key, _shown(setting.value), setting.origin) for setting in settings]
    printer.data(settings, Table(("KEY", "VALUE", "FROM"), rows, empty=f"No key starts with {prefix}."))


@config.command()
@click.option("--main", is_flag=True, help="The schema of config.yaml, not of the detailed file.")
@common(JsonSchema)
def schema(printer: Printer, main: bool) -> None:
    """Print the JSON schema that editors use for completion.

    \b
    Example:
      hfver config schema > configs/huggingface_config.schema.json
    """
    from hfver.config.templates import json_schema

    found = json_schema(main=main)
    printer.data(found, json.dumps(found, indent=2, ensure_ascii=False))


@config.command()
@config_file
@common(Valid)
def validate(printer: Printer, path: Path | None) -> None:
    """Check both files: every problem with its line and column.

    \b
    Example:
      hfver config validate
    """
    check(printer, path)


@click.command()
@config_file
@common(Valid)
def validate_config(printer: Printer, path: Path | None) -> None:
    """Check both configuration files: every problem with its line and column.

    \b
    Example:
      hfver validate-config --config other.yaml
    """
    check(printer, path)


def check(printer: Printer, path: Path | None) -> None:
    loaded = load(path)
    files = [loaded.main_file, loaded.huggingface.config_file]
    models = [Model(one.name, one.path, one.repo, one.config_repo, one.tag_prefix) for one in loaded.models]
    printer.data(Valid(True, files, models), f"{files[0]} and {files[1]} are valid.")


def load(path: Path | None) -> Config:
    from hfver.config.load import load_workspace

    return load_workspace(workspace_top(Path.cwd()), environ=os.environ, config_path=path)


def workspace_top(start: Path) -> Path:
    """The top of the git work tree, or the directory itself where there is no git."""
    return next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), start)


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "(not set)"
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) or "(none)" if isinstance(value, list) else str(value)
