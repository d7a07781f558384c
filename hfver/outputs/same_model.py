"""Whether a model that is about to become a version is one already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfver.adapters.git_tree import CommitTree
from hfver.errors import HfverError
from hfver.outputs.at_commit import pointer_at

if TYPE_CHECKING:
    from hfver.config.settings import Config, ModelConfig
    from hfver.model import Tag
    from hfver.outputs.recording import Recorded
    from hfver.workspace import Workspace


def version_of_same_model(workspace: Workspace, config: Config, model: ModelConfig, recorded: Recorded) -> str | None:
    """The version at the recorded commit, or nearest below it, if its model is this very one.

    A sync that was cut off, or is run again after a training that changed nothing, goes on with it.
    """
    by_commit: dict[str, list[Tag]] = {}
    for tag in workspace.repo.tags():
        found = config.version_of(tag.name)
        if found is not None and found[0] == model:
            by_commit.setdefault(tag.commit, []).append(tag)
    here = (recorded.commit,) if recorded.commit in by_commit else ()
    for commit in here or workspace.repo.nearest(recorded.commit, by_commit):
        for tag in by_commit[commit]:
            if _digest(workspace, model, tag, recorded) == recorded.md5:
                return tag.name
    return None


def _digest(workspace: Workspace, model: ModelConfig, tag: Tag, recorded: Recorded) -> str | None:
    """None where the version's commit does not say: then it is not the same for sure."""
    with workspace.repo.reader() as reader:
        tree = CommitTree(workspace.repo, reader, tag.commit, tag.name)
        try:
            return pointer_at(workspace, tree, tag.model_path or model.path or recorded.path).md5
        except HfverError:
            return None
