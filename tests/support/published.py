"""All that a Hub has of one project: what must not be in it is looked for everywhere at once."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.hub import HubForTests


def everything(hub: HubForTests) -> bytes:
    """Messages, authors, refs and every object of all repositories in the test's namespace."""
    found = []
    for kind, repos in (
        ("model", hub.api.list_models(author=hub.namespace)),
        ("dataset", hub.api.list_datasets(author=hub.namespace)),
    ):
        for repo in repos:
            git_dir = hub.git_dir(repo.id, kind)
            for command in (
                ["log", "--all", "--format=%B%n%an <%ae>"],
                ["for-each-ref", "--format=%(refname) %(contents)"],
                ["cat-file", "--batch-all-objects", "--batch"],
            ):
                done = subprocess.run(["git", "-C", str(git_dir), *command], capture_output=True, check=True)
                found.append(done.stdout)
    return b"\n".join(found)
