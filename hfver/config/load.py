"""Read the configuration: from the workspace, or from the two files as a git commit has them.

    config.yaml            the project's own file; its `huggingface:` section is ours
    configs/huggingface_config.yaml   the detailed file it names (`huggingface.config_file`)

Everything that is wrong in either file is reported in one run.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hfver.config.environment import CONFIG_VARIABLE, Override, overrides
from hfver.config.memory import ConfigMemory, Read, Remembered
from hfver.config.settings import WORKSPACE, Config, Setting
from hfver.config.values import from_json, to_json
from hfver.errors import UsageError
from hfver.small_files import read_small

log = logging.getLogger(__name__)
MAIN_FILE = "config.yaml"


def load_workspace(
    top: Path,
    *,
    environ: Mapping[str, str],
    config_path: Path | None = None,
    options: Mapping[str, Any] | None = None,
    memory: ConfigMemory | None = None,
) -> Config:
    """The configuration as the files stand now.

    ``config_path`` (an option, else HFVER_CONFIG) names another main file; paths in it are relative to ``top`` all the
    same. ``options`` maps dotted keys to values from the command line. ``memory`` saves validating the same bytes
    again.
    """
    main = main_file(top, environ, config_path)
    return _load(_reader(top), main, WORKSPACE, overrides(environ, options), memory)


def load_revision(
    read: Read,
    *,
    environ: Mapping[str, str],
    label: str,
    main: str = MAIN_FILE,
    options: Mapping[str, Any] | None = None,
    memory: ConfigMemory | None = None,
) -> Config:
    """The configuration of a commit; ``read`` returns the bytes of a path in it, or None."""
    return _load(read, main, label, overrides(environ, options), memory)


def list_settings(
    top: Path,
    *,
    environ: Mapping[str, str],
    config_path: Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[Setting, ...]:
    """Every key of the workspace's configuration with its effective value and where that came from."""
    from hfver.config.effective import listing
    from hfver.config.reading import validated

    chosen = overrides(environ, options)
    valid = validated(_reader(top), main_file(top, environ, config_path), WORKSPACE, chosen)
    return listing(valid, chosen)


def main_file(top: Path, environ: Mapping[str, str], config_path: Path | None = None) -> str:
    """The main file's path as git names it: what an option or HFVER_CONFIG says, else config.yaml at the top."""
    chosen = config_path or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    if chosen is None:
        return MAIN_FILE
    try:
        return chosen.resolve().relative_to(top.resolve()).as_posix()
    except ValueError:
        return str(chosen.resolve())


def _reader(top: Path) -> Read:
    def read(name: str) -> bytes | None:
        try:
            return read_small(top / name, name=name)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            raise UsageError(f"{name} cannot be read: {exc.strerror}") from exc

    return read


def _load(
    read: Read, main: str, label: str, chosen: dict[tuple[str, ...], Override], memory: ConfigMemory | None
) -> Config:
    read = cache(read)  # what is remembered is what was read, even if a file changes meanwhile
    raw = read(main)
    remembered = Remembered(memory, main, raw, chosen) if memory is not None and raw is not None else None
    body = remembered.find(read) if remembered is not None else None
    if body is not None:
        try:
            return from_json(body, label)
        except (ValueError, KeyError, TypeError) as error:
            log.warning("a remembered configuration is damaged and read again: %r", error)
    from hfver.config.reading import validated

    valid = validated(read, main, label, chosen)
    body = to_json(valid.config) if remembered is not None else None
    if remembered is not None and body is not None:
        remembered.keep(valid.details_file, read(valid.details_file), body)
    return valid.config
