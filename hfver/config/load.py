"""Read the configuration: from the workspace, or from the two files as a git commit has them.

    config.yaml            the project's own file; its `huggingface:` section is ours
    configs/huggingface_config.yaml   the detailed file it names (`huggingface.config_file`)

Everything that is wrong in either file is reported in one run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfver.config.environment import CONFIG_VARIABLE, Override, apply, overrides
from hfver.config.marks import Document, parse_yaml
from hfver.config.problems import InvalidConfigError, MissingConfigError, Problem
from hfver.config.settings import Config
from hfver.errors import UsageError

if TYPE_CHECKING:
    from hfver.config import schema

MAIN_FILE = "config.yaml"
Read = Callable[[str], bytes | None]


def load_workspace(
    top: Path,
    *,
    environ: Mapping[str, str],
    config_path: Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> Config:
    """The configuration as the files stand now.

    ``config_path`` (an option, else HFVER_CONFIG) names another main file; paths in it are relative to ``top`` all the
    same. ``options`` maps dotted keys to values from the command line.
    """
    main = main_file(top, environ, config_path)

    def read(name: str) -> bytes | None:
        try:
            return (top / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            raise UsageError(f"{name} cannot be read: {exc.strerror}") from exc

    return _load(read, main, "workspace", overrides(environ, options))


def load_revision(
    read: Read,
    *,
    environ: Mapping[str, str],
    label: str,
    main: str = MAIN_FILE,
    options: Mapping[str, Any] | None = None,
) -> Config:
    """The configuration of a commit; ``read`` returns the bytes of a path in it, or None."""
    return _load(read, main, label, overrides(environ, options))


def main_file(top: Path, environ: Mapping[str, str], config_path: Path | None = None) -> str:
    """The main file's path as git names it: what an option or HFVER_CONFIG says, else config.yaml at the top."""
    chosen = config_path or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    if chosen is None:
        return MAIN_FILE
    try:
        return chosen.resolve().relative_to(top.resolve()).as_posix()
    except ValueError:
        return str(chosen.resolve())


def _load(read: Read, main: str, label: str, chosen: dict[tuple[str, ...], Override]) -> Config:
    where = "" if label == "workspace" else f"{label}:"
    raw = read(main)
    if raw is None:
        raise MissingConfigError(f"{where}{main} does not exist", hints=["hfver init"])
    document, problems = parse_yaml(raw, where + main)
    if document.data is None:
        raise InvalidConfigError(problems)
    if not isinstance(document.data, dict) or "huggingface" not in document.data:
        if problems:
            raise InvalidConfigError(problems)
        raise MissingConfigError(f"{where}{main} has no huggingface: section", hints=["hfver init"])
    huggingface, found = _main_section(document, chosen)
    problems += found
    details_document, details, found = _details(read, document, where, chosen)
    problems += found
    if huggingface is None or details is None or problems:
        raise InvalidConfigError(_in_order(problems))
    return _resolved(main, label, huggingface, details, document, details_document, chosen)


def _main_section(
    document: Document, chosen: dict[tuple[str, ...], Override]
) -> tuple[schema.HuggingFace | None, list[Problem]]:
    from hfver.config.schema import HuggingFace
    from hfver.config.validate import validate

    ours = [override for path, override in chosen.items() if path[0] == "huggingface"]
    data = apply(document.data, ours)["huggingface"]
    data = {} if data is None else data
    return validate(HuggingFace, data, document, prefix=("huggingface",), overrides=chosen)


def _details(
    read: Read, main: Document, where: str, chosen: dict[tuple[str, ...], Override]
) -> tuple[Document, schema.Details | None, list[Problem]]:
    from hfver.config import checks
    from hfver.config.schema import DEFAULT_DETAILS_FILE, Details
    from hfver.config.validate import validate

    section = main.data["huggingface"]
    named = section.get("config_file") if isinstance(section, dict) else None
    try:
        name = checks.path_in_repo(named) if isinstance(named, str) else DEFAULT_DETAILS_FILE
    except ValueError:  # reported with the main section
        name = DEFAULT_DETAILS_FILE
    raw = read(name)
    document, problems = parse_yaml(raw or b"", where + name)
    if raw is None and named is not None:
        problems = [main.problem(("huggingface", "config_file"), f"{where}{name} does not exist")]
    if document.data is None:
        return document, None, problems
    theirs = [override for path, override in chosen.items() if path[0] != "huggingface"]
    details, found = validate(Details, apply(document.data, theirs), document, overrides=chosen)
    return document, details, problems + found


def _resolved(
    main: str,
    label: str,
    huggingface: schema.HuggingFace,
    details: schema.Details,
    main_document: Document,
    details_document: Document,
    chosen: dict[tuple[str, ...], Override],
) -> Config:
    from hfver.config import resolve
    from hfver.config.effective import listing

    report = resolve.Reporter(main_document, details_document)
    formats = resolve.resolve_formats(details.versioning, report)
    scheme = resolve.resolve_auto_scheme(huggingface.versioning, details.versioning, formats, report)
    models = resolve.resolve_models(huggingface, details, report)
    resolve.check_notifications(details, report)
    if report.problems:
        raise InvalidConfigError(_in_order(report.problems))
    config = Config(
        label=label,
        main_file=main,
        huggingface=huggingface,
        details=details,
        models=models,
        formats=formats,
        auto_scheme=scheme,
        data=main_document.data,
    )
    return listing(config, main_document, details_document, chosen)


def _in_order(problems: list[Problem]) -> list[Problem]:
    files = list(dict.fromkeys(problem.file for problem in problems))
    return sorted(problems, key=lambda problem: (files.index(problem.file), problem.line, problem.column))
