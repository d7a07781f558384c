"""Both files read and validated: the part of loading that takes time (see ``hfver.config.memory``)."""

from __future__ import annotations

from dataclasses import dataclass

from hfver.config import checks
from hfver.config.environment import Override, apply
from hfver.config.marks import Document, parse_yaml
from hfver.config.memory import Read
from hfver.config.problems import InvalidConfigError, MissingConfigError, Problem
from hfver.config.resolve import Reporter, check_notifications, resolve_auto_scheme, resolve_formats, resolve_models
from hfver.config.schema import DEFAULT_DETAILS_FILE, Details, HuggingFace
from hfver.config.settings import WORKSPACE, Config
from hfver.config.validate import validate
from hfver.config.values import plain


@dataclass(frozen=True, slots=True)
class Validated:
    """A configuration and the documents it was read from."""

    config: Config
    main: Document
    details: Document
    details_file: str


def validated(read: Read, main: str, label: str, chosen: dict[tuple[str, ...], Override]) -> Validated:
    """Both files and what wins over them, or ConfigError with everything that is wrong."""
    where = "" if label == WORKSPACE else f"{label}:"
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
    details_file = _details_file(document)
    details_document, details, found = _details(read, document, details_file, where, chosen)
    problems += found
    if huggingface is None or details is None or problems:
        raise InvalidConfigError(_in_order(problems))
    config = _resolved(main, label, huggingface, details, document, details_document)
    return Validated(config, document, details_document, details_file)


def _main_section(
    document: Document, chosen: dict[tuple[str, ...], Override]
) -> tuple[HuggingFace | None, list[Problem]]:
    ours = [override for path, override in chosen.items() if path[0] == "huggingface"]
    data = apply(document.data, ours)["huggingface"]
    data = {} if data is None else data
    return validate(HuggingFace, data, document, prefix=("huggingface",), overrides=chosen)


def _details_file(main: Document) -> str:
    section = main.data["huggingface"]
    named = section.get("config_file") if isinstance(section, dict) else None
    try:
        return checks.path_in_repo(named) if isinstance(named, str) else DEFAULT_DETAILS_FILE
    except ValueError:  # reported with the main section
        return DEFAULT_DETAILS_FILE


def _details(
    read: Read, main: Document, name: str, where: str, chosen: dict[tuple[str, ...], Override]
) -> tuple[Document, Details | None, list[Problem]]:
    raw = read(name)
    document, problems = parse_yaml(raw or b"", where + name)
    section = main.data["huggingface"]
    if raw is None and isinstance(section, dict) and section.get("config_file") is not None:
        problems = [main.problem(("huggingface", "config_file"), f"{where}{name} does not exist")]
    if document.data is None:
        return document, None, problems
    theirs = [override for path, override in chosen.items() if path[0] != "huggingface"]
    details, found = validate(Details, apply(document.data, theirs), document, overrides=chosen)
    return document, details, problems + found


def _resolved(
    main: str,
    label: str,
    huggingface: HuggingFace,
    details: Details,
    main_document: Document,
    details_document: Document,
) -> Config:
    report = Reporter(main_document, details_document)
    formats = resolve_formats(details.versioning, report)
    scheme = resolve_auto_scheme(huggingface.versioning, details.versioning, formats, report)
    models = resolve_models(huggingface, details, report)
    check_notifications(details, report)
    if report.problems:
        raise InvalidConfigError(_in_order(report.problems))
    return Config(
        label=label,
        main_file=main,
        huggingface=plain(huggingface),
        details=plain(details),
        models=models,
        formats=formats,
        auto_scheme=scheme,
        data=main_document.data,
    )


def _in_order(problems: list[Problem]) -> list[Problem]:
    files = list(dict.fromkeys(problem.file for problem in problems))
    return sorted(problems, key=lambda problem: (files.index(problem.file), problem.line, problem.column))
