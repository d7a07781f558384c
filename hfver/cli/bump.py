"""``hfver bump``: make the next version."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from hfver.cli.answers.releases import Bumped
from hfver.cli.options import common, dry_run, model
from hfver.cli.output import Printer
from hfver.errors import EXIT_DONE, RefusedError, StateError
from hfver.hooks.skip import skipping_hooks

if TYPE_CHECKING:
    from hfver.config.settings import ModelConfig
    from hfver.model import Tag
    from hfver.versions import Level, Version
    from hfver.workspace import Workspace

LEVEL = click.Choice(["patch", "minor", "major", "prerelease", "finalize"])


@click.command()
@click.argument("level", type=LEVEL)
@click.option("--pre", default="rc", show_default=True, help="Name of pre-releases.")
@click.option("-m", "--message", help="Message of the tag and title of the release [default: the commit's].")
@model
@click.option("--allow-same", is_flag=True, help="Make a version although the model is that of the last one.")
@dry_run
@common(Bumped)
def bump(
    printer: Printer,
    level: Level,
    pre: str,
    message: str | None,
    model: str | None,
    allow_same: bool,
    dry_run: bool,
) -> int:
    """Make the next version tag at HEAD and release it.

    The next version follows the nearest one reachable from HEAD. prerelease makes 1.2.4-rc.1, then rc.2, and so on;
    finalize makes 1.2.4 of it. The tag is annotated, and signed if git's configuration says so.

    \b
    Example:
      hfver bump minor -m "Trained on the new corpus"   v1.2.0 to v1.3.0
      hfver bump prerelease                             v1.3.0 to v1.3.1-rc.1
      hfver bump finalize                               v1.3.1-rc.1 to v1.3.1
    """
    from hfver.workspace import open_workspace

    with open_workspace() as workspace:
        head = workspace.repo.head()
        if head is None:
            raise StateError("there is no commit to tag yet", hints=["git commit"])
        chosen = workspace.config.model(model)
        tag = _next_tag(workspace, chosen, head, level, pre, allow_same=allow_same)
        _refuse_secrets(workspace, chosen, tag, head, message)
        if dry_run:
            printer.data(Bumped(tag, head, False, [], []), f"would tag {head[:8]} as {tag}")
            return EXIT_DONE
        return _tag_and_release(workspace, printer, tag, head, message, allow_same=allow_same)


def _next_tag(workspace: Workspace, model: ModelConfig, head: str, level: Level, pre: str, *, allow_same: bool) -> str:
    from hfver.versions import next_version

    tags = workspace.repo.tags()
    reachable = _reachable(workspace, model, tags, head)
    version = next_version(
        [version for _, version in reachable],
        level,
        pre,
        formats=workspace.config.formats,
        prefix=model.tag_prefix,
        taken={tag.name for tag in tags},
    )
    if not allow_same:
        _refuse_same(workspace, model, reachable, head, version)
    return version.tag


def _reachable(workspace: Workspace, model: ModelConfig, tags: tuple[Tag, ...], head: str) -> list[tuple[Tag, Version]]:
    from hfver.survey import versions_of

    graph = workspace.repo.commit_graph([head])
    return [(tag, version) for tag, version in versions_of(workspace, model, tags) if tag.commit in graph]


def _refuse_same(
    workspace: Workspace, model: ModelConfig, reachable: list[tuple[Tag, Version]], head: str, version: Version
) -> None:
    from hfver.adapters.git_tree import CommitTree
    from hfver.outputs.at_commit import pointer_at
    from hfver.versions import Scheme

    semantic = [(tag, known) for tag, known in reachable if known.scheme is Scheme.SEMANTIC]
    if not semantic:
        return
    last, known = max(semantic, key=lambda pair: pair[1])
    if known.is_prerelease:
        return  # a release candidate becomes the final version unchanged: that is what it is for
    with workspace.repo.reader() as reader:
        now = pointer_at(workspace, CommitTree(workspace.repo, reader, head, "HEAD"), model.path)
        try:
            then = pointer_at(workspace, CommitTree(workspace.repo, reader, last.commit, last.name), model.path)
        except StateError:
            return
    if now.md5 is not None and now.md5 == then.md5:
        raise RefusedError(
            f"the model at HEAD is that of {last.name}: {version.tag} would be the same content again",
            hints=[
                f"record the new model first: hfver track {now.path}, then git commit",
                "or insist: hfver bump --allow-same",
            ],
        )


def _refuse_secrets(workspace: Workspace, model: ModelConfig, tag: str, head: str, message: str | None) -> None:
    """Whatever its release would stop at is said while there is no tag yet."""
    from hfver.adapters.git_tree import CommitTree
    from hfver.mirror.secret_scan import in_title, refuse_secrets
    from hfver.model import Tag
    from hfver.release_secrets import cached_findings, told_findings
    from hfver.target import config_at

    titled = Tag(tag, head, head if message else None, message or _subject(workspace, head))
    with workspace.repo.reader() as reader:
        tree = CommitTree(workspace.repo, reader, head, "HEAD")
        config = config_at(workspace, head, "HEAD")
        others = [*told_findings(tree, config, workspace.state), *cached_findings(workspace, tree, model.path)]
    titles = in_title(titled)
    hints = ["hfver bump --message 'another message'"] if titles else []
    hints += ["then commit what changed, and hfver bump again"] if others else []
    refuse_secrets([*titles, *others], model.repo, hints=hints)


def _subject(workspace: Workspace, commit: str) -> str:
    """What the commit says it is: the better title for a release than its own number."""
    return workspace.repo.commits([commit])[commit].subject or commit


def _tag_and_release(
    workspace: Workspace, printer: Printer, tag: str, head: str, message: str | None, *, allow_same: bool
) -> int:
    from hfver.cli.owed import explain, pushed, release_now
    from hfver.owed import Work, intend

    # The hook would do the same in a process of its own, knowing less: not that --allow-same was said.
    with skipping_hooks():
        workspace.repo.create_tag(tag, head, message or _subject(workspace, head))
    printer.show(tag)
    config = workspace.config
    work = Work()
    if not (config.enabled and config.auto_sync):
        printer.note(f"Releasing is switched off here; to release it: hfver push {tag}")
    elif config.hooks.publish == "background" and not os.environ.get("CI"):
        from hfver.hooks.repo import find_repo
        from hfver.worker import start_worker

        intend(workspace, [tag], "hfver bump")
        start_worker(find_repo())
        printer.note(f"{tag} is being released in the background; hfver status shows how it goes.")
    else:
        work = release_now(workspace, printer, [tag], allow_same=allow_same)
    done = pushed(work)
    printer.data(Bumped(tag, head, True, done.released, done.failed))
    return explain(printer, work)
