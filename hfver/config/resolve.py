"""What the keys mean together: templates filled, tag formats compiled, relations between keys checked."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from hfver.config import checks
from hfver.config.marks import Document
from hfver.config.problems import MOST_PROBLEMS, Problem
from hfver.config.settings import ModelConfig
from hfver.tag_template import Template, TemplateError
from hfver.versions import (
    Scheme,
    TagFormats,
    default_formats,
    experiment_template,
    semantic_template,
    timestamp_template,
)

if TYPE_CHECKING:
    from hfver.config import schema

Report = Callable[[tuple[str | int, ...], str], None]
_REPO_FIELDS = ("username", "model_name")


class Reporter:
    """Collects problems of relations; a key of the main file starts with ``huggingface``."""

    def __init__(self, main: Document, details: Document) -> None:
        self.main = main
        self.details = details
        self.problems: list[Problem] = []

    def __call__(self, path: tuple[str | int, ...], message: str) -> None:
        if len(self.problems) > MOST_PROBLEMS:
            return
        document = self.main if path[0] == "huggingface" else self.details
        self.problems.append(document.problem(path, message))


def resolve_formats(versioning: schema.Versioning, report: Report) -> TagFormats:
    """The tag grammar; a format without the tag prefix would contradict it."""
    prefix, given = versioning.tag_prefix, versioning.formats
    formats = dataclasses.replace(default_formats(prefix), experiment=given.experiment)
    compilers: tuple[tuple[str, str | None, Callable[[str], Template]], ...] = (
        ("semantic", given.semantic, semantic_template),
        ("timestamp", given.timestamp, timestamp_template),
        ("experiment", given.experiment, experiment_template),
    )
    sound = True
    for name, text, compile_format in compilers:
        if text is None:
            continue
        path = ("versioning", "formats", name)
        try:
            compile_format(text)
        except TemplateError as exc:
            report(path, str(exc))
            sound = False
            continue
        if name != "experiment" and not text.startswith(prefix):
            report(path, f'does not start with versioning.tag_prefix "{prefix}"; change one of them')
            sound = False
        formats = dataclasses.replace(formats, **{name: text})
    if not versioning.semantic_versioning:
        formats = dataclasses.replace(formats, semantic=None)
    if sound:
        try:
            _ = formats.templates
        except TemplateError as exc:
            report(("versioning", "formats"), str(exc))
    return formats


def resolve_auto_scheme(
    tagging: schema.Tagging, versioning: schema.Versioning, formats: TagFormats, report: Report
) -> Scheme:
    """Which kind of version ``tag_format`` makes."""
    prefix = versioning.tag_prefix
    if tagging.tag_format is None:
        return Scheme.TIMESTAMP
    expanded = tagging.tag_format.replace("{timestamp}", formats.timestamp.removeprefix(prefix))
    expanded = expanded.replace("{experiment_name}", "{name}")
    if formats.semantic is not None:
        expanded = expanded.replace("{version}", formats.semantic.removeprefix(prefix))
    schemes = {formats.timestamp: Scheme.TIMESTAMP, formats.experiment: Scheme.EXPERIMENT}
    if formats.semantic is not None:
        schemes[formats.semantic] = Scheme.SEMANTIC
    if expanded in schemes:
        return schemes[expanded]
    choices = [f'"{prefix}{{timestamp}}"', f'"{formats.experiment.replace("{name}", "{experiment_name}")}"']
    if formats.semantic is not None:
        choices.insert(1, f'"{prefix}{{version}}"')
    message = (
        f"tags made this way would not be read as versions; use {' or '.join(choices)}, or change versioning.formats"
    )
    report(("huggingface", "versioning", "tag_format"), message)
    return Scheme.TIMESTAMP


def resolve_models(huggingface: schema.HuggingFace, details: schema.Details, report: Report) -> tuple[ModelConfig, ...]:
    names = _Names(huggingface, details, report)
    if not huggingface.models:
        return names.single() if huggingface.enabled or huggingface.repository.model_name else ()
    if huggingface.repository.model_name or huggingface.repository.model_path:
        report(("huggingface", "models"), "use either models or repository.model_name and repository.model_path")
    models = tuple(names.one_of_many(index, model) for index, model in enumerate(huggingface.models))
    for what in ("name", "path", "repo", "tag_prefix"):
        counted = Counter(getattr(model, what) for model in models)
        for index, model in enumerate(models):
            value = getattr(model, what)
            if counted[value] > 1:
                report(("huggingface", "models", index), f'{what} "{value}" belongs to {counted[value]} models')
    return models


class _Names:
    """Fills the templates for repository names."""

    def __init__(self, huggingface: schema.HuggingFace, details: schema.Details, report: Report) -> None:
        self.repository = huggingface.repository
        self.templates = details.repository
        self.username = details.user.username
        self.report = report
        for key in ("model_repo_template", "config_repo_template"):
            try:
                checks.template(getattr(self.templates, key), _REPO_FIELDS)
            except ValueError as exc:
                report(("repository", key), str(exc))
                self.templates = self.templates.model_copy(update={key: "{username}/{model_name}"})

    def single(self) -> tuple[ModelConfig, ...]:
        key = ("huggingface", "repository", "model_name")
        name = self.repository.model_name
        if not name:
            self.report(key, 'is missing: set the Hub repository, such as "your-username/my-model"')
            return ()
        repo, config_repo = self._repos(name, key)
        return (ModelConfig(name.rpartition("/")[2], self.repository.model_path, repo, config_repo),)

    def one_of_many(self, index: int, model: schema.Model) -> ModelConfig:
        key = ("huggingface", "models", index, "repo" if model.repo else "name")
        repo, config_repo = self._repos(model.repo or model.name, key)
        prefix = f"{model.name}-" if model.tag_prefix is None else model.tag_prefix
        try:
            checks.tag_prefix(prefix)
        except ValueError as exc:
            self.report(("huggingface", "models", index, "tag_prefix"), str(exc))
        return ModelConfig(model.name, model.path, repo, config_repo, prefix)

    def _repos(self, name: str, key: tuple[str | int, ...]) -> tuple[str, str]:
        """A namespace in the name wins over user.username: the name says whose model it is."""
        namespace, _, short = name.rpartition("/")
        username = namespace or self.username
        if not username:
            self.report(key, f'"{name}" names no user: write "username/{name}" or set user.username')
            username = "username"
        repo = self._fill("model_repo_template", username, short, key)
        config_repo = self._fill("config_repo_template", username, short, key)
        if repo == config_repo:
            self.report(("repository", "config_repo_template"), f"gives {repo}, which is the model's own repository")
        return repo, config_repo

    def _fill(self, template: str, username: str, model_name: str, key: tuple[str | int, ...]) -> str:
        text: str = getattr(self.templates, template).format(username=username, model_name=model_name)
        try:
            return checks.repo_id(text)
        except ValueError as exc:
            self.report(key, f"{exc} (from repository.{template})")
            return text


def check_notifications(details: schema.Details, report: Report) -> None:
    notifications = details.notifications
    if not notifications.email_notifications:
        return
    path = ("notifications", "email_notifications")
    if not notifications.smtp.host:
        report(path, "needs notifications.smtp.host")
    if not notifications.smtp.recipients and not details.user.email:
        report(path, "needs notifications.smtp.recipients or user.email")
    if not notifications.smtp.sender and not details.user.email:
        report(path, "needs notifications.smtp.sender or user.email")
    if notifications.smtp.username and not notifications.smtp.starttls:
        report(("notifications", "smtp", "starttls"), "must be true where a username is set: a login needs encryption")
