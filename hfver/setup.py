"""What ``hfver init`` does to a repository; running it again changes nothing that is right already."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hfver.adapters.git_repo import GitRepo
from hfver.beneath import Beneath, refuse_links
from hfver.errors import UsageError
from hfver.hub_state import EMBEDDED
from hfver.small_files import read_small
from hfver.workspace import sweep_work_tree

MAIN_FILE = "config.yaml"
DETAILS_FILE = "configs/huggingface_config.yaml"
HUGGINGFACE_CO = "https://huggingface.co"


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user said, or what stands in for it."""

    model_name: str | None = None  # namespace/name
    path: str = "model"
    endpoint: str | None = None


@dataclass
class Report:
    """What was done, in sentences, and what was right already."""

    repo: str = ""
    endpoint: str = ""
    done: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def initialise(repo: GitRepo, choices: Choices, environ: Mapping[str, str]) -> Report:
    """Set up DVC, both configuration files and the hooks."""
    report = Report()
    sweep_work_tree(repo.top)
    _set_up_dvc(repo, report)
    _write_config(repo, choices, environ, report)
    _install_hooks(repo, report)
    return report


def _set_up_dvc(repo: GitRepo, report: Report) -> None:
    from hfver.adapters.dvc_outputs import DvcProject

    refuse_links(repo.top, repo.top / ".dvc", at_the_end=True)
    if (repo.top / ".dvc").is_dir():
        report.kept.append("DVC is set up (.dvc)")
        return
    DvcProject.init(repo.top)
    report.done.append("set up DVC (.dvc)")


def _write_config(repo: GitRepo, choices: Choices, environ: Mapping[str, str], report: Report) -> None:
    from hfver.config.load import load_workspace
    from hfver.config.templates import add_huggingface_section, details_text

    main = repo.top / MAIN_FILE
    before = read_small(main, name=MAIN_FILE).decode() if main.exists() else ""
    namespace, model = _names(repo, choices, environ)
    endpoint = choices.endpoint or _default_endpoint(environ)
    after = add_huggingface_section(before, f"{namespace}/{model}", choices.path, endpoint)
    if after == before:
        report.kept.append(f"{MAIN_FILE} has a huggingface section")
    else:
        _write(repo.top, MAIN_FILE, after)
        _stage_new(repo, MAIN_FILE, before, report)
        report.done.append(f"{'added the huggingface section to' if before else 'wrote'} {MAIN_FILE}")
    details = repo.top / DETAILS_FILE
    if details.exists():
        report.kept.append(f"{DETAILS_FILE} is there")
    else:
        author = repo.config("user.name") or namespace
        email = repo.config("user.email") or ""
        _write(repo.top, DETAILS_FILE, details_text(namespace, email, author))
        _stage_new(repo, DETAILS_FILE, "", report)
        report.done.append(f"wrote {DETAILS_FILE}")
    config = load_workspace(repo.top, environ=environ)
    report.endpoint = config.endpoint
    report.repo = ", ".join(model.repo for model in config.models)


def _write(top: Path, name: str, text: str) -> None:
    with Beneath(str(top)) as below:
        below.make_directories(name.rpartition("/")[0])
        below.write(name, text.encode())


def _stage_new(repo: GitRepo, name: str, before: str, report: Report) -> None:
    """A file that was not there is staged, as DVC does with its own: a release reads the configuration from git."""
    if before:
        return
    if repo.execute("check-ignore", "--quiet", "--", name).code == 0:
        report.warnings.append(f"{name} is ignored by git, so releases will not see it; `git add --force {name}`")
        return
    repo.stage([name])


def _names(repo: GitRepo, choices: Choices, environ: Mapping[str, str]) -> tuple[str, str]:
    if choices.model_name is not None:
        namespace, slash, name = choices.model_name.partition("/")
        if not slash or not namespace or not name or "/" in name:
            raise UsageError(
                f"{choices.model_name!r} is not namespace/name", hints=["hfver init --model-name me/model"]
            )
        return namespace, name
    return _slug(environ.get("USER") or environ.get("LOGNAME") or "me"), _slug(repo.top.name)


def _slug(text: str) -> str:
    """A name the Hub accepts: letters, digits, ``-``, ``_`` and ``.``, not doubled, not at the ends."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", text)
    slug = re.sub(r"-{2,}", "-", re.sub(r"\.{2,}", ".", slug)).strip("-.")[:96]
    return slug or "model"


def _default_endpoint(environ: Mapping[str, str]) -> str:
    from hfver.trust import find_token

    if environ.get("HF_ENDPOINT"):
        return environ["HF_ENDPOINT"].rstrip("/")
    return HUGGINGFACE_CO if find_token(environ) else EMBEDDED


def _install_hooks(repo: GitRepo, report: Report) -> None:
    from hfver.hooks.install import install

    installed = install(repo.top)
    report.done.append(f"installed the git hooks in {_shown(installed.directory, repo.top)}")
    report.warnings += installed.notes


def _shown(path: Path, top: Path) -> str:
    return str(path.relative_to(top)) if path.is_relative_to(top) else str(path)
